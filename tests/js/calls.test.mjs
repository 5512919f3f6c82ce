// What a client and a call can be told beside the commands: settings of one call, bytes, middlewares, requesters, the sync
// token, readers and writers of values, hooks, and the shapes of @upstash/redis where a program asks for them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError, Redis, RedisError, ServerError, TimeoutError } from "restis";
import { mocked, rejection, token, url } from "./support.mjs";

const real = (options) => new Redis({ url, token, ...options });
/** A key of this test alone. */
const key = () => `calls:${crypto.randomUUID()}`;
/** A fetch that never answers, and says when it is given up. */
function silent() {
  const given = { up: 0 };
  const fetch = (_, { signal }) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => { given.up += 1; reject(signal.reason); }));
  return { redis: new Redis({ url: "https://mock.example", token: "t", retry: false, fetch }), given };
}

test("with({ timeout }) bounds one call, and the client is as it was", async () => {
  const { redis, given } = silent();
  const error = await rejection(redis.with({ timeout: 20 }).get("k"));
  assert.ok(error instanceof TimeoutError, String(error));
  assert.equal(given.up, 1);
  await assert.rejects(redis.with({ timeout: 20 }).pipeline().get("k").get("l").exec(), TimeoutError);
  await assert.rejects(redis.with({ timeout: 20 }).json.get("k"), TimeoutError);
  const quick = mocked(() => '{"result":1}');
  await quick.redis.with({ timeout: 1000 }).incr("k");
  assert.equal(await quick.redis.incr("k"), 1);
});

test("with({ retry }) says how one call is repeated", async () => {
  let left = 2;
  const { redis, requests } = mocked(() => (left-- > 0 ? new Response("busy", { status: 503 }) : '{"result":"v"}'));
  assert.equal(await redis.with({ retry: { retries: 3, baseDelay: 1 } }).get("k"), "v");
  assert.equal(requests.length, 3);
  left = 1;
  await assert.rejects(redis.get("k"), { status: 503 });
  left = 1;
  const twice = redis.with({ retry: { retries: 1, baseDelay: 1 } });
  await assert.rejects(twice.with({ retry: false }).get("k"), { status: 503 });
});

test("a signal gives a call up with its reason, and the request with it", async () => {
  const { redis, given } = silent();
  const controller = new AbortController();
  const waiting = rejection(redis.with({ signal: controller.signal }).set("k", "v"));
  setTimeout(() => controller.abort(new RangeError("enough")), 10);
  const reason = await waiting;
  assert.ok(reason instanceof RangeError, String(reason));
  assert.equal(given.up, 1);

  const before = redis.with({ signal: AbortSignal.abort() });
  assert.equal((await rejection(before.get("k"))).name, "AbortError");
  assert.equal((await rejection(before.pipeline().get("k").exec())).name, "AbortError");
  const all = silent();
  const shared = new AbortController();
  const first = rejection(all.redis.with({ signal: shared.signal }).get("a"));
  const other = all.redis.with({ timeout: 200 }).get("b");
  setTimeout(() => shared.abort(), 10);
  assert.equal((await first).name, "AbortError");
  // Who shares the request is not concerned.
  await assert.rejects(other, TimeoutError);
});

test("a signal in the options is that of all calls, and one that is not used is let go", async () => {
  const controller = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = controller.signal;
  controller.signal.addEventListener = function (...args) { listeners += 1; return addEventListener.apply(this, args); };
  controller.signal.removeEventListener = function (...args) { listeners -= 1; return removeEventListener.apply(this, args); };
  const { redis } = mocked(() => '{"result":1}', { signal: controller.signal });
  await redis.incr("k");
  await redis.incr("k");
  assert.equal(listeners, 0);
  controller.abort(new Error("over"));
  assert.equal((await rejection(redis.incr("k"))).message, "over");
});

test("bytes go in as they are, and come back with with({ bytes: true })", async () => {
  const redis = real();
  const name = key();
  const every = Uint8Array.from({ length: 256 }, (_, i) => i);
  assert.equal(await redis.set(name, every, { ex: 60 }), "OK");
  assert.ok((await redis.ttl(name)) > 0);
  const bytes = redis.with({ bytes: true });
  assert.deepEqual(await bytes.get(name), every);
  // Any view of a buffer, and text as bytes.
  await redis.set(name, new DataView(every.buffer, 200, 3));
  assert.deepEqual(await bytes.get(name), every.slice(200, 203));
  await redis.set(name, new TextEncoder().encode("7 ü"));
  assert.equal(await redis.get(name), "7 ü");
  assert.deepEqual(await bytes.pipeline().get(name).strlen(name).get(`${name}:none`).exec(), [new TextEncoder().encode("7 ü"), 4, null]);
  assert.deepEqual(await bytes.mget(name, `${name}:none`), [new TextEncoder().encode("7 ü"), null]);
  // In one turn with others, in order, each read in its own way.
  const [set, got, text] = await Promise.all([redis.set(name, every.slice(250)), bytes.get(name), redis.echo("x")]);
  assert.deepEqual([set, got, text], ["OK", every.slice(250), "x"]);
  await assert.rejects(bytes.incr(name), ServerError);
  await redis.del(name);
});

