// Nothing is kept of a call that is over: the module's memory and the heap stay as they are over thousands of calls of each
// kind, those that fail among them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Redis } from "restis";
import { Cache, Lock, RateLimiter, Redis as WithHelpers } from "restis/helpers";
import { token, url } from "./support.mjs";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc");
const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

/** The bytes in use when everything is freed that can be. The memory of the module is external. */
async function used() {
  for (let round = 0; round < 4; round += 1) {
    gc();
    // What is cleaned up after an object is gone is so in a turn of its own.
    await turn();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/**
 * Does so many calls, three times over. What leaves anything leaves some hundred bytes with each call and each time; caches
 * that fill and pages that the module takes do so once.
 */
async function stays(calls, call, most = 40) {
  const grown = [];
  let before = await used();
  for (let round = 0; round < 3; round += 1) {
    for (let n = 0; n < calls; n += 1) await call(n);
    const after = await used();
    grown.push((after - before) / calls);
    before = after;
  }
  assert.ok(Math.min(...grown) < most, `${grown.map((bytes) => bytes.toFixed(0)).join(", ")} bytes a call`);
}

/** A server in this process. */
const answering = (answer) => async (_, { body, signal }) => {
  signal.throwIfAborted();
  return answer(body, signal);
};
const json = (value, status = 200) => new Response(JSON.stringify(value), { status, headers: { "content-type": "application/json" } });
const values = answering((body) => {
  const command = JSON.parse(body);
  return json(Array.isArray(command[0]) ? command.map(() => ({ result: "a" })) : { result: "a" });
});
const client = (fetch, options) => new Redis({ url: "http://127.0.0.1", token: "local", fetch, retry: false, ...options });
const rejects = (promise) => promise.then(() => assert.fail("it was answered"), () => {});

test("calls that are awaited", async () => {
  const redis = client(values);
  await stays(3_000, () => redis.get("a"));
});

test("calls at the same time, and without auto-pipelining", async () => {
  const redis = client(values);
  await stays(500, () => Promise.all(Array.from({ length: 10 }, () => redis.get("a"))));
  const alone = client(values, { enableAutoPipelining: false });
  await stays(3_000, () => alone.get("a"));
});

test("calls with a signal that is never aborted, or with a time of their own", async () => {
  const redis = client(values);
  const { signal } = new AbortController();
  await stays(2_000, () => redis.with({ signal }).get("a"));
  await stays(2_000, () => redis.with({ timeout: 5_000 }).get("a"));
});

test("pipelines and transactions", async () => {
  const redis = client(values);
  await stays(2_000, (n) => (n % 2 ? redis.pipeline() : redis.multi()).set("a", 1).get("a").exec());
});

test("calls that fail", async () => {
  const refused = client(answering(() => json({ error: "ERR no" }, 400)));
  await stays(2_000, () => rejects(refused.get("a")));
  const broken = client(answering(() => new Response("<html>", { status: 502 })));
  await stays(2_000, () => rejects(broken.get("a")));
  const unreachable = client(answering(() => Promise.reject(new TypeError("fetch failed"))));
  await stays(2_000, () => rejects(unreachable.get("a")));
});

test("calls that are given up, or run out of time", async () => {
  const never = answering((_, signal) => new Promise((__, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  }));
  const redis = client(never);
  await stays(2_000, async () => {
    const controller = new AbortController();
    const call = rejects(redis.with({ signal: controller.signal }).get("a"));
    await null;
    controller.abort();
    await call;
  });
  await stays(300, () => rejects(redis.with({ timeout: 1 }).get("a")));
});

test("helpers", async () => {
  const redis = new WithHelpers({ url, token });
  const prefix = `memory-${process.version}-${Date.now()}`;
  // What a connection itself has comes and goes; a helper that kept something would have a client's call in it, 1,500 bytes.
  const round = (call) => stays(600, call, 500);
  const cache = new Cache(redis, { namespace: prefix });
  await round(() => cache.getOrSet("a", () => "value"));
  await round((n) => cache.set(n % 10, "value"));
  const limiter = RateLimiter.fixedWindow(redis, 1_000_000, 60_000, { prefix });
  await round(() => limiter.check("a"));
  const lock = new Lock(redis, prefix);
  await round(async () => (await lock.tryAcquire()).release());
});
