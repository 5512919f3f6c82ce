// restis/helpers against restis-local: each helper does what it does in Rust, with callbacks of JavaScript. What they promise
// under faults and from several processes the crate's own tests show, since it is the same code.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Redis as Alone } from "restis";
import {
  Cache, ConfigError, Cookie, Debounce, Idempotency, Loaded, Lock, LostError, RateLimiter, Redis, Semaphore, ServerError, Sessions, Throttle,
} from "restis/helpers";
import { rejection, token, url } from "./support.mjs";

const redis = new Redis({ url, token });
const name = () => `helpers:${crypto.randomUUID()}`;
const until = async (condition) => {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
};

test("the client of either door serves", async () => {
  const key = name();
  for (const client of [redis, new Alone({ url, token })]) {
    const cache = new Cache(client, { namespace: key });
    await cache.set("k", { a: [1] });
    assert.deepEqual(await cache.get("k"), { a: [1] });
  }
  const other = new Cache(new Redis({ request: async () => ({}) }));
  assert.ok((await rejection(other.get("k"))) instanceof ConfigError);
});

test("cache: loads once for a crowd, keeps by options, and tells where an answer came from", async () => {
  const cache = new Cache(redis, { namespace: name(), ttl: 60_000, memory: { bytes: 1_000_000, ttl: 1000 } });
  let loads = 0;
  const load = async () => ((loads += 1), { loads });
  const all = await Promise.all(Array.from({ length: 20 }, () => cache.getOrSet("a", load)));
  assert.equal(loads, 1);
  assert.ok(all.every((value) => value.loads === 1));
  assert.equal((await cache.fetch("a", load)).status, "memory");
  const fresh = await cache.fetch("b", load, { ttl: 5000, tags: ["t"] });
  assert.equal(fresh.status, "miss");
  assert.ok(fresh.ttl > 0 && fresh.ttl <= 5);
  assert.match(fresh.cacheStatus, /^restis; fwd=uri-miss; stored/);
  await cache.invalidateTags("t");
  assert.equal(await cache.get("b"), undefined);
  const stats = await cache.stats();
  assert.equal(stats.loads, 2);
  assert.ok(stats.hits + stats.memoryHits >= 1 && stats.misses >= 2);
});

test("cache: what a loader says of its value, and what was there before", async () => {
  const cache = new Cache(redis, { namespace: name() });
  const seen = [];
  await cache.getOrSet("page", () => new Loaded("v1", { ttl: 30, etag: "e1", tags: ["x"], negativeTtl: 5 }), { staleIfError: 60_000 });
  await until(async () => (await cache.get("page")) === undefined);
  const again = await cache.getOrSet("page", (previous) => (seen.push(previous), Loaded.notModified({ ttl: 60_000 })), { staleIfError: 60_000 });
  assert.equal(again, "v1");
  assert.deepEqual(seen, [{ value: "v1", etag: "e1" }]);
  assert.equal(await cache.get("page"), "v1");
  assert.equal(await cache.getOrSet("never", () => new Loaded(1, { store: false })), 1);
  assert.equal(await cache.get("never"), undefined);
  assert.equal(await cache.getOrSet("nothing", () => null), null);
});

test("cache: a loader's error is the caller's, as it was thrown", async () => {
  const cache = new Cache(redis, { namespace: name() });
  const thrown = new RangeError("the source is down");
  assert.equal(await rejection(cache.getOrSet("k", () => { throw thrown; })), thrown);
  assert.equal(await rejection(cache.getOrSet("l", async () => Promise.reject("text"))), "text");
  const cycle = {};
  cycle.cycle = cycle;
  assert.match((await rejection(cache.getOrSet("m", () => cycle))).message, /cannot be written as JSON/);
});

test("cache: a stale answer at once, and the refresh handed to waitUntil", async () => {
  const cache = new Cache(redis, { namespace: name(), staleWhileRevalidate: 60_000 });
  await cache.set("k", 1, { ttl: 1 });
  const waited = [];
  let answer;
  await until(async () => {
    answer = await cache.fetch("k", async () => 2, { ttl: 60_000, waitUntil: (promise) => waited.push(promise) });
    return answer.status !== "hit";
  });
  assert.deepEqual([answer.value, answer.status], [1, "stale"]);
  assert.equal(waited.length, 1);
  await Promise.all(waited);
  assert.equal(await cache.get("k"), 2);
});

