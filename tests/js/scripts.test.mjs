// Scripts on a server that knows none of them: every call that runs one works, alone and beside others of the
// same turn, which share a request.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Redis as Plain } from "restis";
import { Debounce, Idempotency, Lock, Queue, RateLimiter, Redis, Semaphore, Sessions, Throttle } from "restis/helpers";
import { FlowProducer, Queue as Adding } from "restis/queue";
import { rejection, token, url } from "./support.mjs";

const name = () => `scripts:${crypto.randomUUID()}`;

/** A `fetch` for a server that knows no script: the hashes are others there. What other tests use on the server stays. */
function forgetting(address, init) {
  const text = typeof init.body === "string" ? init.body : new TextDecoder().decode(init.body);
  const body = text.replace(/("EVALSHA(?:_RO)?",")[0-9a-f]{40}"/g, `$1${"0".repeat(40)}"`);
  forgotten += Number(body !== text);
  return fetch(address, { ...init, body });
}

let forgotten = 0;
after(() => assert.ok(forgotten > 50, `${forgotten} requests for scripts`));

const twice = (call) => Promise.all([call(name()), call(name())]);

const redis = new Redis({ url, token, fetch: forgetting });

for (const enableAutoPipelining of [true, false]) {
  const plain = new Plain({ url, token, enableAutoPipelining, fetch: forgetting });

  test(`createScript runs once for each call, auto-pipelining ${enableAutoPipelining}`, async () => {
    const key = name();
    const add = plain.createScript("return redis.call('INCRBY', KEYS[1], ARGV[1])");
    assert.equal(await add.exec([key], [1]), 1);
    const sums = await Promise.all(Array.from({ length: 20 }, () => add.exec([key], [1])));
    assert.deepEqual(sums.sort((a, b) => a - b), Array.from({ length: 20 }, (_, index) => index + 2));
    const get = plain.createScript("return redis.call('GET', KEYS[1])", { readonly: true });
    assert.deepEqual(await Promise.all([get.exec([key]), get.exec([key])]), [21, 21]);
    const both = plain.multi();
    both.eval(add.script, [key], [1]);
    both.eval(add.script, [key], [1]);
    assert.deepEqual(await both.exec(), [22, 23]);
    await plain.set(key, "text");
    assert.notEqual((await rejection(add.exec([key], [1]))).code, "NOSCRIPT");
  });

  test(`createScript: one that returns NOSCRIPT itself runs once, auto-pipelining ${enableAutoPipelining}`, async () => {
    const words = "NOSCRIPT No matching script. Please use EVAL.";
    for (const end of [`return redis.error_reply('${words}')`, `error({ err = '${words}' })`, "return redis.error_reply(ARGV[1])"]) {
      const key = name();
      const script = plain.createScript(`redis.call('INCR', KEYS[1]) ${end}`);
      const [one, two] = await Promise.all([rejection(script.exec([key], [words])), rejection(script.exec([key], [words]))]);
      assert.deepEqual([one.code, two.code], ["NOSCRIPT", "NOSCRIPT"]);
      assert.equal(await plain.get(key), 2, end);
    }
  });
}

test("rate limits count two calls of one turn, and an open limit does not let them through uncounted", async () => {
  const make = {
    fixedWindow: (options) => RateLimiter.fixedWindow(redis, 5, 3_600_000, options),
    slidingWindow: (options) => RateLimiter.slidingWindow(redis, 5, 3_600_000, options),
    tokenBucket: (options) => RateLimiter.tokenBucket(redis, 5, 3_600_000, 5, options),
    gcra: (options) => RateLimiter.gcra(redis, 5, 3_600_000, options),
    strictWindow: (options) => RateLimiter.strictWindow(redis, 5, 3_600_000, options),
  };
  for (const [algorithm, limiter] of Object.entries(make)) {
    const limit = limiter({ prefix: name(), failOpen: 30_000 });
    const found = await Promise.all([limit.check("a"), limit.check("a"), limit.check("b")]);
    assert.deepEqual(found.map((one) => one.reason), ["counted", "counted", "counted"], algorithm);
    assert.deepEqual(found.map((one) => one.remaining).sort(), [3, 4, 4], algorithm);
    await twice((id) => limit.refund(id));
    await twice((id) => limit.penalty(id, 2));
  }
});

test("locks, permits and their like are taken twice in one turn", async () => {
  await twice(async (id) => {
    const held = await new Lock(redis, [`${id}:a`, `${id}:b`], { fenced: true }).tryAcquire();
    assert.ok(held.fence > 0);
    assert.ok((await held.extend(20_000)) && (await held.release()));
    const permits = new Semaphore(redis, id, 1);
    const permit = await permits.tryAcquire();
    assert.ok(await permit.extend(20_000));
    assert.equal(await permits.tryAcquire(), null);
    assert.ok(await permit.release());
    assert.equal(await new Throttle(redis, `${id}:t`, { every: 1000 }).allow(), true);
    assert.equal(await new Debounce(redis, `${id}:d`, { wait: 1 }).isLast(), true);
  });
});

test("sessions and idempotent work of two callers in one turn", async () => {
  const sessions = new Sessions(redis, crypto.getRandomValues(new Uint8Array(32)), { namespace: name(), cap: 5 });
  await twice(async (user) => {
    const { token } = await sessions.create(user, { visits: 1 });
    assert.deepEqual(await sessions.update(token, (data) => ({ visits: data.visits + 1 })), { visits: 2 });
    const rotated = await sessions.rotate(token);
    await sessions.create(user, { visits: 0 });
    assert.equal(await sessions.revokeOthers(rotated.token), 1);
    assert.equal((await sessions.list(user)).length, 1);
  });
  const once = new Idempotency(redis, { namespace: name() });
  const answers = await twice((key) => once.run(key, "body", () => ({ paid: true })));
  assert.equal(answers.length, 2);
});

test("jobs are added, taken and settled by two queues in one turn", async () => {
  await twice(async (id) => {
    const queue = new Queue(id.replace(":", "-"), { redis });
    const [job, other] = await Promise.all([queue.add("job", 1), queue.add("job", 2)]);
    const set = await Promise.all([queue.setProgress(job.id, 1), queue.setProgress(other.id, 2), queue.updateData(job.id, 3), queue.log(other.id, "b")]);
    assert.deepEqual(set, [true, true, true, 1]);
    const summary = await queue.consumer().runUntil(20_000, async (taken) => taken.data);
    assert.equal(summary.completed, 2);
    await Promise.all([queue.pause(), queue.clean("completed"), queue.upsertScheduler("hourly", { every: 3_600_000 }, { name: "sum" })]);
    await Promise.all([queue.resume(), queue.removeScheduler("hourly"), queue.drain({ delayed: true })]);
  });
  const flow = new FlowProducer({ redis });
  await twice(async (id) => {
    const queueName = id.replace(":", "-");
    const queue = new Adding(queueName, { redis });
    const jobs = await Promise.all([queue.add("a", {}), queue.add("b", {}), queue.addBulk([{ name: "c", data: {} }])]);
    assert.equal(new Set(jobs.flat().map((job) => job.id)).size, 3);
    await Promise.all([1, 2].map(() => flow.add({ name: "parent", queueName, children: [{ name: "child", queueName }] })));
  });
});