test("a middleware sees each request, may change it and its answer, and stands around those before", async () => {
  const { redis, requests } = mocked((path) => (path === "" ? '{"result":"v"}' : '[{"result":"v"},{"error":"ERR no"}]'));
  const seen = [];
  redis.use(async (request, next) => {
    seen.push(["inner", request.path, request.body]);
    return next(request);
  });
  redis.use(async (request, next) => {
    seen.push(["outer", request.path, request.body]);
    const answer = await next(request.body[0] === "GET" ? { ...request, body: ["GET", "other"] } : request);
    return Array.isArray(answer) ? answer : { result: `${answer.result}!` };
  });
  assert.equal(await redis.get("k"), "v!");
  assert.deepEqual(seen, [["outer", [], ["GET", "k"]], ["inner", [], ["GET", "other"]]]);
  assert.deepEqual(JSON.parse(requests[0].text), ["GET", "other"]);
  const [first, second] = await redis.pipeline().set("a", { b: 1 }).get("c").exec({ keepErrors: true });
  assert.equal(first.result, "v");
  assert.equal(second.error.code, "ERR");
  assert.deepEqual(seen[2], ["outer", ["pipeline"], [["SET", "a", '{"b":1}'], ["GET", "c"]]]);

  const failing = mocked(() => '{"error":"WRONGTYPE no"}');
  failing.redis.use((request, next) => next(request));
  await assert.rejects(failing.redis.incr("k"), { code: "WRONGTYPE", command: "INCR" });
  failing.redis.use(() => ({ result: 7 }));
  assert.equal(await failing.redis.incr("k"), 7);
  failing.redis.use(() => { throw new RangeError("mine"); });
  await assert.rejects(failing.redis.incr("k"), RangeError);
});

test("settings of a call pass a middleware", async () => {
  const { redis } = silent();
  redis.use((request, next) => next({ ...request }));
  await assert.rejects(redis.with({ timeout: 20 }).get("k"), TimeoutError);
});

test("a requester in place of URL and token", async () => {
  const seen = [];
  const requester = {
    async request(request) {
      seen.push(request);
      if (request.path[0] === "pipeline") return request.body.map(() => ({ result: "1" }));
      return request.body[0] === "INCR" ? { error: "ERR value is not an integer" } : { result: '{"a":1}' };
    },
  };
  const redis = new Redis(requester);
  assert.deepEqual(await redis.get("k"), { a: 1 });
  assert.deepEqual(seen[0].body, ["GET", "k"]);
  assert.deepEqual(await redis.pipeline().get("a").get("b").exec(), [1, 1]);
  await assert.rejects(redis.incr("k"), { code: "ERR", command: "INCR" });
  assert.equal(await new Redis(requester, { automaticDeserialization: false }).get("k"), '{"a":1}');
  const subscriber = redis.subscribe("channel");
  const error = await new Promise((resolve) => subscriber.on("error", resolve));
  assert.ok(error instanceof ConfigError);
});

test("readYourWritesSyncToken is what the next request carries", async () => {
  const answers = ["one", "two"];
  const { redis, requests } = mocked(() => new Response('{"result":1}', { headers: { "upstash-sync-token": answers.shift() } }));
  assert.equal(redis.readYourWritesSyncToken, undefined);
  await redis.incr("k");
  assert.equal(redis.readYourWritesSyncToken, "one");
  redis.readYourWritesSyncToken = "elsewhere";
  await redis.incr("k");
  assert.equal(requests[1].headers["upstash-sync-token"], "elsewhere");
  assert.equal(redis.readYourWritesSyncToken, "two");
  redis.readYourWritesSyncToken = undefined;
  assert.equal(redis.readYourWritesSyncToken, "");
  const other = new Redis({ request: async () => ({ result: 1 }) });
  other.readYourWritesSyncToken = "nobody's";
  assert.equal(other.readYourWritesSyncToken, undefined);
});

test("serialize and deserialize are the program's own", async () => {
  const { redis, requests } = mocked(
    (path) => (path === "" ? '{"result":["a","b"]}' : '[{"result":"c"}]'),
    { serialize: (value) => `<${value.join()}>`, deserialize: (text) => `${text}?` },
  );
  assert.deepEqual(await redis.mget("x", "y"), ["a?", "b?"]);
  await redis.set("k", [1, 2]);
  assert.deepEqual(JSON.parse(requests[1].text), ["SET", "k", "<1,2>"]);
  assert.deepEqual(await redis.pipeline().set("k", [3]).exec(), ["c?"]);
  assert.equal(JSON.parse(requests[2].text)[0][2], "<3>");
  const other = mocked(() => '{"result":["1"]}');
  assert.deepEqual(await other.redis.mget("x"), [1]);
  const broken = mocked(() => '{"result":"x"}', { deserialize: () => { throw new Error("private"); } });
  const error = await rejection(broken.redis.get("k"));
  assert.equal(error.kind, "decode");
  assert.ok(!error.message.includes("private"));
  assert.deepEqual(await other.redis.mget("x"), [1], "the reader of one client is not that of another");
});

