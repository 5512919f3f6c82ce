// Commands called in the same turn leave in one request, in their order, and none of them touches another.

import assert from "node:assert/strict";
import { test } from "node:test";
import { InterruptedError, Redis, ServerError } from "restis";
import { mocked, rejection, token, url } from "./support.mjs";

const prefix = `auto-${process.version}-${Date.now()}`;

/** Answers each command with its last word. */
const entry = (words) => JSON.stringify({ result: String(words.at(-1)) });
const echo = (path, commands) => (path === "/pipeline" ? `[${commands.map(entry).join()}]` : entry(commands));

test("one request for what is called in the same turn, in order", async () => {
  const { redis, requests } = mocked(echo);
  const values = await Promise.all([redis.set("a", "1"), redis.get("b"), redis.exec(["ECHO", "c"]), redis.hget("h", "d")]);
  assert.deepEqual(values, [1, "b", "c", "d"]);
  assert.equal(requests.length, 1);
  assert.equal(requests[0].path, "/pipeline");
  assert.deepEqual(JSON.parse(requests[0].text), [["SET", "a", "1"], ["GET", "b"], ["ECHO", "c"], ["HGET", "h", "d"]]);
});

test("a call that is awaited on its own is the plain command", async () => {
  const { redis, requests } = mocked(echo);
  assert.equal(await redis.get("a"), "a");
  assert.equal(await redis.get("b"), "b");
  assert.deepEqual(requests.map(({ path, text }) => [path, text]), [["", '["GET","a"]'], ["", '["GET","b"]']]);
});

test("pipelines and transactions are requests of their own", async () => {
  const { redis, requests } = mocked(echo);
  await Promise.all([redis.get("a"), redis.pipeline().get("b").exec(), redis.get("c")]);
  assert.deepEqual(requests.map(({ text }) => text).sort(), ['[["GET","a"],["GET","c"]]', '[["GET","b"]]']);
});

test("off by choice", async () => {
  const { redis, requests } = mocked(echo, { enableAutoPipelining: false });
  await Promise.all([redis.get("a"), redis.get("b")]);
  assert.deepEqual(requests.map(({ path }) => path), ["", ""]);
});

test("each call has its own error, and the others their values", async () => {
  const { redis } = mocked(() => '[{"result":"v"},{"error":"WRONGTYPE of \'secret\'"},{"result":7}]');
  const [get, push, incr] = await Promise.allSettled([redis.get("a"), redis.lpush("b", "secret"), redis.incr("c")]);
  assert.deepEqual([get.value, incr.value], ["v", 7]);
  const error = push.reason;
  assert.ok(error instanceof ServerError && error.code === "WRONGTYPE" && error.command === "LPUSH", String(error));
  assert.ok(!error.message.includes("secret"));
});

test("an answer of another length is nobody's", async () => {
  for (const body of ["[]", '[{"result":1}]', '[{"result":1},{"result":2},{"result":3}]']) {
    const { redis } = mocked(() => body);
    for (const { reason } of await Promise.allSettled([redis.incr("a"), redis.incr("b")])) {
      assert.deepEqual([reason.kind, reason.command], ["decode", "INCR"]);
    }
  }
});

test("a thousand commands a request", async () => {
  const { redis, requests } = mocked(echo);
  const keys = Array.from({ length: 2500 }, (_, n) => `k${n}`);
  assert.deepEqual(await Promise.all(keys.map((key) => redis.get(key))), keys);
  assert.deepEqual(requests.map(({ text }) => JSON.parse(text).length), [1000, 1000, 500]);
});

test("a lost answer is told to each by what it does", async () => {
  const { redis, requests } = mocked(() => Promise.reject(new TypeError("fetch failed")), { retry: undefined });
  const [get, incr] = await Promise.allSettled([redis.get("a"), redis.incr("b")]);
  assert.equal(requests.length, 1);
  assert.ok(get.reason instanceof InterruptedError && incr.reason instanceof InterruptedError);
  assert.deepEqual([get.reason.ambiguous, get.reason.retryable, get.reason.command], [false, true, "GET"]);
  assert.deepEqual([incr.reason.ambiguous, incr.reason.retryable, incr.reason.command], [true, false, "INCR"]);
  assert.ok((await rejection(redis.incr("c"))).ambiguous);
});

test("on a real server a GET sees the SET before it", async () => {
  const redis = new Redis({ url, token });
  for (let n = 0; n < 20; n += 1) {
    const [, value] = await Promise.all([redis.set(`${prefix}:k`, n, { ex: 60 }), redis.get(`${prefix}:k`)]);
    assert.equal(value, n);
  }
});
