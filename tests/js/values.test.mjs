// What a JavaScript value is on the wire, what a reply is in JavaScript, and what is refused before anything is sent.

import assert from "node:assert/strict";
import { test } from "node:test";
import { mocked, rejection } from "./support.mjs";

const answering = (result, options) => mocked(() => (typeof result === "string" ? result : JSON.stringify(result)), options).redis;

test("text that is not the text of a value stays text", async () => {
  const texts = [
    "", " ", "text", "1.0", "1e3", "007", "-0", "1e+20", " 12 ", "+1", ".5", "1.10", "9007199254740993", "1e400", "-1e400",
    "inf", "NaN", "Infinity", "-Infinity", "0x10", "nullable", "truth", "[", "{", '"', "[info] started", "{not json}",
    '"open', "-", "--1", "1-2", "2026-11-23", "\u0000", "a\ud83d", "\ud83d\ude00", "\ufefftext", "é",
  ];
  for (const text of texts) assert.equal(await answering({ result: text }).get("k"), text, JSON.stringify(text));
});

test("text that is the text of a value becomes the value", async () => {
  const values = [
    ["1", 1], ["-1", -1], ["0", 0], ["1.5", 1.5], ["-0.25", -0.25], ["9007199254740991", 9007199254740991], ["1e-7", 1e-7],
    ["true", true], ["false", false], ["null", null], ['"abc"', "abc"], ["[1,2]", [1, 2]], ['\n {"a": [null]} \n', { a: [null] }],
    ['"\\ud83d"', "\ud83d"], ["[]", []], ["{}", {}],
  ];
  for (const [text, value] of values) assert.deepEqual(await answering({ result: text }).get("k"), value, text);
});

test("integers beyond 2^53 keep their digits wherever they stand", async () => {
  assert.equal(await answering('{"result":9007199254740991}').incr("k"), 9007199254740991);
  assert.equal(await answering('{"result":9007199254740993}').incr("k"), "9007199254740993");
  assert.equal(await answering('{"result":-9223372036854775808}').incr("k"), "-9223372036854775808");
  assert.deepEqual(await answering({ result: "[1e400,-1E+999,1e300,1]" }).get("k"), ["1e400", "-1E+999", 1e300, 1]);
  assert.equal(await answering('{"result":1e400}').get("k"), "1e400");
  assert.deepEqual(await answering('{"result":[1,9223372036854775807,[-9007199254740992]]}').exec(["X"]), [
    1, "9223372036854775807", ["-9007199254740992"],
  ]);
  // The digits in the strings beside it are left alone, as are those of a fraction.
  const json = '{"id":106242075399214372653,"s":"a \\"1234567890123456789\\\\","f":0.12345678901234567,"12345678901234567":1}';
  const document = { id: "106242075399214372653", s: 'a "1234567890123456789\\', f: 0.12345678901234567, "12345678901234567": 1 };
  assert.deepEqual(await answering({ result: json }).get("k"), document);
  assert.deepEqual(await answering({ result: [json, "101600000000150081467"] }).hmget("k", "a", "b"), {
    a: document,
    b: "101600000000150081467",
  });
});

test("hgetall, hget and hmget read a value alike", async () => {
  for (const text of ["1", "1.5", "1.0", "1e3", "9007199254740993", "true", "null", '{"a":1}', "text", ""]) {
    const alone = await answering({ result: text }).hget("k", "f");
    assert.deepEqual(await answering({ result: ["f", text] }).hgetall("k"), { f: alone });
    assert.deepEqual(await answering({ result: [text] }).hmget("k", "f"), { f: alone });
  }
});

test("a field is a field, whatever its name", async () => {
  const hash = await answering({ result: ["__proto__", '{"isAdmin":true}', "constructor", "1"] }).hgetall("k");
  assert.equal(hash.isAdmin, undefined);
  assert.equal(Object.getPrototypeOf(hash), Object.prototype);
  assert.deepEqual(Object.entries(hash), [["__proto__", { isAdmin: true }], ["constructor", 1]]);
  const some = await answering({ result: ['{"isAdmin":true}'] }).hmget("k", "__proto__");
  assert.equal(some.isAdmin, undefined);
  const { redis, requests } = mocked(() => '{"result":1}');
  await redis.hset("k", JSON.parse('{"__proto__":"v"}'));
  assert.deepEqual(JSON.parse(requests[0].text), ["HSET", "k", "__proto__", "v"]);
});

test("strings leave as they are: NUL, pairs, quotes, anything", async () => {
  const strings = ["", "\0", "\ud83d\ude00", '"\\\n\r\t\u2028', "\ufeff", "é", "x".repeat(1_000_000)];
  for (const string of strings) {
    const { redis, requests } = mocked(() => '{"result":"OK"}');
    await redis.set("k", string);
    assert.equal(JSON.parse(requests[0].text)[2], string);
  }
});

