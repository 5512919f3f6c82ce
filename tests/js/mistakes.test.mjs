// Mistakes of callers and of servers: each is an error that says what is wrong, and none runs on other keys or hangs.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Redis } from "restis";
import { mocked, rejection } from "./support.mjs";

const answering = (text) => mocked(() => text).redis;

test("scores are numbers, all of them", async () => {
  const answer = (result) => answering(JSON.stringify({ result }));
  assert.equal(await answer("0.10000000000000001").zscore("z", "a"), 0.1);
  assert.equal(await answer("inf").zincrby("z", 1, "a"), Infinity);
  assert.equal(await answer("-inf").zadd("z", { incr: true }, { score: -Infinity, member: "a" }), -Infinity);
  assert.deepEqual(await answer(["1e+17", null]).zmscore("z", ["a", "b"]), [1e17, null]);
  assert.equal(await answer(null).zscore("z", "a"), null);
});

test("arguments of another shape are refused before they do something else", async () => {
  const { redis, requests } = mocked(() => '{"result":1}');
  const refused = [
    () => redis.eval("return 1", "mykey", ["a"]),
    () => redis.evalsha("sha", ["k"], "arg"),
    () => redis.set("k", "v", new Map([["ex", 5]])),
    () => redis.set("k", "v", ["ex", 5]),
    () => redis.set("k", "v", { toString: 1 }),
    () => redis.set("k", Promise.resolve("v")),
  ];
  for (const call of refused) assert((await rejection(call())) instanceof TypeError, String(call));
  assert.equal(requests.length, 0);
});

test("one array or several arguments are the same", async () => {
  const { redis, requests } = mocked(() => '{"result":[]}');
  const pairs = [
    [() => redis.hdel("h", ["a", "b"]), () => redis.hdel("h", "a", "b")],
    [() => redis.smismember("s", ["a", "b"]), () => redis.smismember("s", "a", "b")],
    [() => redis.zmscore("z", ["a", "b"]), () => redis.zmscore("z", "a", "b")],
    [() => redis.scriptExists(["a", "b"]), () => redis.scriptExists("a", "b")],
    [() => redis.zadd("z", [{ score: 1, member: "a" }]), () => redis.zadd("z", { score: 1, member: "a" })],
  ];
  for (const [first, second] of pairs) {
    await first();
    await second();
    assert.equal(requests.at(-1).text, requests.at(-2).text);
  }
});

test("an option of the client that does not exist is refused by name", () => {
  assert.throws(() => new Redis({ url: "https://mock.example", token: "t", tiemout: 5 }), /no option tiemout/);
});

test("an answer of another shape is a DecodeError", { timeout: 10_000 }, async () => {
  for (const text of ["[1]", "[null]", "[{}]"]) {
    assert.equal((await rejection(answering(text).pipeline().get("k").exec())).kind, "decode", text);
  }
  assert.deepEqual(await answering('[{"error":null,"result":1}]').pipeline().get("k").exec(), [1]);
  assert.equal((await rejection(answering('{"result":"\\x"}').get("k"))).kind, "decode");
});

test("a fetch that gives nothing is an error and no crash", { timeout: 10_000 }, async () => {
  for (const nothing of [undefined, null, "text"]) {
    const options = { url: "https://mock.example", token: "t", retry: false, fetch: async () => nothing };
    assert.equal((await rejection(new Redis(options).incr("k"))).kind, "interrupted");
  }
});

test("what the server quotes is in no error, however it is quoted", async () => {
  const words = "ERR unknown subcommand 'it's a secret'. Try OBJECT HELP";
  const single = await rejection(mocked(() => Response.json({ error: words }, { status: 400 })).redis.command("OBJECT", "x"));
  const batch = await rejection(answering(JSON.stringify([{ error: words }])).pipeline().command("OBJECT", "x").exec());
  for (const error of [single, batch]) assert(!error.message.includes("secret"), error.message);
});

test("a long error of a script does not stop the event loop", { timeout: 5_000 }, async () => {
  const error = `ERR ${" ".repeat(200_000)}x`;
  await rejection(answering(JSON.stringify([{ error }])).pipeline().get("k").exec());
});
