// The real better-auth over our secondary storage: who signs in is in Redis, is listed, and is out once he was revoked.

import assert from "node:assert/strict";
import { test } from "node:test";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { ConfigError, Redis } from "restis";
import { secondaryStorage } from "restis/better-auth";
import { rejection, token, url } from "./support.mjs";

const redis = new Redis({ url, token, automaticDeserialization: false });
let tests = 0;
const newPrefix = () => `better-auth-${process.version}-${Date.now()}-${(tests += 1)}:`;

/** better-auth with an empty database of users, and every session in Redis. */
function start(options) {
  const prefix = newPrefix();
  const db = { user: [], session: [], account: [], verification: [], rateLimit: [] };
  const auth = betterAuth({
    baseURL: "https://auth.example",
    secret: "a secret of these tests, of nobody and nothing",
    database: memoryAdapter(db),
    emailAndPassword: { enabled: true },
    secondaryStorage: secondaryStorage({ url, token, prefix }),
    logger: { disabled: true },
    ...options,
  });
  const call = async (path, { body, cookie } = {}) => {
    const request = new Request(`https://auth.example/api/auth${path}`, {
      method: body ? "POST" : "GET",
      headers: { "Content-Type": "application/json", Origin: "https://auth.example", ...(cookie && { Cookie: cookie }) },
      body: body && JSON.stringify(body),
    });
    const response = await auth.handler(request);
    const cookies = response.headers.getSetCookie().map((line) => line.split(";")[0]);
    const text = await response.text();
    return { status: response.status, cookie: cookies.join("; "), json: text && JSON.parse(text) };
  };
  return { prefix, db, call };
}

const ada = { email: "ada@example.com", password: "correct horse battery", name: "Ada" };

test("sign up, sign in, list, revoke one and revoke all", async () => {
  const { prefix, db, call } = start();
  const phone = await call("/sign-up/email", { body: ada });
  assert.equal(phone.status, 200);
  const desk = await call("/sign-in/email", { body: ada });
  assert.equal(desk.status, 200);
  // Sessions are here and nowhere else, and each ends by itself.
  assert.equal(db.session.length, 0);
  const stored = JSON.parse(await redis.get(`${prefix}${desk.json.token}`));
  assert.equal(stored.user.email, ada.email);
  for (const key of await redis.keys(`${prefix}*`)) assert.ok((await redis.ttl(key)) > 0, key);

  const me = await call("/get-session", { cookie: desk.cookie });
  assert.equal(me.json.user.email, ada.email);
  const list = await call("/list-sessions", { cookie: desk.cookie });
  assert.deepEqual(list.json.map((session) => session.token).sort(), [phone.json.token, desk.json.token].sort());

  const revoked = await call("/revoke-session", { cookie: desk.cookie, body: { token: phone.json.token } });
  assert.equal(revoked.status, 200);
  assert.equal((await call("/get-session", { cookie: phone.cookie })).json, null);
  assert.equal((await call("/get-session", { cookie: desk.cookie })).json.user.email, ada.email);
  assert.equal(await redis.exists(`${prefix}${phone.json.token}`), 0);

  assert.equal((await call("/revoke-sessions", { cookie: desk.cookie, body: {} })).status, 200);
  assert.equal((await call("/get-session", { cookie: desk.cookie })).json, null);
});

test("sign out ends it in Redis", async () => {
  const { prefix, call } = start();
  const session = await call("/sign-up/email", { body: ada });
  assert.equal((await call("/sign-out", { cookie: session.cookie, body: {} })).status, 200);
  assert.equal(await redis.exists(`${prefix}${session.json.token}`), 0);
  assert.equal((await call("/get-session", { cookie: session.cookie })).json, null);
});

test("its rate limit counts in Redis", async () => {
  const rateLimit = { enabled: true, storage: "secondary-storage", window: 60, max: 3 };
  const { prefix, call } = start({ rateLimit, advanced: { ipAddress: { ipAddressHeaders: [] } } });
  const statuses = [];
  for (let count = 0; count < 6; count += 1) statuses.push((await call("/ok")).status);
  assert.ok(statuses.includes(200) && statuses.at(-1) === 429, statuses.join());
  const keys = await redis.keys(`${prefix}*`);
  assert.ok(keys.length > 0);
  for (const key of keys) assert.ok((await redis.ttl(key)) > 0, key);
});