test("numbers leave with all their digits", async () => {
  for (const [value, text] of [[0, "0"], [-1.5, "-1.5"], [1e21, "1e+21"], [5e-324, "5e-324"], [2n ** 64n, "18446744073709551616"], [true, "true"], [null, "null"]]) {
    const { redis, requests } = mocked(() => '{"result":"OK"}');
    await redis.set("k", value);
    assert.equal(JSON.parse(requests[0].text)[2], text);
  }
});

test("what cannot be stored is a TypeError with the command and the argument, and nothing is sent", async () => {
  const { redis, requests } = mocked(() => '{"result":1}');
  const cycle = { secret: 1 };
  cycle.cycle = cycle;
  const refused = [
    [() => redis.set("k", undefined), "SET: argument 2 is undefined"],
    [() => redis.set("k", NaN), "SET: argument 2 is NaN"],
    [() => redis.set("k", () => "secret"), "SET: argument 2 is a function"],
    [() => redis.set("k", Symbol("secret")), "SET: argument 2 is a symbol"],
    [() => redis.set("", Uint8Array.of(0xff)), "SET: argument 2 is bytes that are not UTF-8, and an argument before it is empty"],
    [() => redis.set("k", Uint8Array.of(0xff).buffer, { ex: 1, nx: true }), "SET: argument 2 is bytes that are not UTF-8, and behind it"],
    [() => redis.set("k", new Map([["secret", 1]])), "SET: argument 2 is of the class Map"],
    [() => redis.set("k", cycle), "SET: argument 2 cannot be written as JSON"],
    [() => redis.set("k", { secret: 1n }), "SET: argument 2 cannot be written as JSON"],
    [() => redis.set("k", { toJSON: () => undefined }), "SET: argument 2 has no JSON form"],
    [() => redis.get(), "GET: argument 1 is undefined"],
    [() => redis.get(undefined), "GET: argument 1 is undefined"],
    [() => redis.get(null), "GET: argument 1 is null"],
    [() => redis.set("k", "secret\ud83d"), "SET: argument 2 has half of a surrogate pair"],
    [() => redis.lpush("k"), "LPUSH: argument 2 is undefined"],
    [() => redis.del("a", undefined), "DEL: argument 2 is undefined"],
    [() => redis.hset("k", { a: 1, b: undefined }), "HSET: argument 5 is undefined"],
    [() => redis.hset("k", "secret"), "HSET: names and values are an object"],
    [() => redis.hset("k", null), "HSET: names and values are an object"],
    [() => redis.expire("k"), "EXPIRE: argument 2 is undefined"],
    [() => redis.zadd("k", "secret"), "ZADD: members are { score, member }"],
    [() => redis.zadd("k", { score: 1 , member: undefined }), "ZADD: argument 3 is undefined"],
    [() => redis.eval("return 1", ["k"], [undefined]), "EVAL: argument 4 is undefined"],
    [() => redis.command("FOO", NaN), "FOO: argument 1 is NaN"],
    [() => redis.set("k", "v", { EX: 5 }), "SET: there is no option EX"],
    [() => redis.set("k", "v", { ex: null }), "SET: the option ex is null"],
    [() => redis.set("k", "v", 60), "SET: options are an object"],
    [() => redis.set("k", "v", { ex: NaN }), "SET: argument 4 is NaN"],
    [() => redis.zrange("k", 0, 1, { offset: 1 }), "ZRANGE: offset and count go together"],
    [() => redis.scan(0, { MATCH: "*" }), "SCAN: there is no option MATCH"],
  ];
  for (const [call, message] of refused) {
    const error = await rejection(call());
    assert.ok(error instanceof TypeError, message);
    assert.ok(error.message.startsWith(message), error.message);
    assert.ok(!error.message.includes("secret"), error.message);
  }
  assert.throws(() => redis.pipeline().get("a").set("k", undefined), { name: "TypeError", message: /^SET: argument 2/ });
  assert.throws(() => redis.pipeline().set("k", Uint8Array.of(0xff)), { name: "TypeError", message: /^SET: argument 2 .* a batch cannot carry/ });
  assert.equal(requests.length, 0);
});

test("the plain path of an answer costs no exception per value", async () => {
  const texts = Array.from({ length: 2000 }, (_, i) => `plain text number ${i}`);
  const redis = answering({ result: texts });
  const parse = JSON.parse;
  let thrown = 0;
  JSON.parse = (...args) => {
    try {
      return parse(...args);
    } catch (error) {
      thrown += 1;
      throw error;
    }
  };
  try {
    assert.deepEqual(await redis.lrange("k", 0, -1), texts);
  } finally {
    JSON.parse = parse;
  }
  assert.equal(thrown, 0);
});

test("INFO by section", async () => {
  const text = "# Server\r\nredis_version:7.4.1\r\nprocess_id:12\r\n\r\n# Keyspace\r\ndb0:keys=2,expires=0,avg_ttl=0\r\n";
  assert.deepEqual(await answering({ result: text }).info(), {
    server: { redis_version: "7.4.1", process_id: 12 },
    keyspace: { db0: { keys: 2, expires: 0, avg_ttl: 0 } },
  });
});