test("cache: many at a time, updates, and all that ends entries", async () => {
  const cache = new Cache(redis, { namespace: name() });
  await cache.setMany({ a: 1, b: null });
  await cache.setMany(new Map([["c", [3]]]));
  assert.deepEqual(await cache.getMany(["a", "b", "c", "d"]), [1, null, [3], undefined]);
  const asked = [];
  const found = await cache.getOrSetMany(["a", "d", "e"], async (keys) => (asked.push(keys.sort()), new Map(keys.map((key) => [key, `${key}!`]))));
  assert.deepEqual(asked, [["d", "e"]]);
  assert.deepEqual([...found].sort(), [["a", 1], ["d", "d!"], ["e", "e!"]]);
  assert.equal(await cache.update("a", async () => 10), 10);
  assert.equal(await cache.get("a"), 10);
  assert.equal(await cache.touch("a", { ttl: 1000 }), true);
  assert.equal(await cache.touch("none"), false);
  await cache.delete("a", "c");
  assert.deepEqual(await cache.getMany(["a", "c"]), [undefined, undefined]);
  assert.equal(await cache.invalidateMatching("d*"), 1);
  await cache.clear();
  assert.deepEqual(await cache.getMany(["b", "e"]), [undefined, undefined]);
});

test("sessions: created, read, changed, renewed, listed and ended", async () => {
  const sessions = new Sessions(redis, "a key of thirty-two bytes, or more", { namespace: name(), idle: 60_000, cap: 5 });
  const { token: secret, id } = await sessions.create("ada", { cart: [1] }, { userAgent: "a browser", ip: "192.0.2.1" });
  const session = await sessions.validate(secret, { userAgent: "a browser", ip: "192.0.2.1" });
  assert.deepEqual([session.id, session.user, session.data, session.userAgent, session.ip], [id, "ada", { cart: [1] }, "a browser", "192.0.2.1"]);
  assert.ok(session.endsAt > session.createdAt && session.createdAt > 1.7e12);
  assert.equal(session.isRenewalDue, false);
  assert.equal(await sessions.validate(`${secret}x`), null);
  assert.deepEqual(await sessions.update(secret, (data) => { data.cart.push(2); }), { cart: [1, 2] });
  assert.deepEqual(await sessions.update(secret, ({ cart }) => ({ cart, seen: true })), { cart: [1, 2], seen: true });
  assert.equal(await sessions.update("nobody's", () => 1), null);
  await assert.rejects(sessions.update(secret, () => { throw new RangeError("mine"); }), RangeError);
  const renewed = await sessions.rotate(secret);
  assert.equal(await sessions.validate(secret), null);
  assert.deepEqual((await sessions.validate(renewed.token)).data.seen, true);
  const other = await sessions.create("ada", {});
  assert.equal(await sessions.count("ada"), 2);
  assert.deepEqual((await sessions.list("ada")).map((device) => device.id).sort(), [renewed.id, other.id].sort());
  const csrf = await sessions.csrfToken(renewed.token);
  assert.equal(await sessions.isCsrfToken(renewed.token, csrf), true);
  assert.equal(await sessions.isCsrfToken(other.token, csrf), false);
  assert.equal(await sessions.revokeOthers(renewed.token), 1);
  assert.equal(await sessions.validate(other.token), null);
  await sessions.revokeDevice("ada", renewed.id);
  assert.equal(await sessions.validate(renewed.token), null);
  const last = await sessions.create("ada", {});
  await sessions.revokeAll("ada");
  assert.equal(await sessions.validate(last.token), null);
  const anonymous = await sessions.createAnonymous("visitor");
  assert.equal((await sessions.validate(anonymous.token)).user, null);
  await sessions.revoke(anonymous.token);
  assert.equal(await sessions.validate(anonymous.token), null);
});

test("sessions: refresh tokens, anomalies, cookies", async () => {
  const seen = [];
  const onAnomaly = (anomaly) => (seen.push(anomaly), anomaly.ip ? "revoke" : "accept");
  const sessions = new Sessions(redis, new TextEncoder().encode("another key of thirty-two bytes!"), { namespace: name(), onAnomaly });
  const { token: first } = await sessions.createRefresh("ada", { a: 1 });
  const next = await sessions.refresh(first);
  assert.equal(next.status, "rotated");
  assert.deepEqual([next.session.user, next.session.data], ["ada", { a: 1 }]);
  assert.equal((await sessions.refresh("unknown")).status, "unknown");
  const { token: secret } = await sessions.create("eve", {}, { ip: "192.0.2.1" });
  assert.equal(await sessions.validate(secret, { ip: "198.51.100.7" }), null);
  assert.equal(seen.length, 1);
  assert.deepEqual([seen[0].ip, seen[0].userAgent], [true, false]);

  const cookie = new Cookie("sid", { lax: true, maxAge: 3_600_000 });
  const field = cookie.set(secret);
  assert.match(field, /sid=[^;]+; .*HttpOnly/);
  assert.match(field, /SameSite=Lax/);
  assert.match(field, /Max-Age=3600/);
  assert.equal(cookie.read(`other=1; ${field.split(";")[0]}`), secret);
  assert.equal(cookie.read(undefined), null);
  assert.match(cookie.clear(), /Max-Age=0/);
  assert.ok((await rejection(new Sessions(redis, "short").create("a", 1))) instanceof ConfigError);
});

