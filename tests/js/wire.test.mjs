// The wire form of every command of this package: what each call sends, and what it makes of the answer.
//
// vectors.json holds calls as @upstash/redis 1.39 makes them: arguments, words sent, the server's result, the caller's.
// Where that client is wrong, values.test.mjs says what is right.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { mocked, rejection } from "./support.mjs";

const vectors = JSON.parse(readFileSync(new URL("./vectors.json", import.meta.url), "utf8"));

/** A word as the server reads it: it makes no difference between a number and its digits. */
const word = (value) => String(value);

/** Words up to the case of the command and its options; keys and values in the vectors have one case. */
const same = (words) => words.map((value) => word(value).toUpperCase());

/** A method by its name, with its family: `json.set`. */
const named = (object, name) => {
  const [family, member] = name.split(".");
  return member ? object[family][member] : object[family].bind(object);
};

for (const { method, args, wire, raw, result } of vectors) {
  const call = `${method}(${args.map((argument) => JSON.stringify(argument)).join(", ")})`;

  test(call, async () => {
    const { redis, requests } = mocked(() => JSON.stringify({ result: raw }));
    const got = await named(redis, method)(...args);
    assert.deepEqual(same(JSON.parse(requests[0].text)), same(wire));
    assert.equal(requests.length, 1);
    assert.equal(requests[0].path, "");
    assert.deepEqual(got, result);
  });

  // exec of a client is not a command of a pipeline: there it sends the pipeline.
  if (method === "exec") continue;
  for (const [batch, path] of [["pipeline", "/pipeline"], ["multi", "/multi-exec"]]) {
    test(`${call} in ${batch}()`, async () => {
      const { redis, requests } = mocked(() => JSON.stringify([{ result: raw }]));
      const got = await named(redis[batch](), method)(...args).exec();
      assert.deepEqual(JSON.parse(requests[0].text).map(same), [same(wire)]);
      assert.equal(requests[0].path, path);
      assert.deepEqual(got, [result]);
    });
  }
}

test("automaticDeserialization: false leaves every result as it came", async () => {
  for (const { method, args, raw } of vectors) {
    const { redis } = mocked(() => JSON.stringify({ result: raw }), { automaticDeserialization: false });
    assert.deepEqual(await named(redis, method)(...args), raw, method);
  }
});

