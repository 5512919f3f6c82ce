// Sessions of restis/helpers where a callback or a caller does what it should not, and where there are many.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Redis, Sessions } from "restis/helpers";
import { rejection, token, url } from "./support.mjs";

const KEY = "a key of thirty-two bytes, or more";
const redis = new Redis({ url, token });
const name = () => `sessions:${crypto.randomUUID()}`;

test("an odd request is let in by the word accept alone, and else its session ends", async () => {
  const seen = [];
  const verdicts = [
    ["accept", () => "accept", true],
    ["a promise of accept", async () => "accept", true],
    ["a late promise of accept", () => new Promise((resolve) => setTimeout(resolve, 20, "accept")), true],
    ["revoke", () => "revoke", false],
    ["a promise of revoke", async () => "revoke", false],
    ["a throw", () => { throw new RangeError("mine"); }, false],
    ["a rejection", async () => { throw new RangeError("mine"); }, false],
    ["a rejection with accept", () => Promise.reject("accept"), false],
    ["a throw of accept", () => { throw "accept"; }, false],
    ["nothing", () => {}, false],
    ...["revok", "Revoke", "Accept", "ACCEPT", " accept", "accept ", "accepted", "", "true"].map((word) => [`"${word}"`, () => word, false]),
    ...[true, 1, null, {}, [], ["accept"], new String("accept"), { toString: () => "accept" }].map((value) => [typeof value, () => value, false]),
    ["a thenable that throws", () => ({ get then() { throw new RangeError("mine"); } }), false],
    ["a promise of a promise", () => Promise.resolve(Promise.resolve("revoke")), false],
  ];
  for (const [what, verdict, isIn] of verdicts) {
    const onAnomaly = (anomaly) => (seen.push(anomaly), verdict());
    const sessions = new Sessions(redis, KEY, { namespace: name(), onAnomaly });
    const { token: secret, id } = await sessions.create("ada", 1, { userAgent: "a browser", ip: "192.0.2.1" });
    const usual = await sessions.validate(secret, { userAgent: "a browser", ip: "192.0.2.1" });
    assert.equal(usual.id, id, what);
    const session = await sessions.validate(secret, { userAgent: "another", ip: "192.0.2.1" });
    assert.equal(session?.id, isIn ? id : undefined, what);
    assert.deepEqual(seen.splice(0), [{ session: id, userAgent: true, ip: false }], what);
    assert.equal(await sessions.count("ada"), isIn ? 1 : 0, what);
  }
});

test("an odd request is not let in while its verdict is awaited, and others are", async () => {
  let decide;
  const onAnomaly = () => new Promise((resolve) => (decide = resolve));
  const sessions = new Sessions(redis, KEY, { namespace: name(), onAnomaly });
  const { token: secret } = await sessions.create("ada", 1, { ip: "192.0.2.1" });
  let answered = false;
  const odd = sessions.validate(secret, { ip: "192.0.2.2" }).then((session) => ((answered = true), session));
  while (!decide) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(await sessions.validate(secret, { ip: "192.0.2.1" }));
  assert.equal(answered, false);
  decide("accept");
  assert.ok((await odd).anomaly.ip);
});

test("a change of data is awaited, and one that fails changes nothing", async () => {
  const sessions = new Sessions(redis, KEY, { namespace: name() });
  const { token: secret } = await sessions.create("ada", { count: 1 });
  const data = async () => (await sessions.validate(secret)).data;
  assert.deepEqual(await sessions.update(secret, async ({ count }) => ({ count: count + 1 })), { count: 2 });
  assert.deepEqual(await sessions.update(secret, async (data) => { data.count += await Promise.resolve(1); }), { count: 3 });
  const many = Array.from({ length: 5 }, () => sessions.update(secret, async ({ count }) => ({ count: (await Promise.resolve(count)) + 1 })));
  await Promise.all(many);
  assert.deepEqual(await data(), { count: 8 });
  const thrown = new RangeError("mine");
  const wrong = [
    [() => { throw thrown; }, (error) => error === thrown],
    [() => Promise.reject(thrown), (error) => error === thrown],
    [() => new Map(), /class (Map|Set)/],
    [async () => ({ when: new Set() }), /at when is of the class Set/],
    [() => () => 1, /is a function/],
    [(data) => { data.later = Promise.resolve(1); }, /at later is a promise/],
  ];
  for (const [change, error] of wrong) await assert.rejects(sessions.update(secret, change), error);
  assert.deepEqual(await data(), { count: 8 });
  assert.match((await rejection(sessions.update(secret, { count: 9 }))).message, /the change is not a function/);
  assert.deepEqual(await data(), { count: 8 });
});

test("what is known of a device is kept up to its length, and compared so", async () => {
  const sessions = new Sessions(redis, KEY, { namespace: name(), onAnomaly: () => "revoke" });
  const userAgent = `${"é".repeat(30_000)}`;
  const ip = "1".repeat(60_000);
  const { token: secret } = await sessions.create("ada", 1, { userAgent, ip });
  const session = await sessions.validate(secret, { userAgent, ip });
  assert.deepEqual([session.userAgent, session.ip], ["é".repeat(256), "1".repeat(128)]);
  assert.equal((await sessions.list("ada"))[0].userAgent, "é".repeat(256));
  const long = "u".repeat(1025);
  assert.match((await rejection(sessions.create(long, 1))).message, /more than 1,024 bytes/);
  assert.match((await rejection(sessions.rotate(secret, { user: long }))).message, /more than 1,024 bytes/);
  assert.ok(await sessions.validate(secret));
});

test("sessions are counted and listed in pages", async () => {
  const sessions = new Sessions(redis, KEY, { namespace: name() });
  const ids = new Set();
  for (let made = 0; made < 3_000; made += 250) {
    const some = await Promise.all(Array.from({ length: 250 }, () => sessions.create("ada", { large: "x".repeat(1000) }, { ip: "192.0.2.1" })));
    for (const { id } of some) ids.add(id);
  }
  assert.equal(await sessions.count("ada"), 3_000);
  const found = new Set();
  let pages = 0;
  for (let cursor; cursor !== null; pages += 1) {
    const page = await sessions.listPage("ada", { cursor, count: 500 });
    for (const device of page.devices) found.add(device.id);
    assert.ok(page.devices.length < 1_000);
    cursor = page.cursor;
  }
  assert.ok(pages >= 4, String(pages));
  assert.deepEqual([...found].sort(), [...ids].sort());
  assert.equal((await sessions.list("ada")).length, 3_000);
  const { devices, cursor } = await sessions.listPage("nobody");
  assert.deepEqual([devices, cursor], [[], null]);
  for (const cap of [0, -1, 1.5, NaN, Infinity, "5"]) assert.throws(() => new Sessions(redis, KEY, { cap }), /cap is not a whole number/);
  for (const options of [{ count: 0 }, { cursor: "x" }, { cursor: "-1" }, { count: 1.5 }, { page: 1 }]) await rejection(sessions.listPage("ada", options));
});
