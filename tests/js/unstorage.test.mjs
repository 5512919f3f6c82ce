// The real unstorage over our driver: values, ends, listings and what is cleared; and the keys of its own upstash driver.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Redis } from "restis";
import driver from "restis/unstorage";
import { createStorage } from "unstorage";
import upstash from "unstorage/drivers/upstash";
import { token, url } from "./support.mjs";

const redis = new Redis({ url, token });
const base = `unstorage-${process.version}-${Date.now()}`;
const storageBelow = (name, options) => createStorage({ driver: driver({ url, token, base: `${base}:${name}`, ...options }) });

after(async () => {
  for await (const key of redis.scanIterator({ match: `${base}*`, count: 1000 })) await redis.unlink(key);
});

test("values come back as they were, whatever they look like", async () => {
  const storage = storageBelow("values");
  for (const value of ["text", "007", "", { a: [1, null] }, 5, true]) {
    await storage.setItem("item", value);
    const stored = await storage.getMount().driver.getItem("item");
    assert.equal(stored, typeof value === "object" ? JSON.stringify(value) : String(value));
  }
  await storage.setItem("object", { a: [1, null] });
  assert.deepEqual(await storage.getItem("object"), { a: [1, null] });
  const bytes = new Uint8Array([0, 255, 10, 200]);
  await storage.setItemRaw("bytes", bytes);
  assert.deepEqual(new Uint8Array(await storage.getItemRaw("bytes")), bytes);
  assert.equal(await storage.getItem("nothing"), null);
  assert.equal(await storage.hasItem("nothing"), false);
  assert.equal(await storage.hasItem("object"), true);
  assert.deepEqual(await storage.getItems(["object", "nothing"]), [
    { key: "object", value: { a: [1, null] } },
    { key: "nothing", value: null },
  ]);
  await storage.removeItem("object");
  assert.equal(await storage.hasItem("object"), false);
});

test("an item ends when it was said, or when the driver says it", async () => {
  const storage = storageBelow("ends", { ttl: 500 });
  await storage.setItem("own", "x", { ttl: 20 });
  await storage.setItem("usual", "x");
  await storage.setItem("over", "x");
  await storage.setItem("over", "y", { ttl: 0 });
  const left = async (key) => redis.ttl(`${base}:ends:${key}`);
  assert.ok((await left("own")) > 0 && (await left("own")) <= 20);
  assert.ok((await left("usual")) > 20 && (await left("usual")) <= 500);
  assert.equal(await storage.hasItem("over"), false);
  assert.ok((await storage.getMeta("usual")).ttl > 20);
});

test("a time to live that is missing, zero, a fraction or no number", async () => {
  const storage = storageBelow("ttl", { ttl: 500 });
  const endless = storageBelow("ttl", {});
  const left = () => redis.pttl(`${base}:ttl:item`);
  for (const ttl of [undefined, null]) {
    await storage.setItem("item", "x", { ttl });
    assert.ok((await left()) > 400_000, String(ttl));
  }
  for (const ttl of [Infinity, 1e300]) {
    await storage.setItem("item", "x", { ttl });
    assert.equal(await left(), -1, String(ttl));
  }
  await endless.setItem("item", "x", { ttl: null });
  assert.equal(await left(), -1);
  await storage.setItem("item", "x", { ttl: 1.2 });
  assert.ok((await left()) > 1000);
  for (const ttl of [NaN, "60"]) await assert.rejects(storage.setItem("item", "y", { ttl }), /time to live/);
  await storage.setItem("item", "y", { ttl: -1 });
  assert.equal(await storage.hasItem("item"), false);
});

test("the configuration of a mount is taken whole, and a misspelt option is refused", async () => {
  const mount = { driver: "restis/unstorage", base: `${base}:mount`, url, token, ttl: 60 };
  const storage = createStorage({ driver: driver(mount) });
  await storage.setItem("a", "x");
  assert.equal(await redis.get(`${base}:mount:a`), "x");
  for (const bare of [undefined, null, ""]) assert.equal(await driver({ url, token, base: bare }).getItem(`${base}:mount:a`), "x");
  assert.throws(() => driver({ ...mount, tll: 5 }), /there is no option tll/);
});

test("a driver without URL and token fails at its first use, as Nitro mounts it at build time", async () => {
  const item = driver({ env: {}, base: `${base}:later` });
  await assert.rejects(item.getItem("a"), /UPSTASH_REDIS_REST_URL is missing/);
  await assert.rejects(item.setItem("a", "x"), /UPSTASH_REDIS_REST_URL is missing/);
  const env = {};
  const later = driver({ env, base: `${base}:later` });
  Object.assign(env, { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token });
  await later.setItem("a", "x");
  assert.equal(await later.getItem("a"), "x");
  assert.throws(() => driver({ env, bse: "a" }), /there is no option bse/);
});

test("keys are listed and cleared below a base, and signs of a pattern are no pattern", async () => {
  const storage = storageBelow("list[*]?", { scanCount: 10 });
  const other = storageBelow("listX", {});
  await other.setItem("kept", "x");
  const names = Array.from({ length: 60 }, (_, i) => `${i % 2 ? "odd" : "even"}:${i}`);
  await Promise.all(names.map((name) => storage.setItem(name, "x")));
  assert.deepEqual((await storage.getKeys()).sort(), [...names].sort());
  assert.deepEqual((await storage.getKeys("odd")).sort(), names.filter((name) => name.startsWith("odd")).sort());
  // unstorage asks for less than all of a driver only where it mounts several.
  await storage.getMount().driver.clear("odd:");
  assert.equal((await storage.getKeys()).length, 30);
  await storage.clear();
  assert.deepEqual(await storage.getKeys(), []);
  assert.deepEqual(await other.getKeys(), ["kept"]);
});

test("unstorage's own upstash driver reads the same keys", async () => {
  const ours = storageBelow("shared");
  const theirs = createStorage({ driver: upstash({ url, token, base: `${base}:shared`, enableTelemetry: false }) });
  await ours.setItem("a", { from: "ours" });
  await theirs.setItem("b", { from: "theirs" });
  assert.deepEqual(await theirs.getItem("a"), { from: "ours" });
  assert.deepEqual(await ours.getItem("b"), { from: "theirs" });
  assert.deepEqual((await ours.getKeys()).sort(), (await theirs.getKeys()).sort());
});