/** What @upstash/redis 1.39 has no call for, or gets wrong: the words that are sent. */
const ours = [
  [(redis) => redis.expire("k", 0), ["EXPIRE", "k", "0"]],
  [(redis) => redis.set("k", "v", { ex: "5" }), ["SET", "k", "v", "EX", "5"]],
  [(redis) => redis.set("k", "v", { ex: 0 }), ["SET", "k", "v", "EX", "0"]],
  [(redis) => redis.set("k", 12345678901234567890n), ["SET", "k", "12345678901234567890"]],
  [(redis) => redis.set("k", new Date(0)), ["SET", "k", '"1970-01-01T00:00:00.000Z"']],
  [(redis) => redis.zadd("k", { score: Infinity, member: "a" }), ["ZADD", "k", "inf", "a"]],
  [(redis) => redis.zadd("k", { score: -Infinity, member: "a" }), ["ZADD", "k", "-inf", "a"]],
  [(redis) => redis.hset("k", new Map([["b", 1], ["a", 2]])), ["HSET", "k", "b", "1", "a", "2"]],
  [(redis) => redis.lpop("k", undefined), ["LPOP", "k"]],
  [(redis) => redis.lpop("k", 0), ["LPOP", "k", "0"]],
  [(redis) => redis.ping("hi"), ["PING", "hi"]],
  [(redis) => redis.del(["a", "b"]), ["DEL", "a", "b"]],
  [(redis) => redis.info("memory"), ["INFO", "memory"], "# Memory\r\nused_memory:1\r\n"],
  [(redis) => redis.slowlogGet(2), ["SLOWLOG", "GET", "2"], []],
  [(redis) => redis.slowlogLen(), ["SLOWLOG", "LEN"]],
  [(redis) => redis.slowlogReset(), ["SLOWLOG", "RESET"]],
  [(redis) => redis.expiretime("k"), ["EXPIRETIME", "k"]],
  [(redis) => redis.pexpiretime("k"), ["PEXPIRETIME", "k"]],
  [(redis) => redis.rpoplpush("a", "b"), ["RPOPLPUSH", "a", "b"]],
  [(redis) => redis.zinter(2, ["a", "b"], { weights: [1, 2] }), ["ZINTER", "2", "a", "b", "WEIGHTS", "1", "2"]],
  [(redis) => redis.zdiff(2, ["a", "b"], { withScores: true }), ["ZDIFF", "2", "a", "b", "WITHSCORES"], []],
  [(redis) => redis.zintercard(["a", "b"], { limit: 3 }), ["ZINTERCARD", "2", "a", "b", "LIMIT", "3"]],
  [(redis) => redis.zrangestore("d", "k", 0, -1, { rev: true }), ["ZRANGESTORE", "d", "k", "0", "-1", "REV"]],
  [(redis) => redis.zrandmember("k", 2, true), ["ZRANDMEMBER", "k", "2", "WITHSCORES"], []],
  [(redis) => redis.zmpop(1, ["k"], "MIN", 2), ["ZMPOP", "1", "k", "MIN", "COUNT", "2"], null],
  [(redis) => redis.geoadd("k", { longitude: 1, latitude: 0, member: "equator" }), ["GEOADD", "k", "1", "0", "equator"]],
  [(redis) => redis.xclaim("k", "g", "c", 1, "1-0", { timeMS: 5 }), ["XCLAIM", "k", "g", "c", "1", "1-0", "TIME", "5"], []],
  [(redis) => redis.json.mget("k", "$"), ["JSON.MGET", "k", "$"], []],
  [(redis) => redis.json.set("k", "$", null), ["JSON.SET", "k", "$", "null"]],
  [(redis) => redis.command("object", "encoding", "k"), ["object", "encoding", "k"]],
];

for (const [call, words, raw = 1] of ours) {
  test(String(call).replace("(redis) => redis.", ""), async () => {
    const { redis, requests } = mocked(() => JSON.stringify({ result: raw }));
    await call(redis);
    assert.deepEqual(JSON.parse(requests[0].text), words);
  });
}

test("every request has the token, its kind, and the last sync token", async () => {
  const answer = () => new Response('{"result":1}', { status: 200, headers: { "upstash-sync-token": "here" } });
  const { redis, requests } = mocked(answer);
  await redis.incr("k");
  await redis.incr("k");
  assert.deepEqual(requests[0].headers, { authorization: "Bearer a-token", "content-type": "application/json" });
  assert.equal(requests[1].headers["upstash-sync-token"], "here");

  const off = mocked(answer, { readYourWrites: false });
  await off.redis.incr("k");
  await off.redis.incr("k");
  assert.equal(off.requests[1].headers["upstash-sync-token"], undefined);
});

test("bitfield collects operations, and goes by exec; in a pipeline exec gives the pipeline", async () => {
  const { redis, requests } = mocked((path) => JSON.stringify(path ? [{ result: [0, 1] }, { result: "OK" }] : { result: [0, 1] }));
  const operations = (object) => object.bitfield("k").set("u4", 0, 15).get("u4", "#1").overflow("SAT").incrby("u4", "#1", 1);
  const words = ["BITFIELD", "k", "SET", "u4", "0", "15", "GET", "u4", "#1", "OVERFLOW", "SAT", "INCRBY", "u4", "#1", "1"];
  assert.deepEqual(await operations(redis).exec(), [0, 1]);
  assert.deepEqual(JSON.parse(requests[0].text).map(String), words);

  const pipeline = redis.pipeline();
  assert.equal(operations(pipeline).exec(), pipeline);
  assert.deepEqual(await pipeline.set("a", 1).exec(), [[0, 1], "OK"]);
  assert.deepEqual(JSON.parse(requests[1].text)[0].map(String), words);
});