test("each method, and what it costs", async () => {
  const sent = [];
  const storage = secondaryStorage({
    url,
    token,
    prefix: newPrefix(),
    fetch: (address, init) => {
      sent.push(init.body);
      return fetch(address, init);
    },
  });
  // Text that looks like something else stays what it is.
  for (const value of ["1", "007", "1e3", "null", "true", '{"a":1}', '"a"', "", " é\u0000"]) {
    await storage.set("k", value, 60);
    assert.strictEqual(await storage.get("k"), value);
    assert.strictEqual(await storage.getAndDelete("k"), value);
    assert.strictEqual(await storage.get("k"), null);
  }
  sent.length = 0;
  assert.equal(await storage.increment("n", 60), 1);
  assert.equal(await storage.increment("n", 1), 2);
  assert.equal(sent.length, 2);
  assert.equal(sent[0].match(/"(SET|INCR)"/g).length, 2);
  const counter = JSON.parse(sent[0])[1][1];
  assert.ok((await redis.ttl(counter)) > 30, "only the first sets the end");
  await Promise.all(Array.from({ length: 20 }, () => storage.increment("m", 60)));
  assert.equal(await storage.increment("m", 60), 21);

  await storage.set("short", "a", 0.2);
  assert.strictEqual(await storage.get("short"), "a");
  await storage.set("short", "b", 0);
  assert.strictEqual(await storage.get("short"), null);
  await storage.set("ever", "a");
  assert.strictEqual(await storage.get("ever"), "a");
  await storage.delete("ever");
  assert.strictEqual(await storage.get("ever"), null);
});

test("a time to live that is missing, zero, negative, a fraction, too long or no number", async () => {
  const prefix = newPrefix();
  const storage = secondaryStorage({ url, token, prefix });
  for (const ttl of [undefined, null, Infinity, 1e300]) {
    await storage.set("k", "v", ttl);
    assert.equal(await redis.ttl(`${prefix}k`), -1, String(ttl));
    await storage.delete("n");
    assert.equal(await storage.increment("n", ttl), 1);
    assert.equal(await storage.increment("n", ttl), 2);
    assert.equal(await redis.ttl(`${prefix}n`), -1, String(ttl));
  }
  for (const ttl of [0, -5, -Infinity]) {
    await storage.set("k", "v", 60);
    await storage.set("k", "w", ttl);
    assert.equal(await storage.get("k"), null, String(ttl));
    for (let call = 0; call < 2; call += 1) assert.equal(await storage.increment("n", ttl), 1, String(ttl));
    assert.equal(await redis.exists(`${prefix}n`), 0);
  }
  await storage.set("k", "v", 1.2);
  assert.ok((await redis.pttl(`${prefix}k`)) > 1000);
  assert.equal(await storage.increment("n", 1.2), 1);
  assert.ok((await redis.pttl(`${prefix}n`)) > 1000);
  for (const ttl of [NaN, "60", {}]) {
    await assert.rejects(storage.set("k", "v", ttl), /time to live/);
    await assert.rejects(storage.increment("n", ttl), /time to live/);
  }
});

test("what is missing is null, deleting it is nothing, and nothing cannot be stored", async () => {
  const storage = secondaryStorage({ url, token, prefix: newPrefix() });
  assert.deepEqual([await storage.get("none"), await storage.getAndDelete("none"), await storage.delete("none")], [null, null, undefined]);
  for (const value of [null, undefined]) await assert.rejects(storage.set("k", value, 60), /call delete/);
  assert.equal(await storage.get("k"), null);
});

test("a count whose answer was lost is not counted twice", async () => {
  let lost = 0;
  const storage = secondaryStorage({
    url,
    token,
    prefix: newPrefix(),
    fetch: async (address, init) => {
      const response = await fetch(address, init);
      if (lost++ > 0) return response;
      await response.arrayBuffer();
      throw new TypeError("cut");
    },
  });
  const error = await rejection(storage.increment("n", 60));
  assert.equal(error.ambiguous, true);
  assert.equal(await storage.increment("n", 60), 2);
});

test("what it is made of", async () => {
  const env = { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token };
  const storage = secondaryStorage({ env, prefix: newPrefix() });
  await storage.set("k", "v", 60);
  assert.equal(await storage.get("k"), "v");
  assert.throws(() => secondaryStorage({ env: {} }), ConfigError);
  assert.throws(() => secondaryStorage({ url, token, prefx: "a" }), /there is no option prefx/);
});
