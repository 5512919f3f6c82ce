// Failures of the way to the server, over real connections: each is its own class, and nothing that counts counts twice.

import assert from "node:assert/strict";
import http from "node:http";
import { after, test } from "node:test";
import { ConfigError, ConnectError, DecodeError, HttpError, InterruptedError, Redis, TimeoutError, TooLargeError } from "restis";
import { mocked, rejection, token, url } from "./support.mjs";

const prefix = `faults-${process.version}-${Date.now()}`;
const servers = [];
after(() => servers.forEach((server) => server.closeAllConnections() ?? server.close()));

/** The address of a server that does this with each request. `forward` asks the real one, and gives its answer. */
async function serving(handle) {
  const seen = [];
  const server = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    seen.push(body.toString());
    const forward = () => fetch(url + (request.url === "/" ? "" : request.url), {
      method: "POST", body, headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    });
    await handle({ request, response, forward, attempt: seen.length });
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  servers.push(server);
  return { address: `http://127.0.0.1:${server.address().port}`, seen };
}

const quick = { retries: 2, baseDelay: 1, maxDelay: 2 };
const client = (address, options) => new Redis({ url: address, token, timeout: 5000, retry: quick, ...options });
const failing = (status, body, headers) => ({ response }) => response.writeHead(status, headers).end(body);

test("the answer to INCR is lost: it is not sent again, and the server counted it once", async () => {
  const key = `${prefix}:counter`;
  const real = new Redis({ url, token });
  await real.del(key);
  const { address, seen } = await serving(async ({ response, forward }) => {
    await (await forward()).text();
    response.destroy();
  });
  const error = await rejection(client(address).incr(key));
  assert.ok(error instanceof InterruptedError, String(error));
  assert.deepEqual([error.ambiguous, error.retryable, error.attempts, error.command], [true, false, 1, "INCR"]);
  assert.equal(seen.length, 1);
  assert.equal(await real.get(key), 1);
  const pipelined = await rejection(client(address).pipeline().get(key).incr(key).exec());
  assert.ok(pipelined.ambiguous && pipelined.command === "pipeline");
  assert.equal(await real.getdel(key), 2);
});

test("the answer to GET is lost: it is asked for again", async () => {
  const { address, seen } = await serving(async ({ response, forward, attempt }) => {
    const answer = await (await forward()).text();
    if (attempt === 1) response.destroy();
    else response.end(answer);
  });
  assert.equal(await client(address).get(`${prefix}:absent`), null);
  assert.equal(seen.length, 2);
});

test("a refused connection: repeated whatever it is, since nothing ran", async () => {
  const { address } = await serving(() => {});
  const server = servers.pop();
  await new Promise((closed) => server.close(closed));
  const error = await rejection(client(address).incr("k"));
  assert.ok(error instanceof ConnectError, String(error));
  assert.deepEqual([error.attempts, error.ambiguous, error.retryable], [3, false, true]);
  assert.ok(error.cause instanceof Error);
  // Node says why in the cause of what fetch throws.
  assert.match(`${error.cause.message} ${error.cause.cause?.code}`, /ECONNREFUSED/);
});

test("no answer, and one that stops in its middle: a timeout that is kept", async () => {
  const silent = await serving(() => {});
  const begun = performance.now();
  const error = await rejection(client(silent.address, { timeout: 200, retry: false }).get("k"));
  assert.ok(error instanceof TimeoutError, String(error));
  assert.ok(performance.now() - begun < 20_000);
  const stalled = await serving(({ response }) => response.writeHead(200, { "content-length": "100" }).write('{"result"'));
  const half = await rejection(client(stalled.address, { attemptTimeout: 100, retry: false }).set("k", "v"));
  assert.ok(half instanceof TimeoutError, String(half));
  assert.equal(half.ambiguous, true);
});

test("an answer that is cut off", async () => {
  const { address } = await serving(({ response }) => {
    response.writeHead(200, { "content-length": "100" });
    response.write('{"result"', () => response.destroy());
  });
  const error = await rejection(client(address, { retry: false }).incr("k"));
  assert.ok(error instanceof InterruptedError, String(error));
  assert.deepEqual([error.inBody, error.status, error.ambiguous], [true, 200, true]);
});

test("429 and Restis-Ran: no are repeated whatever they were, 408, 500 and 503 only if that is safe", async () => {
  for (const [status, headers] of [
    [429, {}],
    [503, { "Restis-Ran": "no" }],
    [408, { "restis-ran": "no" }],
  ]) {
    const { address, seen } = await serving(({ response, attempt }) =>
      attempt < 3 ? response.writeHead(status, headers).end("busy") : response.end('{"result":1}'),
    );
    assert.equal(await client(address).incr("k"), 1);
    assert.equal(seen.length, 3);
  }
  for (const [status, headers] of [
    [408, {}],
    [500, {}],
    [503, {}],
    [429, { "restis-ran": "maybe" }],
  ]) {
    const { address, seen } = await serving(failing(status, "oops", headers));
    const write = await rejection(client(address).incr("k"));
    assert.ok(write instanceof HttpError && write.ambiguous && write.status === status, String(write));
    assert.equal(seen.length, 1);
    const read = await rejection(client(address).get("k"));
    assert.ok(read instanceof HttpError && !read.ambiguous && read.attempts === 3, String(read));
  }
});

