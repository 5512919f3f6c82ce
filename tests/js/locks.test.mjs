// Locks, permits and idempotent work as JavaScript uses them: within their own work, beside each other, behind a clock that is set and a
// loop that stalls, and with answers that cannot be stored. Effects are counted at the server.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError, Debounce, Idempotency, Lock, LostError, Redis, Semaphore, Throttle } from "restis/helpers";
import { rejection, token, url } from "./support.mjs";

const redis = new Redis({ url, token });
const name = () => `locks:${crypto.randomUUID()}`;
const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time));
const until = async (condition) => {
  while (!(await condition())) await sleep(5);
};
/** Keeps the loop from doing anything else. */
const stall = (time) => {
  const begun = performance.now();
  while (performance.now() - begun < time);
};

/** A lock and a permit, each with a check of whether anybody holds it. */
const holders = async (lease) => {
  const [lock, permit] = [name(), name()];
  return [
    [await new Lock(redis, lock, { lease }).acquire(), async () => (await redis.exists(lock)) === 1],
    [await new Lock(redis, [lock + 1, lock + 2], { lease, fenced: true }).acquire(), async () => (await redis.exists(lock + 1, lock + 2)) > 0],
    [await new Semaphore(redis, permit, 1, { lease }).acquire(), async () => (await redis.zcard(permit)) === 1],
  ];
};

test("what is held can be used within its own work", async () => {
  for (const [held, isHeld] of await holders(5000)) {
    const value = await held.run(async ({ held: given }) => {
      assert.equal(given, held);
      assert.ok(held.validFor() > 3000 && held.validFor() < 5000);
      assert.equal(await held.extend(60_000), true);
      assert.ok(held.validFor() > 50_000);
      assert.equal(await held.extend(), true);
      assert.ok(held.validFor() < 5000);
      assert.equal(await isHeld(), true);
      assert.equal(await held.release(), true);
      assert.equal(held.validFor(), 0);
      assert.equal(await isHeld(), false);
      return "done";
    });
    assert.equal(value, "done");
    assert.equal(await held.extend(), false);
    assert.equal(await held.release(), false);
  }
});

test("release beside extend releases", async () => {
  for (let round = 0; round < 20; round += 1) {
    for (const [held, isHeld] of await holders(5000)) {
      const [extended, released] = await Promise.all([held.extend(30_000), held.release()]);
      assert.deepEqual([extended, released], [true, true]);
      assert.equal(await isHeld(), false);
    }
  }
});

test("work is lost if the loop stalls for longer than the lease", async () => {
  for (const kind of [0, 1, 2]) {
    const [held] = (await holders(1000))[kind];
    let given;
    const error = await rejection(held.run(async ({ signal }) => {
      given = signal;
      stall(1200);
      return "late";
    }));
    assert.ok(error instanceof LostError, String(error));
    assert.ok(given.aborted);
    let ran = false;
    assert.ok((await rejection(held.run(() => (ran = true)))) instanceof LostError);
    assert.equal(ran, false);
  }
});

test("setting the wall clock changes nothing", async () => {
  const { now } = Date;
  try {
    for (const hour of [-3_600_000, 3_600_000]) {
      const short = await holders(200);
      const long = await holders(60_000);
      const gate = new Semaphore(redis, name(), 1, { lease: 60_000, wait: 0 });
      const only = await gate.acquire();
      Date.now = () => now.call(Date) + hour;
      for (const [held] of short) {
        await until(() => held.validFor() === 0);
        let ran = false;
        assert.ok((await rejection(held.run(() => (ran = true)))) instanceof LostError);
        assert.equal(ran, false);
      }
      for (const [held, isHeld] of long) {
        assert.ok(held.validFor() > 50_000 && held.validFor() < 60_000);
        assert.equal(await held.extend(60_000), true);
        assert.equal(await held.run(() => 7), 7);
        assert.equal(await isHeld(), true);
      }
      // A host whose clock is wrong neither takes the permits of others nor loses its own.
      assert.equal(await gate.acquire(), null);
      assert.equal(await only.extend(), true);
      Date.now = now;
      assert.equal(await gate.acquire(), null);
      assert.equal(await only.release(), true);
    }
  } finally {
    Date.now = now;
  }
});

test("fencing tokens of sets that overlap grow", async () => {
  const [a, b, c] = [name(), name(), name()];
  let last = 0;
  for (const names of [[a, b], [b, a], [b, c], c, [c, a], a]) {
    const held = await new Lock(redis, names, { fenced: true }).acquire();
    assert.ok(Number.isSafeInteger(held.fence) && held.fence > last, `${held.fence} behind ${last}`);
    last = held.fence;
    await held.release();
    await redis.del(`${a}:fence`);
  }
});

test("an answer that cannot be stored is charged once", async () => {
  const circle = {};
  circle.self = circle;
  const answers = ["x".repeat(11_000_000), circle, 5n, () => 1, { toJSON() { throw new Error("no"); } }, new Map(), [{ late: Promise.resolve(1) }]];
  for (const answer of answers) {
    const [once, key, charges] = [new Idempotency(redis, { namespace: name(), ttl: 60_000 }), name(), name()];
    const charge = async () => {
      await redis.incr(charges);
      return answer;
    };
    const first = await once.run(key, { amount: 5 }, charge);
    assert.equal(first.status, "now");
    assert.ok(first.value === answer);
    for (let call = 0; call < 3; call += 1) {
      assert.deepEqual(await once.run(key, { amount: 5 }, charge), { status: "done without answer" });
    }
    assert.equal((await once.run(key, { amount: 6 }, charge)).status, "other payload");
    assert.equal(await redis.get(charges), 1);
  }
});

test("zero is refused where it has no meaning", async () => {
  const wrong = {
    "Lock: lease": () => new Lock(redis, "l", { lease: 0 }), "Semaphore: lease": () => new Semaphore(redis, "s", 1, { lease: 0 }),
    "Semaphore: permits": () => new Semaphore(redis, "s", 0), "Throttle: every": () => new Throttle(redis, "t", { every: 0 }),
    "Debounce: wait": () => new Debounce(redis, "d", { wait: 0 }), "Idempotency: lease": () => new Idempotency(redis, { lease: 0 }),
    "Idempotency: ttl": () => new Idempotency(redis, { ttl: 0 }), "Lock: a name": () => new Lock(redis, ["a", "b:fence"]),
    "Lock: there are": () => new Lock(redis, Array.from({ length: 1001 }, (_, n) => n)),
    "Semaphore: permits is more": () => new Semaphore(redis, "s", 2 ** 32),
  };
  for (const [beginning, make] of Object.entries(wrong)) {
    assert.throws(make, (error) => error instanceof ConfigError && error.message.startsWith(beginning), beginning);
  }
  for (const [held, isHeld] of await holders(60_000)) {
    assert.ok((await rejection(held.extend(0))) instanceof ConfigError);
    assert.ok(held.validFor() > 50_000 && (await isHeld()));
    await held.release();
  }
  const key = name();
  const once = await new Lock(redis, key, { wait: 0 }).acquire();
  assert.equal(await new Lock(redis, key, { wait: 0 }).acquire(), null);
  await once.release();
});
