// Adapters, each under the library that calls it, against restis-local: Keyv 5 and 6, connect-redis under express-session's
// contract, and what Next.js calls of its two cache handlers.

import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { RedisStore } from "connect-redis";
import * as keyv6 from "keyv";
import Keyv5 from "keyv5";
import { KeyvStore } from "restis/keyv";
import { cacheHandler, useCacheHandler } from "restis/next";
import { createClient } from "restis/node-redis";
import { Redis } from "restis";
import { rejection, token, url } from "./support.mjs";

const name = () => `adapters-${crypto.randomUUID()}`;
const redis = new Redis({ url, token, automaticDeserialization: false });
const until = async (condition) => {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
};

for (const [version, Keyv] of [["5", Keyv5], ["6", keyv6.Keyv]]) {
  test(`Keyv ${version} stores, finds, lists, expires and clears`, async () => {
    const namespace = name();
    const keyv = new Keyv({ store: new KeyvStore({ url, token, scanCount: 2 }), namespace });
    const other = new Keyv({ store: new KeyvStore({ url, token }), namespace: `${namespace}2` });
    await other.set("a", "another's");
    assert.equal(await keyv.get("a"), undefined);
    await keyv.set("a", { any: [1, "ü"] });
    assert.deepEqual(await keyv.get("a"), { any: [1, "ü"] });
    await keyv.setMany([{ key: "b", value: 2 }, { key: "c", value: "3", ttl: 60_000 }]);
    assert.deepEqual(await keyv.getMany(["a", "b", "none", "c"]), [{ any: [1, "ü"] }, 2, undefined, "3"]);
    assert.equal(await keyv.has("b"), true);
    assert.deepEqual(await keyv.hasMany(["b", "none"]), [true, false]);
    const all = [];
    for await (const [key, value] of keyv.iterator()) all.push([key, value]);
    assert.deepEqual(all.sort(([a], [b]) => (a < b ? -1 : 1)), [["a", { any: [1, "ü"] }], ["b", 2], ["c", "3"]]);
    assert.equal(await keyv.delete("a"), true);
    assert.equal(await keyv.delete("a"), false);
    await keyv.set("soon", 1, 50);
    await until(async () => (await redis.keys(`${namespace}::*soon`)).length === 0);
    assert.equal(await keyv.get("soon"), undefined);
    await keyv.clear();
    assert.deepEqual(await redis.keys(`${namespace}::*`), []);
    assert.equal(await other.get("a"), "another's");
    await other.clear();
  });
}

/** A method of the store with a callback, as express-session calls it. */
const called = (store, method, ...args) =>
  new Promise((resolve, reject) => store[method](...args, (error, value) => (error ? reject(error) : resolve(value))));

test("connect-redis: the sessions of express-session", async () => {
  const prefix = `${name()}:`;
  const store = new RedisStore({ client: createClient({ url, token }), prefix, scanCount: 2 });
  const session = (user) => ({ cookie: { expires: new Date(Date.now() + 60_000), originalMaxAge: 60_000 }, user });
  assert.equal(await called(store, "get", "none"), null);
  for (const id of ["a", "b", "c"]) await called(store, "set", id, session(id));
  assert.equal((await called(store, "get", "a")).user, "a");
  assert.ok((await redis.ttl(`${prefix}a`)) > 50);
  await called(store, "touch", "a", { cookie: { expires: new Date(Date.now() + 600_000) } });
  assert.ok((await redis.ttl(`${prefix}a`)) > 500);
  assert.equal(await called(store, "length"), 3);
  assert.deepEqual((await called(store, "ids")).sort(), ["a", "b", "c"]);
  assert.deepEqual((await called(store, "all")).map(({ id, user }) => [id, user]).sort(), [["a", "a"], ["b", "b"], ["c", "c"]]);
  await called(store, "destroy", "b");
  assert.equal(await called(store, "length"), 2);
  await called(store, "clear");
  assert.equal(await called(store, "length"), 0);
});

