// Libraries made for @upstash/redis, given this package's client: they do what they do with theirs.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Lock } from "@upstash/lock";
import { Ratelimit } from "@upstash/ratelimit";
import { Redis as Theirs } from "@upstash/redis";
import { Redis } from "restis";
import { RateLimiter, Redis as Helping } from "restis/helpers";
import { token, url } from "./support.mjs";

const prefix = `libraries-${process.version}-${Date.now()}`;
const ours = new Redis({ url, token });
const helping = new Helping({ url, token });
const theirs = new Theirs({ url, token, enableTelemetry: false });

after(async () => {
  for await (const key of ours.scanIterator({ match: `${prefix}*`, count: 1000 })) await ours.unlink(key);
});

const HOUR = "1 h";
for (const [name, limiter] of [
  ["fixedWindow", Ratelimit.fixedWindow(3, HOUR)],
  ["slidingWindow", Ratelimit.slidingWindow(3, HOUR)],
  ["tokenBucket", Ratelimit.tokenBucket(1, HOUR, 3)],
]) {
  test(`@upstash/ratelimit, ${name}: both clients count on one key, and it ends at the limit`, async () => {
    const make = (redis) => new Ratelimit({ redis, limiter, prefix: `${prefix}:${name}`, ephemeralCache: false, analytics: true });
    const [first, second] = [make(ours), make(theirs)];
    const answers = [];
    for (let i = 0; i < 6; i += 1) {
      const { success, limit, remaining, pending } = await (i % 2 ? second : first).limit("ada");
      await pending;
      answers.push([success, limit, Math.max(remaining, 0)]);
    }
    assert.deepEqual(answers, [[true, 3, 2], [true, 3, 1], [true, 3, 0], ...Array(3).fill([false, 3, 0])]);
    assert.deepEqual(await first.getRemaining("ada"), await second.getRemaining("ada"));
    // Its analytics go by zincrby, also for what it refused.
    const counted = await ours.keys(`${prefix}:${name}:events:*`);
    assert.equal(counted.length, 1);
  });
}

// Names like keys of ours are counted with theirs. Under the names of their own keys ours counts apart, where theirs fails.
for (const [name, theirsBy, oursBy] of [
  ["fixedWindow", Ratelimit.fixedWindow(4, HOUR), (options) => RateLimiter.fixedWindow(helping, 4, 3_600_000, options)],
  ["slidingWindow", Ratelimit.slidingWindow(4, HOUR), (options) => RateLimiter.slidingWindow(helping, 4, 3_600_000, options)],
  ["tokenBucket", Ratelimit.tokenBucket(1, HOUR, 4), (options) => RateLimiter.tokenBucket(helping, 1, 3_600_000, 4, options)],
]) {
  test(`RateLimiter.${name} counts with @upstash/ratelimit, for every name of a visitor`, async () => {
    const place = `${prefix}:names:${name}`;
    const library = new Ratelimit({ redis: theirs, limiter: theirsBy, prefix: place, ephemeralCache: false, dynamicLimits: true, analytics: true });
    const limiter = oursBy({ prefix: place, localDeny: false, blockable: true, dynamic: true, denyList: true });
    for (const id of ["ada", "victim", "victim:block", "/block:victim", "a/b", "a:1", "*", "events", "gcra"]) {
      const left = [];
      for (const turn of [0, 1, 2, 3]) {
        const { remaining, pending } = turn % 2 ? await library.limit(id) : await limiter.check(id);
        await pending;
        left.push(remaining);
      }
      assert.deepEqual(left, [3, 2, 1, 0], id);
      assert.deepEqual([(await limiter.check(id)).allowed, (await library.limit(id)).success], [false, false], id);
    }
    await limiter.block("victim", 60_000);
    assert.equal((await limiter.check("victim")).reason, "blocked");
    await library.setDynamicLimit({ limit: 9 });
    assert.equal(await limiter.dynamicLimit(), 9);
    await ours.sadd(`${place}:denyList:all`, "eve");
    for (const id of ["dynamic:global", "denyList:all", "ipDenyListStatus", `events:${Date.now()}`]) {
      assert.equal((await limiter.check(id)).remaining, 8, id);
    }
    assert.deepEqual(await library.getDynamicLimit(), { dynamicLimit: 9 });
    assert.equal((await limiter.check("eve")).reason, "denied");
    await limiter.setDynamicLimit(null);
    assert.deepEqual(await library.getDynamicLimit(), { dynamicLimit: null });
  });
}

test("@upstash/lock: one holder, whichever client asks", async () => {
  const id = `${prefix}:lock`;
  const retry = { attempts: 1, delay: 1 };
  const held = new Lock({ id, redis: ours, lease: 60_000, retry });
  const other = new Lock({ id, redis: theirs, lease: 60_000, retry });
  assert.equal(await held.acquire(), true);
  assert.equal(await other.acquire(), false);
  assert.equal(await held.getStatus(), "ACQUIRED");
  assert.equal(await held.extend(60_000), true);
  assert.ok((await ours.pttl(id)) > 60_000);
  assert.equal(await other.release(), false);
  assert.equal(await held.release(), true);
  assert.equal(await held.getStatus(), "FREE");
  assert.equal(await other.acquire(), true);
  assert.equal(await held.acquire(), false);
  assert.equal(await other.release(), true);
});
