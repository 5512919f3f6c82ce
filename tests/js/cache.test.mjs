// The cache of restis/helpers where the program ends with the answer: what it has claimed is stored or released by then.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Cache, Redis } from "restis/helpers";
import { token, url } from "./support.mjs";

const redis = new Redis({ url, token });
const name = () => `cache:${crypto.randomUUID()}`;
const program = fileURLToPath(new URL("cache-exit.mjs", import.meta.url));

/** What a program that ends with its answer prints. */
async function ended(call, namespace) {
  const env = { ...process.env, RESTIS_TEST_URL: url, RESTIS_TEST_TOKEN: token };
  return (await promisify(execFile)(process.execPath, [program, call, namespace], { env })).stdout;
}

/** A cache in which `k` is stale. */
async function stale(namespace) {
  const cache = new Cache(redis, { namespace, jitter: 0, staleWhileRevalidate: 60_000, staleIfError: 60_000 });
  await cache.set("k", "old", { ttl: 1 });
  return cache;
}

test("a value is stored before a program without waitUntil has it", async () => {
  for (const call of ["getOrSet", "fetch", "getOrSetMany", "update"]) {
    const namespace = name();
    assert.equal(await ended(call, namespace), "new", call);
    const kept = await new Cache(redis, { namespace }).fetch("k", () => assert.fail(call));
    assert.deepEqual([kept.value, kept.status], ["new", "hit"], call);
  }
});

test("a stale value is refreshed before a program without waitUntil has it", async () => {
  for (const call of ["getOrSet", "fetch"]) {
    const namespace = name();
    const cache = await stale(namespace);
    assert.equal(await ended(call, namespace), "new", call);
    assert.equal(await cache.get("k"), "new", call);
    assert.deepEqual(await redis.keys(`restis:refresh:${namespace}:*`).then((keys) => keys.length <= 1), true);
  }
});

test("a load that fails leaves no claim behind, and the next caller does not wait", async () => {
  for (const call of ["failing", "failingMany", "failingUpdate", "unwritable"]) {
    const namespace = name();
    await ended(call, namespace);
    assert.equal(await redis.exists(`${namespace}:k`), 0, call);
  }
  const namespace = name();
  await stale(namespace);
  assert.equal(await ended("failing", namespace), "old");
});

test("with waitUntil a value comes before it is stored, and what is left is handed over", async () => {
  const cache = new Cache(redis, { namespace: name() });
  const work = [];
  assert.equal(await cache.getOrSet("k", async () => 1, { waitUntil: (promise) => work.push(promise) }), 1);
  assert.equal(work.length, 1);
  await Promise.all(work);
  assert.equal(await cache.get("k"), 1);
});

/** Milliseconds of this process for each of some hits with so many tags. */
async function hits(tags, times) {
  const cache = new Cache(redis, { namespace: name(), earlyRefresh: 0 });
  const all = Array.from({ length: tags }, (_, tag) => `product:${tag}`);
  await cache.getOrSet("k", () => 1, { tags: all });
  await cache.getOrSet("k", () => assert.fail("a miss"), { tags: all });
  const begun = process.cpuUsage();
  for (let time = 0; time < times; time += 1) await cache.getOrSet("k", () => assert.fail("a miss"), { tags: all });
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1000 / times;
}

test("a hit costs as much for each tag, however many there are", async (t) => {
  await hits(100, 20);
  const [few, many] = [await hits(1_000, 20), await hits(10_000, 5)];
  t.diagnostic(`${few.toFixed(2)} ms with 1,000 tags, ${many.toFixed(2)} ms with 10,000`);
  assert.ok(many < few * 25, `${few} ms, then ${many} ms`);
});