test("retry: false makes every request once", async () => {
  const { address, seen } = await serving(failing(503, "busy"));
  const error = await rejection(client(address, { retry: false }).get("k"));
  assert.deepEqual([error.attempts, error.retryable, seen.length], [1, true, 1]);
});

test("a page of a gateway, and JSON that is no answer", async () => {
  const page = await serving(failing(200, "<html>Log in</html>", { "content-type": "text/html" }));
  const html = await rejection(client(page.address, { retry: false }).get("k"));
  assert.ok(html instanceof HttpError && /proxy|login/.test(html.message), String(html));
  for (const body of ["{}", "[]", "1", '{"results":1}']) {
    const { address } = await serving(failing(200, body));
    const error = await rejection(client(address, { retry: false }).get("k"));
    assert.ok(error instanceof DecodeError, `${body}: ${error}`);
  }
  for (const body of ["", "nonsense", '{"result":1', "[{}"]) {
    const { address } = await serving(failing(200, body));
    const error = await rejection(client(address, { retry: false }).get("k"));
    assert.ok(error instanceof InterruptedError || error instanceof DecodeError, `${body}: ${error}`);
  }
  for (const body of ["{}", "1", '[{"result":1},{"result":2}]']) {
    const { redis } = mocked(() => body);
    const error = await rejection(redis.pipeline().get("k").exec());
    assert.ok(error instanceof DecodeError, `${body}: ${error}`);
  }
});

test("what the server repeats of a command's arguments is in no error of a batch", async () => {
  for (const words of [
    "ERR unknown command 'FOO', with args beginning with: 'secret' ",
    "ERR unknown subcommand 'secret'. Try FOO HELP.",
    'ERR Invalid "secret" here',
    "ERR it isn't 'secret',",
    "ERR unclosed 'secret",
    "ERR Dynamic keys are not allowed. Key was: secret",
  ]) {
    const { redis } = mocked(() => JSON.stringify([{ error: words }]));
    const error = await rejection(redis.pipeline().command("FOO", "secret").exec());
    assert.ok(error.message.startsWith("ERR ") && error.message.includes("(command: FOO)") && error.code === "ERR", error.message);
    assert.ok(!error.message.includes("secret"), error.message);
  }
  const { redis } = mocked(() => JSON.stringify([{ error: "ERR wrong number of arguments for 'get' command" }]));
  assert.equal((await rejection(redis.pipeline().get("k").exec())).message, "ERR wrong number of arguments for 'get' command (command: GET)");
});

test("a reply of another shape than the command's", async () => {
  for (const [call, result] of [
    [(redis) => redis.scan(0), "text"],
    [(redis) => redis.scan(0), 1],
    [(redis) => redis.hmget("k", "a"), 1],
    [(redis) => redis.time(), null],
    [(redis) => redis.slowlogGet(), 7],
    [async (redis) => { for await (const key of redis.scanIterator()) assert.fail(key); }, null],
  ]) {
    const { redis } = mocked(() => JSON.stringify({ result }));
    const error = await rejection(call(redis));
    assert.ok(error instanceof DecodeError, `${call}: ${error}`);
  }
});

test("a request over 10 MB is not sent", async () => {
  const { redis, requests } = mocked(() => '{"result":"OK"}');
  const error = await rejection(redis.set("k", "secret".repeat(2_000_000)));
  assert.ok(error instanceof TooLargeError, error.name);
  assert.ok(/10 MB/.test(error.message) && error.message.length < 300);
  assert.equal(requests.length, 0);
});

test("a fetch that throws, rejects with anything, or is nothing", async () => {
  const throwing = (what) => new Redis({ url, token, retry: false, fetch: () => { throw what; } });
  assert.ok((await rejection(throwing(new Error("no")).get("k"))) instanceof ConfigError);
  const rejecting = (what) => new Redis({ url, token, retry: false, fetch: () => Promise.reject(what) });
  for (const what of [new TypeError("fetch failed"), "text", undefined, null, 7]) {
    assert.ok((await rejection(rejecting(what).get("k"))) instanceof InterruptedError, String(what));
  }
});

for (const enableAutoPipelining of [true, false]) {
  test(`one client serves many calls at once, together (${enableAutoPipelining}), and a failed one harms no other`, async () => {
    const entry = (words) => (words[1] % 10 === 0 ? '{"error":"ERR no"}' : JSON.stringify({ result: words[1] }));
    const { redis, requests } = mocked(async (path, body) => {
      await new Promise((soon) => setTimeout(soon, Math.random() * 10));
      return path === "/pipeline" ? `[${body.map(entry).join()}]` : entry(body);
    }, { enableAutoPipelining });
    const outcomes = await Promise.allSettled(Array.from({ length: 300 }, (_, i) => redis.get(i)));
    outcomes.forEach((outcome, i) => {
      if (i % 10 === 0) assert.equal(outcome.reason.code, "ERR");
      else assert.equal(outcome.value, i);
    });
    assert.equal(requests.length, enableAutoPipelining ? 1 : 300);
  });
}
