// What bounds and guards a request and its answer: how many bytes an answer may have, what errors say of URLs, keys and
// values, which arguments a URL and UTF-8 can hold, and what is left out because there is nothing to do.

import assert from "node:assert/strict";
import http from "node:http";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { ConfigError, DecodeError, HttpError, Redis } from "restis";
import { mocked, rejection, token, url } from "./support.mjs";

const servers = [];
after(() => servers.forEach((server) => server.closeAllConnections() ?? server.close()));

/** The address of a server, and how many bytes of bodies it could write. */
async function serving(handle) {
  const counted = { bytes: 0, requests: 0 };
  const server = http.createServer((request, response) => {
    counted.requests += 1;
    request.resume().on("end", () => handle(response, counted));
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  servers.push(server);
  return { address: `http://127.0.0.1:${server.address().port}`, counted };
}

const LIMIT = 1024 * 1024;
const client = (address, options) =>
  new Redis({ url: address, token, maxResponseBytes: LIMIT, retry: { retries: 3, baseDelay: 1, maxDelay: 1 }, ...options });

/** Writes without an end, as fast as they are read. */
async function flood(response, counted, headers = {}) {
  response.writeHead(200, headers);
  const piece = Buffer.alloc(64 * 1024, " ");
  while (!response.destroyed) {
    counted.bytes += piece.length;
    if (!response.write(piece)) await new Promise((go) => response.once("drain", go).once("close", go));
  }
}

function overTheLimit(error, ambiguous) {
  assert.ok(error instanceof DecodeError, String(error));
  assert.deepEqual([error.ambiguous, error.retryable, error.attempts], [ambiguous, false, 1], String(error));
  assert.match(error.message, /maxResponseBytes/);
}

test("an endless answer is given up at the limit, and leaves no memory behind", async () => {
  const { address, counted } = await serving(flood);
  const redis = client(address);
  overTheLimit(await rejection(redis.get("k")), false);
  overTheLimit(await rejection(redis.incr("k")), true);
  overTheLimit(await rejection(redis.pipeline().get("k").incr("k").exec()), true);
  assert.equal(counted.requests, 3);
  // What sockets hold comes on top.
  assert.ok(counted.bytes < 3 * (LIMIT + 16 * 1024 * 1024), String(counted.bytes));
});

test("a length over the limit is enough, and one below it is no promise where the body is compressed", async () => {
  const long = await serving((response) => response.writeHead(200, { "content-length": LIMIT + 1 }).write("{"));
  overTheLimit(await rejection(client(long.address).get("k")), false);
  const bomb = gzipSync(Buffer.alloc(32 * LIMIT, " "));
  const small = await serving((response) => response.writeHead(200, { "content-encoding": "gzip", "content-length": bomb.length }).end(bomb));
  overTheLimit(await rejection(client(small.address).get("k")), false);
  const honest = gzipSync('{"result":"grüße"}');
  const packed = await serving((response) => response.writeHead(200, { "content-encoding": "gzip", "content-length": honest.length }).end(honest));
  assert.equal(await client(packed.address).get("k"), "grüße");
});

test("an endless page of a gateway is what its status says", async () => {
  const { address, counted } = await serving((response, counted) => {
    response.statusCode = 502;
    const { writeHead } = response;
    response.writeHead = () => writeHead.call(response, 502);
    return flood(response, counted);
  });
  const error = await rejection(client(address).get("k"));
  assert.ok(error instanceof HttpError && error.status === 502, String(error));
  assert.equal(counted.requests, 4);
});

test("an answer as large as the limit is one, in pieces too, and the limit is a setting that is checked", async () => {
  const answer = `{"result":"${"a".repeat(LIMIT - 13)}"}`;
  const { address } = await serving((response) => {
    response.write(answer.slice(0, 1000));
    response.end(answer.slice(1000));
  });
  assert.equal((await client(address).get("k")).length, LIMIT - 13);
  overTheLimit(await rejection(client(address, { maxResponseBytes: LIMIT - 1 }).get("k")), false);
  assert.equal((await client(address, { maxResponseBytes: Infinity }).get("k")).length, LIMIT - 13);
  for (const maxResponseBytes of [0, -1, 1.5, NaN, "5", null]) {
    assert.throws(() => client(address, { maxResponseBytes }), (error) => error instanceof ConfigError && error.attempts === 0);
  }
});

test("a port that fetch blocks: nothing was sent, and the message says so", async () => {
  const redis = client("http://127.0.0.1:6000");
  const error = await rejection(redis.incr("k"));
  assert.ok(error instanceof ConfigError, String(error));
  assert.deepEqual([error.ambiguous, error.attempts], [false, 0]);
  assert.match(error.message, /port/);
  assert.throws(() => client("http://127.0.0.1:+9271"), ConfigError);
});

test("whatever fetch says: nothing of a path, a key or a value is in an error or a report", async () => {
  const reports = [];
  const bytes = new Uint8Array([0xff]);
  for (const quote of [
    (address) => `error sending request for url (${address})`,
    (address) => `error sending request for url (${new URL(address).href.replace("MOCK", "mock").replace(":443", "")}): refused`,
    (address) => `cannot reach ${new URL(address).pathname}${new URL(address).search}`,
    (address) => `"${address}" 'https://mock.example/set/key-planted'it'`,
  ]) {
    const options = { url: "https://MOCK.example:443/base/", token: "t", retry: false, onRequest: (report) => reports.push(report) };
    const failing = new Redis({
      ...options,
      fetch: async (address) => {
        throw Object.assign(new TypeError(quote(address)), { cause: new Error(quote(address)) });
      },
    });
    for (const call of [failing.set("key-planted'it", bytes, { px: 77_777 }), failing.get("key-planted")]) {
      const error = await rejection(call);
      for (const said of [error.message, error.stack, String(error.cause), JSON.stringify(error)]) {
        assert.ok(!/planted|77777|MOCK|mock|base/.test(said), said);
      }
    }
  }
  assert.deepEqual([...new Set(reports.map(({ path }) => path))].sort(), ["/", "/SET"]);
  for (const { error } of reports) assert.ok(!/planted|77777/.test(`${error.message}${error.stack}${error.cause}`), error.message);
});

test("bytes that a request cannot carry are refused with the reason, before anything is sent", async () => {
  const { redis, requests } = mocked(() => '{"result":"OK"}');
  const bytes = new Uint8Array([0xff]);
  const refused = async (call, reason) => {
    const error = await rejection(call());
    assert.ok(error instanceof TypeError, String(error));
    assert.match(error.message, reason);
  };
  await refused(() => redis.mset({ a: bytes, _token: "x" }), /MSET: argument 2 .* _token, which the server takes for the token/);
  await refused(() => redis.hset("k", { a: bytes, b: bytes }), /HSET: argument 3 .* so is argument 5; a request carries one/);
  await refused(() => redis.mset({ a: bytes, b: bytes }), /MSET: argument 2 .* so is argument 4/);
  await refused(() => redis.hset("k", { a: bytes, b: 1, c: 2 }), /behind it only one name and one value/);
  assert.equal(requests.length, 0);
});

test("a token with /json in it leaves bytes what they are", async () => {
  const bodies = [];
  const fetch = async (_, { body }) => (bodies.push(body), new Response('{"result":"OK"}'));
  const redis = new Redis({ url: "https://mock.example", token: "abc/json", fetch });
  const bytes = new Uint8Array([0xff, 0x00, 0xfe]);
  await redis.set("k", bytes);
  assert.deepEqual([...bodies[0]], [...bytes]);
});

test("text is stored and read as it is, whatever whitespace and digits it has", async () => {
  const redis = new Redis({ url, token });
  const key = `limits:${Date.now()}`;
  for (const text of [
    `${"\n".repeat(4_500_000)}1234567890123456789`, "\n1234567890123456789", " 123", "123 ", "\t-5\n", "\n1e999", '"', "\u{feff}123", "\u{feff}",
    "\\".repeat(1_000_001), `${"\\\"".repeat(500_000)} 1234567890123456789`,
  ]) {
    await redis.set(key, text);
    const found = await redis.get(key);
    assert.ok(found === text, `${text.length}: ${JSON.stringify(String(found)).slice(0, 60)}`);
  }
  // JSON stays JSON, and its long integers text.
  await redis.set(key, '\n{"a":1234567890123456789,"b\\\\":"\\"1234567890123456789 1e999","c":[1e999,-12345678901234567890,1.5]}');
  assert.deepEqual(await redis.get(key), {
    a: "1234567890123456789", "b\\": '"1234567890123456789 1e999', c: ["1e999", "-12345678901234567890", 1.5],
  });
  await redis.del(key);
});

test("an answer that begins with a byte order mark is an answer", async () => {
  for (const headers of [{}, { "content-type": "application/json" }]) {
    const { address } = await serving((response) => response.writeHead(200, headers).end('\u{feff}{"result":"v"}'));
    assert.equal(await client(address).get("k"), "v");
  }
});

test("a key that is null, and text that is not Unicode, are refused", async () => {
  const { redis, requests } = mocked(() => '{"result":0}');
  for (const [call, reason] of [
    [() => redis.get(null), /GET: argument 1 is null/],
    [() => redis.del(null), /DEL: a key is null/],
    [() => redis.mget("a", null), /MGET: a key is null/],
    [() => redis.set("\ud800", 1), /SET: argument 1 has half of a surrogate pair/],
    [() => redis.set("k", "a\udc00b"), /SET: argument 2 has half/],
    [() => redis.hset("k", { "\ud83d": 1 }), /HSET: argument 2 has half/],
  ]) {
    const error = await rejection(call());
    assert.ok(error instanceof TypeError, String(error));
    assert.match(error.message, reason);
  }
  assert.throws(() => redis.pipeline().get(null), TypeError);
  assert.equal(requests.length, 0);
  // Null is a value, and a surrogate inside of JSON its escape.
  await redis.set("k", null);
  await redis.set("k", { a: "\ud800" });
  assert.deepEqual(requests.map(({ text }) => JSON.parse(text)[2]), ["null", '{"a":"\\ud800"}']);
});

test("empty lists are nothing to do: no request, and the result of none", async () => {
  const { redis, requests } = mocked(() => '[{"result":1}]');
  const calls = (redis) => [
    redis.del([]), redis.del(), redis.unlink([]), redis.exists([]), redis.touch(), redis.pfcount(), redis.mget([]), redis.mget(),
    redis.sadd("k"), redis.srem("k"), redis.zrem("k"), redis.zadd("k"), redis.zadd("k", { incr: true }), redis.hdel("k"), redis.hdel("k", []),
    redis.hset("k", {}), redis.hmset("k", {}), redis.mset({}), redis.msetnx(new Map()), redis.hmget("k"), redis.hmget("k", []),
    redis.hgetdel("k", []), redis.hgetex("k", { ex: 1 }, []), redis.smismember("k", []), redis.zmscore("k", []), redis.geohash("k", []),
    redis.geopos("k"), redis.geoadd("k"), redis.xack("s", "g", []), redis.xdel("s", []), redis.xdelex("s", undefined), redis.scriptExists(),
  ];
  const results = [
    0, 0, 0, 0, 0, 0, [], [], 0, 0, 0, 0, null, 0, 0, 0, "OK", "OK", 0, null, null, null, null, [], [], [], [], 0, 0, 0, [], [],
  ];
  assert.deepEqual(await Promise.all(calls(redis)), results);
  // Each caller has an array of its own.
  (await redis.mget([])).push(1);
  assert.deepEqual(await redis.mget([]), []);
  const batch = redis.pipeline();
  calls(batch);
  assert.deepEqual(await batch.exec(), results);
  assert.equal(requests.length, 0);
  // In its place among others.
  assert.deepEqual(await redis.pipeline().del([]).incr("n").mget([]).exec(), [0, 1, []]);
  assert.deepEqual(requests.map(({ text }) => text), ['[["INCR","n"]]']);
});

test("scores are numbers by every command, the infinite too", async () => {
  const redis = new Redis({ url, token });
  const key = `scores:${Date.now()}`;
  await redis.zadd(key, { score: Infinity, member: "up" }, { score: -Infinity, member: "down" }, { score: 1e21, member: "far" });
  assert.equal(await redis.zadd(key, { incr: true }, { score: "inf", member: "new" }), Infinity);
  const all = ["down", -Infinity, "far", 1e21, "new", Infinity, "up", Infinity];
  assert.deepEqual(await redis.zrange(key, 0, -1, { withScores: true }), all);
  assert.deepEqual(await redis.zrange(key, 0, -1), ["down", "far", "new", "up"]);
  assert.deepEqual(await redis.zunion(1, key, { withScores: true }), all);
  assert.deepEqual(await redis.zinter(1, key, { withScores: true }), all);
  assert.deepEqual(await redis.zdiff(1, key, { withScores: true }), all);
  assert.deepEqual((await redis.zscan(key, 0))[1].filter((_, i) => i % 2).sort((a, b) => a - b), [-Infinity, 1e21, Infinity, Infinity]);
  assert.equal((await redis.zrandmember(key, 4, true)).filter((score) => typeof score === "number").length, 4);
  assert.deepEqual(await redis.zmscore(key, ["up", "absent", "far"]), [Infinity, null, 1e21]);
  assert.equal(await redis.zscore(key, "down"), -Infinity);
  assert.equal(await redis.zincrby(key, 1, "up"), Infinity);
  assert.deepEqual(await redis.zpopmin(key), ["down", -Infinity]);
  assert.deepEqual(await redis.zmpop(1, key, "MAX"), [key, [["up", Infinity]]]);
  assert.equal(await redis.zmpop(1, `${key}:none`, "MAX"), null);
  assert.deepEqual(await redis.zpopmax(key, 2), ["new", Infinity, "far", 1e21]);
});

test("an error of a batch names the command and its place", async () => {
  const redis = new Redis({ url, token });
  const key = `places:${Date.now()}`;
  const error = await rejection(redis.pipeline().set(key, "text").del([]).incr(key).exec());
  assert.deepEqual([error.command, error.index], ["INCR", 2]);
  const queued = await rejection(redis.multi().set(key, 1).del([]).command("INCR").exec());
  assert.deepEqual([queued.command, queued.index, queued.message.startsWith("ERR wrong number of arguments")], ["INCR", 2, true]);
  // Two of its name: which one it is is not known.
  const twice = await rejection(redis.multi().command("INCR").command("INCR").exec());
  assert.deepEqual([twice.command, twice.index], ["INCR", undefined]);
  const wrong = await mocked(() => '[{"result":1},{"result":2}]').redis.pipeline().get(key).geopos(key, "m").exec({ keepErrors: true });
  assert.deepEqual([wrong[1].error.command, wrong[1].error.index, wrong[1].error instanceof DecodeError], ["GEOPOS", 1, true]);
  await redis.del(key);
});

test("the sync token that is set before the first request is there, and goes with it", async () => {
  const { redis, requests } = mocked(() => '{"result":1}');
  redis.readYourWritesSyncToken = "first";
  assert.equal(redis.readYourWritesSyncToken, "first");
  await redis.get("k");
  assert.equal(requests[0].headers["upstash-sync-token"], "first");
});