test("Next.js: pages with bytes and Maps, fetches with tags, and what revalidateTag ends", async () => {
  const prefix = `${name()}:`;
  const Handler = cacheHandler({ url, token, prefix, ttl: 100 });
  const [handler, elsewhere] = [new Handler({ dev: false }), new Handler()];
  const page = {
    kind: "APP_PAGE", html: "<h1>ü</h1>", rscData: Buffer.from([0, 255, 128]), status: 200,
    headers: { "x-next-cache-tags": "layout,page:/" }, segmentData: new Map([["/a", Buffer.from("a")], ["/b", Buffer.from([1])]]),
  };
  await handler.set("/", page, { cacheControl: { revalidate: 10, expire: 60 } });
  const found = await elsewhere.get("/", { kind: "APP_PAGE" });
  assert.deepEqual(found.value, page);
  assert.ok(Buffer.isBuffer(found.value.rscData) && found.value.segmentData instanceof Map);
  assert.ok(Date.now() - found.lastModified < 60_000);
  assert.ok((await redis.ttl(`${prefix}/`)) <= 60);
  await handler.set("fetch", { kind: "FETCH", data: { body: "e30=", headers: {}, status: 200, url: "u" }, revalidate: 60 }, { tags: ["posts"] });
  assert.equal((await handler.get("fetch", { kind: "FETCH", tags: ["posts"], softTags: ["_N_T_/"] })).value.data.body, "e30=");
  await handler.revalidateTag("posts");
  assert.equal(await elsewhere.get("fetch", { kind: "FETCH", tags: ["posts"], softTags: [] }), null);
  assert.notEqual(await elsewhere.get("/"), null);
  await handler.revalidateTag(["layout", "other"]);
  assert.equal(await elsewhere.get("/"), null);
  await handler.set("/", null);
  assert.equal(await redis.exists(`${prefix}/`), 0);
  assert.equal(await handler.get("none"), null);
  handler.resetRequestCache();
});

test('Next.js: "use cache" entries as streams, with their tags and times', async () => {
  const handler = useCacheHandler({ url, token, prefix: `${name()}:` });
  const entry = (value, more) => ({
    value: new Response(value).body, tags: ["a"], stale: 30, timestamp: Date.now() - 1000, expire: 3600, revalidate: 60, ...more,
  });
  let give;
  const set = handler.set("k", new Promise((resolve) => (give = resolve)));
  const reading = handler.get("k", []);
  give(entry(new Uint8Array([0, 255, 1])));
  await set;
  const found = await reading;
  assert.deepEqual(new Uint8Array(await new Response(found.value).arrayBuffer()), new Uint8Array([0, 255, 1]));
  assert.deepEqual([found.tags, found.revalidate, found.stale], [["a"], 60, 30]);
  assert.equal(await handler.getExpiration(["a", "soft"]), 0);
  await handler.updateTags(["soft"]);
  assert.ok((await handler.getExpiration(["a", "soft"])) > 0);
  assert.equal(await handler.get("k", ["soft"]), undefined);
  assert.notEqual(await handler.get("k", []), undefined);
  await handler.updateTags(["a"]);
  assert.equal(await handler.get("k", []), undefined);
  await handler.set("old", Promise.resolve(entry("x", { timestamp: Date.now() - 61_000 })));
  assert.equal(await handler.get("old", []), undefined);
  await assert.rejects(handler.set("failed", Promise.reject(new RangeError("mine"))), RangeError);
  assert.equal(await handler.get("failed", []), undefined);
  await handler.refreshTags();
});

test("express-session itself takes the store", async () => {
  const { default: session } = await import("express-session");
  const store = new RedisStore({ client: createClient({ url, token }), prefix: `${name()}:` });
  const handle = session({ store, secret: "s", resave: false, saveUninitialized: true });
  const request = Object.assign(new EventEmitter(), { headers: {}, originalUrl: "/", connection: {} });
  const response = Object.assign(new EventEmitter(), { getHeader() {}, setHeader() {}, writeHead() {}, write() {}, end() {} });
  await new Promise((resolve) => handle(request, response, resolve));
  request.session.user = "ada";
  await new Promise((resolve, reject) => request.session.save((error) => (error ? reject(error) : resolve())));
  assert.equal((await called(store, "get", request.sessionID)).user, "ada");
});
