// Libraries made for @upstash/redis, given this package's client: they do what they do with theirs.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Lock } from "@upstash/lock";
import { Ratelimit } from "@upstash/ratelimit";
import { Redis as Theirs } from "@upstash/redis";
import { Redis } from "restis";
import { token, url } from "./support.mjs";

const prefix = `libraries-${process.version}-${Date.now()}`;
const ours = new Redis({ url, token });
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