test("rate limits: each algorithm counts, and a decision has what an answer says", async () => {
  const makers = {
    fixedWindow: (options) => RateLimiter.fixedWindow(redis, 2, 60_000, options),
    slidingWindow: (options) => RateLimiter.slidingWindow(redis, 2, 60_000, options),
    tokenBucket: (options) => RateLimiter.tokenBucket(redis, 1, 60_000, 2, options),
    gcra: (options) => RateLimiter.gcra(redis, 2, 60_000, options),
    strictWindow: (options) => RateLimiter.strictWindow(redis, 2, 60_000, options),
  };
  for (const [algorithm, make] of Object.entries(makers)) {
    const limiter = make({ prefix: name() });
    const decisions = [];
    for (let call = 0; call < 3; call += 1) decisions.push(await limiter.check("ada"));
    assert.deepEqual(decisions.map(({ allowed }) => allowed), [true, true, false], algorithm);
    const [, , refused] = decisions;
    assert.equal(refused.status, 429);
    assert.equal(refused.remaining, 0);
    assert.ok(refused.retryAfter > 0 && refused.retryAt > Date.now(), algorithm);
    assert.equal(refused.limit, 2, algorithm);
    assert.ok(Number(refused.headers["Retry-After"]) > 0);
    assert.equal(refused.problem.status, 429);
    assert.equal((await limiter.check("eve")).allowed, true);
    await limiter.reset("ada");
    assert.equal((await limiter.peek("ada")).remaining, 2, algorithm);
  }
});

test("rate limits: costs, refunds, penalties, blocks, limits that change, and waiting", async () => {
  const limiter = RateLimiter.fixedWindow(redis, 10, 60_000, { prefix: name(), blockable: true, dynamic: true });
  assert.equal((await limiter.check("a", { cost: 4 })).remaining, 6);
  await limiter.refund("a", 2);
  assert.equal((await limiter.peek("a")).remaining, 8);
  assert.equal((await limiter.penalty("a", 20)).remaining, 0);
  assert.equal((await limiter.check("a")).allowed, false);
  await limiter.block("b", 60_000);
  assert.equal((await limiter.check("b")).reason, "blocked");
  await limiter.unblock("b");
  assert.equal((await limiter.check("b")).allowed, true);
  assert.equal(await limiter.dynamicLimit(), null);
  await limiter.setDynamicLimit(1);
  assert.equal(await limiter.dynamicLimit(), 1);
  await limiter.setDynamicLimit(null);
  const quick = RateLimiter.gcra(redis, 100, 1000, { prefix: name() });
  assert.equal((await quick.untilReady("a", 1000)).allowed, true);
  const denying = RateLimiter.fixedWindow(redis, 5, 1000, { prefix: name(), deny: ["192.0.2.0/24"] });
  assert.equal((await denying.check("192.0.2.9")).reason, "denied");
});

test("rate limits: a number without a meaning is refused, by its name", async () => {
  const { fixedWindow, slidingWindow, tokenBucket, gcra, strictWindow } = RateLimiter;
  const make = (maker) => (...numbers) => maker.call(RateLimiter, redis, ...numbers);
  for (const maker of [fixedWindow, slidingWindow, gcra, strictWindow].map(make)) {
    assert.throws(() => maker(0, 1000), /the limit is 0/);
    assert.throws(() => maker(1, 0), /the window is 0/);
  }
  assert.throws(() => make(tokenBucket)(0, 1000, 5), /the rate is 0/);
  assert.throws(() => make(tokenBucket)(1, 0, 5), /the interval is 0/);
  assert.throws(() => make(tokenBucket)(1, 1000, 0), /the most is 0/);
  assert.throws(() => make(gcra)(1_000_001, 1000), /microsecond/);
  for (const option of ["lease", "failOpen", "failClosed", "failLocal"]) {
    assert.throws(() => make(fixedWindow)(1, 1000, { [option]: 0 }), (error) => error instanceof ConfigError && error.message.includes(option));
  }
  const limiter = make(fixedWindow)(5, 60_000, { prefix: name(), blockable: true });
  await assert.rejects(limiter.check("a", { cost: 0 }), /the cost is 0/);
  await assert.rejects(limiter.block("a", 0), /the time is 0/);
  await limiter.refund("a", 0);
  assert.equal((await limiter.penalty("a", 0)).remaining, 5);
});