test("geopos keeps the place of a member that is not there", async () => {
  const { redis } = mocked(() => JSON.stringify({ result: [null, ["1.5", "-2"]] }));
  assert.deepEqual(await redis.geopos("k", "a", "b"), [null, { lng: 1.5, lat: -2 }]);
});

test("xrange keeps large numbers, and fields of any name", async () => {
  const { redis } = mocked(() => JSON.stringify({ result: [["1-0", ["id", "106242075399214372653", "__proto__", '{"admin":true}']]] }));
  const { "1-0": entry } = await redis.xrange("k", "-", "+");
  assert.equal(entry.id, "106242075399214372653");
  assert.equal(entry.admin, undefined);
  assert.deepEqual(Object.keys(entry), ["id", "__proto__"]);
});

test("what cannot be sent is said before anything is", async () => {
  const { redis, requests } = mocked(() => "{}");
  const wrong = [
    () => redis.xread(["a", "b"], "0"),
    () => redis.xgroup("k", { type: "toString" }),
    () => redis.xadd("k", "*", { a: 1 }, { maxlen: 5 }),
    () => redis.geosearch("k", { type: "FROMMEMBER", member: "a" }, { type: "BYRADIUS", radius: 1, radiusType: "M" }, "ASC", { withcoord: true }),
    () => redis.json.set("k", "$"),
    () => redis.json.arrappend("k", "$"),
    () => redis.xgroup("k"),
    () => redis.xinfo("k", "GROUPS"),
    () => redis.xtrim("k"),
    () => redis.geosearch("k", "a-member"),
    () => redis.geosearch("k", { type: "FROMMEMBER", member: "a" }, "BYRADIUS", "ASC"),
    () => redis.geoadd("k", "a-member"),
    () => redis.zadd("k", "a-member"),
    () => redis.json.mset("document"),
    () => redis.functions.load("#!lua"),
    () => redis.functions.call("f", "a-key"),
    () => redis.functions.callRo("f", [], "argument"),
    () => redis.argrep("k", "-", "+"),
    () => redis.argrep("k", "-", "+", { predicates: "x" }),
    () => redis.arop("k", 0, 1, null),
  ];
  for (const call of wrong) {
    const { name, message } = await rejection((async () => call())());
    assert.equal(name, "TypeError", String(call));
    // By the command's name, and without what was handed over.
    assert.match(message, /^[A-Z][A-Z._ ]+: /, String(call));
    assert.doesNotMatch(message, /a-member|a-key|#!lua/, String(call));
  }
  assert.deepEqual(requests, []);
});

test("methods are the client's own, so that it can be spread, and a class that extends it wins", async () => {
  const { redis, requests } = mocked(() => '{"result":"1"}');
  const { get, json, pipeline } = { ...redis };
  assert.equal(await get("k"), 1);
  assert.equal(await json.get("k"), 1);
  assert.equal(pipeline().length(), 0);
  assert.equal(requests.length, 2);
  const missing = [...vectors.map(({ method }) => method.split(".")[0]), "multi", "createScript", "scanIterator"];
  assert.deepEqual(missing.filter((name) => !Object.keys(redis).includes(name)), []);

  class Counted extends redis.constructor {
    calls = 0;
    get(key) {
      this.calls += 1;
      return super.get(`mine:${key}`);
    }
  }
  const mine = new Counted({ url: "https://mock.example", token: "t", fetch: async (_, { body }) => new Response(`{"result":${JSON.stringify(JSON.parse(body)[1])}}`) });
  assert.equal(await mine.get("k"), "mine:k");
  assert.equal(mine.calls, 1);
});
