// Adapters, each under the library that calls it, against restis-local: Keyv 5 and 6, and connect-redis under express-session's
// contract. Those of Next.js are in next.test.mjs and next-app.test.mjs.

import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { RedisStore } from "connect-redis";
import * as keyv6 from "keyv";
import Keyv5 from "keyv5";
import { KeyvStore } from "restis/keyv";
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