test("rate limits: a call that never fits has no time, and no field of one", async () => {
  const away = new Redis({ url: "http://127.0.0.1:2", token, retry: false });
  const makers = {
    fixedWindow: (client, options) => RateLimiter.fixedWindow(client, 5, 60_000, options),
    slidingWindow: (client, options) => RateLimiter.slidingWindow(client, 5, 60_000, options),
    tokenBucket: (client, options) => RateLimiter.tokenBucket(client, 5, 60_000, 5, options),
    gcra: (client, options) => RateLimiter.gcra(client, 5, 60_000, options),
    strictWindow: (client, options) => RateLimiter.strictWindow(client, 5, 60_000, options),
  };
  for (const [algorithm, make] of Object.entries(makers)) {
    for (const limiter of [make(redis, { prefix: name() }), make(away, { failLocal: 5000 })]) {
      const never = await limiter.check("a", { cost: 6 });
      assert.deepEqual([never.allowed, never.retryAt, never.retryAfter, never.status], [false, null, null, 429], algorithm);
      assert.equal(never.headers["Retry-After"], undefined);
      for (const number of [never.limit, never.remaining, never.reset]) assert.ok(Number.isSafeInteger(number), algorithm);
      assert.doesNotMatch(JSON.stringify(never), /18446744|1\.8446744/);
    }
  }
  const denied = await RateLimiter.gcra(redis, 5, 1000, { prefix: name(), deny: ["eve"] }).check("eve");
  assert.deepEqual([denied.retryAt, denied.retryAfter, denied.status], [null, null, 403]);
  assert.ok(Number.isSafeInteger(denied.reset));
});

test("rate limits: a policy for an unavailable Redis does not hide a mistake", async () => {
  const prefix = name();
  const limiter = RateLimiter.gcra(redis, 5, 60_000, { prefix, failOpen: 5000 });
  await redis.hset(`${prefix}/gcra:a`, { a: 1 });
  for (const error of await Promise.all([rejection(limiter.check("a")), rejection(limiter.check("a"))])) assert.equal(error.code, "WRONGTYPE");
  const full = new Redis({
    url: "https://full.example", token, retry: false,
    fetch: async (_, { body }) => {
      const error = { error: "OOM command not allowed when used memory > 'maxmemory'." };
      const sent = JSON.parse(typeof body === "string" ? body : new TextDecoder().decode(body));
      const several = Array.isArray(sent[0]);
      return new Response(JSON.stringify(several ? sent.map(() => error) : error), { status: several ? 200 : 400 });
    },
  });
  const open = RateLimiter.fixedWindow(full, 5, 60_000, { failOpen: 5000 });
  for (const decision of await Promise.all([open.check("a"), open.check("b")])) {
    assert.deepEqual([decision.allowed, decision.reason], [true, "unavailable"]);
  }
});

test("locks: one at a time, fenced, renewed while work goes on, and lost with a signal", async () => {
  const [key, options] = [name(), { lease: 30_000, wait: 10, fenced: true }];
  const lock = new Lock(redis, key, options);
  const held = await lock.acquire();
  assert.ok(held.fence >= 1 && held.validFor() > 20_000);
  assert.equal(await lock.isHeld(), true);
  assert.equal(await new Lock(redis, key, options).acquire(), null);
  assert.equal(await new Lock(redis, key, options).tryAcquire(), null);
  assert.equal(await held.extend(60_000), true);
  assert.ok(held.validFor() > 50_000);
  assert.equal(await held.release(), true);
  assert.equal(await held.release(), false);
  assert.equal(held.validFor(), 0);
  assert.equal(await lock.isHeld(), false);

  let inside = 0;
  const work = async () => { inside += 1; assert.equal(inside, 1); await redis.ping(); inside -= 1; return "done"; };
  const busy = new Lock(redis, name(), { lease: 10_000, wait: 10_000 });
  const ran = await Promise.all(Array.from({ length: 5 }, () => busy.run(work)));
  assert.ok(ran.every(({ acquired, value }) => acquired && value === "done"));
  await assert.rejects(busy.run(() => { throw new RangeError("mine"); }), RangeError);
  assert.equal(await busy.isHeld(), false);

  const both = new Lock(redis, [name(), name()], { lease: 10_000, wait: 10 });
  assert.equal((await both.run(() => 1)).value, 1);

  const short = name();
  const losing = new Lock(redis, short, { lease: 300, wait: 10 });
  let aborted;
  const error = await rejection(losing.run(async ({ signal }) => {
    aborted = new Promise((resolve) => signal.addEventListener("abort", () => resolve(signal.reason)));
    await redis.del(...(await redis.keys(`*${short}*`)));
    await aborted;
  }));
  assert.ok(error instanceof LostError, String(error));
  assert.equal(await aborted, error);
});