test("bigint: true gives integers that a number cannot hold as BigInts", async () => {
  const { redis } = mocked(() => '{"result":["1",9007199254740993,"-9007199254740993","9007199254740991","1.5"]}', { bigint: true });
  assert.deepEqual(await redis.mget("k"), [1, 9007199254740993n, -9007199254740993n, 9007199254740991, 1.5]);
});

test("what a fetch of one's own adds to the headers stays in that request", async () => {
  const seen = [];
  const redis = real({
    fetch(address, init) {
      seen.push(Object.keys(init.headers));
      init.headers[`x-trace-${seen.length}`] = "1";
      return fetch(address, init);
    },
  });
  for (let n = 0; n < 3; n += 1) await redis.get(key());
  assert.deepEqual(seen.flat().filter((name) => name.startsWith("x-")), []);
  assert.ok(seen[2].includes("upstash-sync-token"));
});

test("onRequest hears of each request when its answer begins, and nothing of what is in it", async () => {
  const heard = [];
  let fails = false;
  const { redis } = mocked(
    (path) => {
      if (fails) throw new TypeError("no network");
      return path === "" ? '{"result":1}' : '[{"result":1},{"result":2}]';
    },
    { onRequest: (report) => heard.push(report) },
  );
  await Promise.all([redis.incr("secret"), redis.incr("secret")]);
  await redis.incr("secret");
  fails = true;
  await rejection(redis.get("secret"));
  assert.deepEqual(heard.map(({ path, status }) => [path, status]), [["/pipeline", 200], ["/", 200], ["/", undefined]]);
  assert.ok(heard.every(({ bytes, duration }) => bytes > 0 && duration >= 0));
  assert.equal(heard[2].error.message, "no network");
  assert.ok(!JSON.stringify(heard).includes("secret"));
});

test("options of @upstash/redis: what is about fetch reaches it, what it logs is logged, what has no meaning here is taken", async () => {
  let init;
  const fetch = async (_, given) => ((init = given), new Response('{"result":1}'));
  const logged = [];
  const { log } = console;
  console.log = (line) => logged.push(line);
  try {
    const redis = new Redis({
      url: "https://mock.example", token: "t", fetch, cache: "no-store", keepAlive: true, agent: undefined, backend: "upstash",
      responseEncoding: "base64", enableTelemetry: true, latencyLogging: true, retry: { retries: 2, backoff: (n) => Math.exp(n) * 50 },
    });
    await redis.incr("k");
    await redis.pipeline().incr("k").exec().catch(() => {});
  } finally {
    console.log = log;
  }
  assert.deepEqual([init.cache, init.keepalive, init.backend, "agent" in init], ["no-store", true, "upstash", false]);
  assert.match(logged[0], /^Latency for INCR: [\d.]+ ms$/);
  assert.match(logged[1], /^Latency for PIPELINE: /);
});

test('compat: "upstash" gives the shapes of @upstash/redis', async () => {
  const replies = { HGETALL: ["a", "1.5", "b", "2", "c", "x"], GEOPOS: [["1", "2"], null] };
  const answer = (path, words) => (path === "" ? JSON.stringify({ result: replies[words[0]] }) : '[{"result":"1"},{"error":"ERR no"}]');
  const ours = mocked(answer).redis;
  const theirs = mocked(answer, { compat: "upstash" }).redis;
  assert.deepEqual(await ours.hgetall("k"), { a: 1.5, b: 2, c: "x" });
  assert.deepEqual(await theirs.hgetall("k"), { a: "1.5", b: 2, c: "x" });
  assert.deepEqual(await ours.geopos("k", "a", "b"), [{ lng: 1, lat: 2 }, null]);
  assert.deepEqual(await theirs.geopos("k", "a", "b"), [{ lng: 1, lat: 2 }]);
  assert.deepEqual(await ours.pipeline().exec(), []);
  await assert.rejects(theirs.pipeline().exec(), /no command/);
  const outcomes = await theirs.pipeline().get("a").get("b").exec({ keepErrors: true });
  assert.deepEqual(outcomes, [{ result: 1 }, { error: "ERR no" }]);
});

test("mistakes in settings are ConfigErrors, at once", () => {
  const redis = real();
  const wrong = [
    [() => redis.with(), "with takes an object"],
    [() => redis.with({ timeout: 0 }), "timeout is not a number of milliseconds"],
    [() => redis.with({ url }), "there is no option url"],
    [() => real({ compat: "ioredis" }), "compat is not"],
    [() => real({ deserialize: "json" }), "deserialize is not a function"],
    [() => real({ onRequest: true }), "onRequest is not a function"],
    [() => real({ retry: { retries: -1 } }), "retry.retries is not a whole number"],
  ];
  for (const [make, message] of wrong) {
    assert.throws(make, (error) => error instanceof ConfigError && error instanceof RedisError && error.message.startsWith(message), message);
  }
});
