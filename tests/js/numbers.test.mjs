// The numbers that callers give to any helper: what is not a number of its kind is refused before anything is sent, by the name of
// the option; an endless duration is the longest that there is.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Cache, ConfigError, Debounce, Idempotency, Lock, Queue, RateLimiter, Redis, Semaphore, Sessions, Throttle } from "restis/helpers";
import { token, url } from "./support.mjs";

const redis = new Redis({ url, token });
const name = () => `numbers-${crypto.randomUUID()}`;
const NEVER = [NaN, -1, -Infinity, null, "5", true, [5], {}, 5n];

/** Each option of a number, as a call that gets its value. */
const consumer = (options) => new Queue("q", { redis }).consumer(options);
const DURATIONS = {
  ttl: (ttl) => new Cache(redis, { ttl }), staleIfError: (staleIfError) => new Cache(redis, { staleIfError }),
  lease: (lease) => new Lock(redis, "l", { lease }), wait: (wait) => new Semaphore(redis, "s", 1, { wait }),
  every: (every) => new Throttle(redis, "t", { every }), silence: (wait) => new Debounce(redis, "d", { wait }),
  idle: (idle) => new Sessions(redis, "k".repeat(32), { idle }), call: (lease) => new Idempotency(redis, { lease }),
  failOpen: (failOpen) => RateLimiter.fixedWindow(redis, 1, 1000, { failOpen }), window: (window) => RateLimiter.gcra(redis, 1, window),
  lock: (lock) => consumer({ lock }), stalledInterval: (stalledInterval) => consumer({ stalledInterval }),
  margin: (margin) => consumer({ margin }), duration: (duration) => consumer({ limit: { max: 1, duration } }),
};
const COUNTS = {
  batchSize: (batchSize) => consumer({ batchSize }), maxStalled: (maxStalled) => consumer({ maxStalled }),
  max: (max) => consumer({ limit: { max, duration: 1 } }), cap: (cap) => new Sessions(redis, "k".repeat(32), { cap }),
  bytes: (bytes) => new Cache(redis, { memory: { bytes, ttl: 1 } }), limit: (limit) => RateLimiter.fixedWindow(redis, limit, 1000),
  leased: (lease) => RateLimiter.fixedWindow(redis, 1, 1000, { lease }), permits: (permits) => new Semaphore(redis, "s", permits),
};

test("a duration that is no number of milliseconds is refused", () => {
  for (const [option, set] of Object.entries(DURATIONS)) {
    for (const value of NEVER) assert.throws(() => set(value), /is not a number of milliseconds from 0 on/, `${option}: ${String(value)}`);
    set(Infinity);
    set(1500.5);
  }
  assert.throws(() => consumer({ lock: NaN }), (error) => error instanceof ConfigError && error.message.includes("lock"));
});

test("a count that is no whole number is refused", () => {
  for (const [option, set] of Object.entries(COUNTS)) {
    for (const value of [...NEVER, Infinity, 1.5, 2 ** 53]) {
      assert.throws(() => set(value), /is not a whole number from [01] on/, `${option}: ${String(value)}`);
    }
    set(5);
  }
});

test("a fraction that is not finite is refused", () => {
  for (const option of ["jitter", "earlyRefresh"]) {
    for (const value of [...NEVER, Infinity]) assert.throws(() => new Cache(redis, { [option]: value }), new RegExp(`${option} is not a finite number`));
  }
});

test("calls refuse them too", async () => {
  const jobs = new Queue(name(), { redis });
  const limiter = RateLimiter.fixedWindow(redis, 1, 1000, { prefix: name() });
  for (const value of NEVER) {
    await assert.rejects(jobs.consumer().runUntil(value, () => 1), /the time is not a number of milliseconds/);
    await assert.rejects(jobs.waitFinished("a", value), /the time is not a number of milliseconds/);
    await assert.rejects(jobs.clean("completed", { age: value }), /the age is not a number of milliseconds/);
    await assert.rejects(jobs.clean("completed", { most: value }), /the most is not a whole number/);
    await assert.rejects(jobs.jobs("completed", value), /the start is not a whole number/);
    await assert.rejects(limiter.block("a", value), /the time is not a number of milliseconds/);
    await assert.rejects(limiter.check("a", { cost: value }), /the cost is not a whole number/);
  }
});

test("an endless lock of jobs loses none", async () => {
  for (const lock of [Infinity, Number.MAX_VALUE, 2 ** 64, 2 ** 53]) {
    const jobs = new Queue(name(), { redis });
    await jobs.addBulk(Array.from({ length: 5 }, (_, n) => ({ name: "n", data: n })));
    const summary = await jobs.consumer({ lock, stalledInterval: lock }).runUntil(Infinity, (job) => job.data);
    assert.equal(summary.completed, 5);
    assert.equal((await jobs.counts()).completed, 5);
    await jobs.pause();
    await jobs.obliterate();
  }
});

test("an endless lease, time to live or window is held", async () => {
  const held = await new Lock(redis, name(), { lease: Infinity }).tryAcquire();
  assert.ok(held.validFor() > 1e12);
  assert.equal(await held.extend(Infinity), true);
  await held.release();
  const cache = new Cache(redis, { namespace: name(), ttl: Infinity });
  await cache.set("k", 1);
  assert.equal(await cache.get("k"), 1);
  const limiter = RateLimiter.fixedWindow(redis, 1, Infinity, { prefix: name() });
  assert.deepEqual([(await limiter.check("a")).allowed, (await limiter.check("a")).allowed], [true, false]);
});