test("semaphores, throttles and debounces", async () => {
  const semaphore = new Semaphore(redis, name(), 2, { lease: 10_000, wait: 10 });
  const first = await semaphore.acquire();
  const second = await semaphore.tryAcquire();
  assert.ok(first && second);
  assert.equal(await semaphore.acquire(), null);
  assert.ok(await semaphore.forEach("another").acquire());
  assert.equal(await first.extend(), true);
  assert.equal(await first.release(), true);
  assert.deepEqual(await semaphore.run(async () => 7), { acquired: true, value: 7 });
  await second.release();

  const throttle = new Throttle(redis, name(), { every: 60_000 });
  assert.deepEqual([await throttle.allow(), await throttle.allow()], [true, false]);
  await throttle.reset();
  assert.equal(await throttle.allow(), true);

  const debounced = name();
  const calls = Array.from({ length: 3 }, () => new Debounce(redis, debounced, { wait: 150 }).isLast());
  assert.equal((await Promise.all(calls)).filter(Boolean).length, 1);
});

test("idempotency: once for each key, and the answer again", async () => {
  const once = new Idempotency(redis, { namespace: name(), ttl: 60_000 });
  let runs = 0;
  const work = async () => ((runs += 1), { runs });
  assert.deepEqual(await once.run("k", { amount: 5 }, work), { status: "now", value: { runs: 1 } });
  assert.deepEqual(await once.run("k", { amount: 5 }, work), { status: "before", value: { runs: 1 } });
  assert.equal((await once.run("k", { amount: 6 }, work)).status, "other payload");
  assert.equal(runs, 1);
  await assert.rejects(once.run("l", "text", () => { throw new RangeError("mine"); }), RangeError);
  assert.equal((await once.run("l", "text", () => undefined)).value, null);
  let release;
  const slow = once.run("m", "", () => new Promise((resolve) => (release = resolve)));
  await until(() => release !== undefined);
  const busy = await once.run("m", "", work);
  assert.equal(busy.status, "in progress");
  assert.ok(busy.retryAfter > 0);
  release(1);
  assert.equal((await slow).value, 1);
});

test("mistakes are said at once, and an error of the server is one of the client's classes", async () => {
  const wrong = [
    [() => new Cache({}), "Cache: the first argument"],
    [() => new Cache(redis, { ttl: "60" }), "Cache: ttl is not a number of milliseconds"],
    [() => new Cache(redis, { tll: 60 }), "Cache: there is no option tll"],
    [() => new Cache(redis, 60), "Cache: options are an object"],
    [() => new Lock(redis, "k", { lease: -1 }), "Lock: lease is not"],
    [() => new Lock(redis, []), "Lock: there is no name"],
    [() => new Semaphore(redis, "k", 1.5), "Semaphore: permits is not a whole number"],
    [() => RateLimiter.gcra(redis, "10", 1), "RateLimiter: the limit is not a whole number"],
    [() => new Sessions(redis, 5), "Sessions: the key is neither"],
  ];
  for (const [make, message] of wrong) assert.throws(make, (error) => error.message.startsWith(message), message);
  const cache = new Cache(redis, { namespace: name() });
  await assert.rejects(cache.get({}), /the key is neither text nor a number/);
  await assert.rejects(cache.getOrSet("k"), /the loader is not a function/);
  const key = name();
  await redis.set(key, "text");
  const lock = new Lock(redis, "x", { fenced: true });
  const sessions = new Sessions(redis, "a key of thirty-two bytes, or more", { namespace: key });
  assert.equal(await sessions.count("nobody"), 0);
  assert.equal(await lock.isHeld(), false);
  await redis.rpush(`${key}:list`, 1);
  const wrongType = await rejection(new Cache(redis, { namespace: `${key}`, failOpen: false }).update("k", () => { throw new ServerError("x"); }));
  assert.ok(wrongType instanceof ServerError);
});
