// The queue of restis/helpers: what is in it, and taking its jobs without a connection, with BullMQ as the other side.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Redis as Alone } from "restis";
import { FlowProducer, Queue, Redis, UnrecoverableError } from "restis/helpers";
import { Queue as Light } from "restis/queue";
import { rejection, token, url } from "./support.mjs";

const redis = new Redis({ url, token });
const queue = (options) => new Queue(`consumer-${crypto.randomUUID()}`, { redis, ...options });

/** Takes the queue away. */
async function ended(jobs) {
  await jobs.pause();
  await jobs.obliterate({ force: true });
}

test("jobs are taken in batches, and what a handler gives or throws is what becomes of them", async () => {
  const jobs = queue({ defaultJobOptions: { attempts: 1 } });
  const added = await jobs.addBulk(Array.from({ length: 25 }, (_, n) => ({ name: "n", data: { n } })));
  const seen = [];
  const summary = await jobs.consumer({ batchSize: 10 }).runUntil(10_000, async (job) => {
    seen.push(job.data.n);
    assert.equal(job.name, "n");
    if (job.data.n === 3) throw new Error("no threes");
    return { twice: job.data.n * 2 };
  });
  assert.deepEqual(seen.sort((a, b) => a - b), Array.from({ length: 25 }, (_, n) => n));
  assert.deepEqual([summary.completed, summary.failed, summary.stopped], [24, 1, "drained"]);
  assert.deepEqual(await jobs.counts(), {
    waiting: 0, paused: 0, prioritized: 0, delayed: 0, waitingChildren: 0, active: 0, completed: 24, failed: 1,
  });
  const done = await jobs.job(added[5].id);
  assert.deepEqual([done.data, done.returnvalue, done.attemptsMade, done.failedReason], [{ n: 5 }, { twice: 10 }, 1, null]);
  assert.ok(done.finishedOn >= done.processedOn && done.processedOn >= done.timestamp);
  assert.equal((await jobs.job(added[3].id)).failedReason, "no threes");
  assert.equal(await jobs.state(added[3].id), "failed");
  assert.equal((await jobs.jobs("completed", 0, 5)).length, 5);
  await ended(jobs);
});

test("attempts, failures for good, and jobs that wait for what they come to", async () => {
  const jobs = queue();
  const again = await jobs.add("again", {}, { attempts: 2 });
  const never = await jobs.add("never", {}, { attempts: 5 });
  let runs = 0;
  await jobs.consumer().runUntil(10_000, (job) => {
    runs += 1;
    if (job.name === "never") throw new UnrecoverableError("for good");
    if (job.attemptsMade === 0) throw new Error("once more");
    return "second";
  });
  assert.equal(runs, 3);
  assert.deepEqual(await jobs.waitFinished(again.id, 1000), { status: "completed", value: "second" });
  assert.deepEqual(await jobs.waitFinished(never.id, 1000), { status: "failed", reason: "for good" });
  assert.equal(await jobs.retry("failed", never.id), 1);
  const waiting = jobs.waitFinished(never.id, 20_000);
  await jobs.consumer().runUntil(10_000, async () => "now");
  assert.deepEqual(await waiting, { status: "completed", value: "now" });
  const idle = await jobs.add("idle");
  assert.equal(await jobs.waitFinished(idle.id, 10), null);
  await ended(jobs);
});

test("administration: progress, logs, data, pause, promotion, removal, cleaning", async () => {
  const jobs = queue();
  const { id } = await jobs.add("a", { n: 1 }, { delay: 60_000 });
  assert.equal(await jobs.state(id), "delayed");
  assert.equal(await jobs.setProgress(id, { half: true }), true);
  assert.equal(await jobs.updateData(id, { n: 2 }), true);
  assert.equal(await jobs.setProgress("none", 1), false);
  assert.equal(await jobs.log(id, "first"), 1);
  assert.equal(await jobs.log(id, "second", { keep: 1 }), 1);
  assert.deepEqual(await jobs.logs(id), ["second"]);
  const job = await jobs.job(id);
  assert.deepEqual([job.data, job.progress, job.opts.delay], [{ n: 2 }, { half: true }, 60_000]);
  assert.equal(await jobs.job("none"), null);
  assert.equal(await jobs.state("none"), null);
  assert.equal(await jobs.promote(id), 1);
  assert.equal(await jobs.state(id), "waiting");
  await jobs.pause();
  assert.equal(await jobs.isPaused(), true);
  const summary = await jobs.consumer().runUntil(1500, () => assert.fail("the queue is paused"));
  assert.deepEqual([summary.completed, summary.stopped], [0, "paused"]);
  await jobs.resume();
  assert.equal(await jobs.isPaused(), false);
  assert.equal(await jobs.remove(id, "none"), 1);
  await jobs.addBulk([{ name: "b" }, { name: "c", opts: { delay: 60_000 } }]);
  assert.equal(await jobs.drain(), 1);
  assert.equal(await jobs.drain({ delayed: true }), 1);
  await jobs.add("d");
  await jobs.consumer().runUntil(5000, () => 1);
  assert.equal((await jobs.clean("completed")).length, 1);
  await assert.rejects(jobs.obliterate(), /paused before it is obliterated/);
  assert.deepEqual(await jobs.consumer().sweep(), []);
  await ended(jobs);
});

test("schedulers, trees, and the light queue beside", async () => {
  const jobs = queue();
  const next = await jobs.upsertScheduler("hourly", { every: 3_600_000, limit: 10 }, { name: "tick", data: { a: 1 }, opts: { attempts: 3, backoff: { type: "fixed", delay: 5 } } });
  assert.match(next, /^repeat:hourly:/);
  const [scheduler] = await jobs.schedulers();
  assert.deepEqual([scheduler.id, scheduler.name], ["hourly", "tick"]);
  assert.ok(scheduler.next > 0);
  assert.equal(await jobs.removeScheduler("hourly"), true);
  assert.equal(await jobs.removeScheduler("hourly"), false);
  assert.ok((await rejection(jobs.upsertScheduler("x", { cron: "* * * * *" }, { name: "n" }))).message.includes("there is no option cron"));

  await new FlowProducer({ redis }).add({ name: "parent", queueName: jobs.name, children: [{ name: "child", queueName: jobs.name, data: 1 }] });
  await new Light(jobs.name, { redis: new Alone({ url, token }) }).add("light", { from: "the light queue" });
  const order = [];
  await jobs.consumer({ batchSize: 1 }).runUntil(10_000, (job) => void order.push(job.name));
  assert.deepEqual(order.sort(), ["child", "light", "parent"]);
  await ended(jobs);
});

test("mistakes are refused at once", async () => {
  const jobs = queue();
  await assert.rejects(jobs.jobs("done"), /a state is one of waiting/);
  await assert.rejects(jobs.consumer().runUntil(1000), /the handler is not a function/);
  assert.throws(() => jobs.consumer({ batch: 5 }), /there is no option batch/);
  assert.throws(() => new Queue("q", {}), TypeError);
  const { id } = await jobs.add("a");
  const cycle = {};
  cycle.cycle = cycle;
  await jobs.consumer().runUntil(5000, () => cycle);
  assert.match((await jobs.job(id)).failedReason, /cannot be written as JSON/);
  await ended(jobs);
});

/** What settles when `signal` is aborted, with its reason. */
const aborted = (signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

test("a handler's signal is aborted when the time is over, and its job is given back", async () => {
  const jobs = queue();
  const added = await jobs.addBulk(["reason", "timers", "value", "error"].map((name) => ({ name, opts: { attempts: 3 } })));
  const seen = [];
  const summary = await jobs.consumer({ margin: 800 }).runUntil(2000, async (job, { signal }) => {
    assert.equal(signal.aborted, false);
    try {
      await aborted(signal);
    } catch (reason) {
      seen.push(reason.name);
      if (job.name === "reason") throw reason;
      if (job.name === "timers") throw Object.assign(new Error("stopped", { cause: reason }), { name: "AbortError" });
      if (job.name === "value") return "in time";
      throw new Error("its own");
    }
  });
  assert.deepEqual(seen, Array(4).fill("AbortError"));
  const { completed, failed, released, lost, running, stopped, retryAfter } = summary;
  assert.deepEqual({ completed, failed, released, lost, running, stopped, retryAfter }, { completed: 1, failed: 1, released: 2, lost: 0, running: 0, stopped: "time", retryAfter: null });
  for (const [place, attempts] of [[0, 0], [1, 0], [3, 1]]) {
    const job = await jobs.job(added[place].id);
    assert.deepEqual([await jobs.state(job.id), job.attemptsMade], ["waiting", attempts], job.name);
  }
  assert.equal(await jobs.state(added[2].id), "completed");
  await ended(jobs);
});

test("a job whose handler ignores the signal does not run a second time beside it", async () => {
  const jobs = queue();
  const { id } = await jobs.add("deaf");
  let [running, most] = [0, 0];
  let end;
  const work = async () => {
    most = Math.max(most, (running += 1));
    await new Promise((resolve) => (end = resolve));
    running -= 1;
  };
  const summary = await jobs.consumer({ margin: 300 }).runUntil(1000, work);
  assert.deepEqual([summary.running, summary.released, summary.stopped], [1, 0, "time"]);
  // Whoever comes now finds nothing.
  assert.equal(await jobs.state(id), "active");
  const second = await jobs.consumer().runUntil(5000, work);
  assert.deepEqual([second.completed, second.stopped, most], [0, "drained", 1]);
  end();
  await ended(jobs);
});

test("a handler's signal is aborted when its lock is lost", async () => {
  const jobs = queue();
  const { id } = await jobs.add("lost");
  let why;
  const summary = await jobs.consumer({ lock: 300 }).runUntil(60_000, async (job, { signal }) => {
    await redis.set(`bull:${jobs.name}:${id}:lock`, "another");
    why = await aborted(signal).catch((reason) => reason);
  });
  assert.deepEqual([summary.lost, summary.completed, summary.stopped], [1, 0, "drained"]);
  assert.match(why.message, /the job's lock is lost/);
  await ended(jobs);
});

test("a run reports why it stopped", async () => {
  const jobs = queue();
  await jobs.addBulk([{ name: "a" }, { name: "b" }, { name: "c" }, { name: "d", opts: { delay: 600_000 } }]);
  const limited = await jobs.consumer({ limit: { max: 2, duration: 600_000 } }).runUntil(60_000, () => 1);
  assert.deepEqual([limited.completed, limited.stopped], [2, "limited"]);
  assert.ok(limited.retryAfter > 0 && limited.retryAfter <= 600_000);
  await redis.del(`bull:${jobs.name}:limiter`);
  const meta = `bull:${jobs.name}:meta`;
  await redis.hset(meta, { concurrency: 0 });
  assert.equal((await jobs.consumer().runUntil(60_000, () => 1)).stopped, "maxed");
  await redis.hdel(meta, "concurrency");
  const drained = await jobs.consumer().runUntil(60_000, () => 1);
  assert.deepEqual([drained.completed, drained.stopped, drained.retryAfter], [1, "drained", null]);
  assert.ok(drained.nextDelayed > Date.now());
  assert.equal((await jobs.consumer().runUntil(10, () => 1)).stopped, "time");
  await ended(jobs);
});

test("a failed job keeps the stacks of its errors, as many as its limit", async () => {
  const jobs = queue();
  const [all, last, none] = await jobs.addBulk([{}, { stackTraceLimit: 1 }, { stackTraceLimit: 0 }].map((opts) => ({ name: "a", opts: { attempts: 2, ...opts } })));
  await jobs.consumer().runUntil(60_000, (job) => {
    throw new RangeError(`attempt ${job.attemptsMade}`);
  });
  const stacks = async ({ id }) => (await jobs.job(id)).stacktrace;
  const found = await stacks(all);
  assert.equal(found.length, 2);
  assert.match(found[0], /^RangeError: attempt 0\n +at .*consumer\.test\.mjs/);
  assert.match((await stacks(last))[0], /^RangeError: attempt 1\n +at/);
  assert.deepEqual([(await stacks(last)).length, await stacks(none)], [1, []]);
  assert.equal((await jobs.job(all.id)).failedReason, "attempt 1");
  await ended(jobs);
});

test("one job whose texts are not JSON leaves the others of its page readable", async () => {
  const jobs = queue();
  const added = await jobs.addBulk([{ name: "a", data: 1 }, { name: "b", data: 2 }, { name: "c", data: 3 }]);
  await redis.hset(`bull:${jobs.name}:${added[1].id}`, { data: "{half", opts: "none", progress: "50 %" });
  const page = await jobs.jobs("waiting");
  assert.deepEqual(page.map((job) => job.data), [1, "{half", 3]);
  assert.deepEqual([page[1].opts, page[1].progress], [{}, "50 %"]);
  assert.equal((await jobs.job(added[1].id)).data, "{half");
  const summary = await jobs.consumer().runUntil(60_000, () => "done");
  assert.deepEqual([summary.completed, summary.failed], [2, 1]);
  assert.match((await jobs.job(added[1].id)).failedReason, /the job's data is not JSON/);
  await ended(jobs);
});

test("a log takes text, and no object", async () => {
  const jobs = queue();
  const { id } = await jobs.add("a");
  for (const line of [{ a: 1 }, ["a"], null, undefined, true]) await assert.rejects(jobs.log(id, line), /the line is neither text nor a number/);
  assert.equal(await jobs.log(id, "text"), 1);
  assert.equal(await jobs.log(id, 5), 2);
  assert.deepEqual(await jobs.logs(id), ["text", "5"]);
  await ended(jobs);
});

test("draining passes by the next jobs of schedulers", async () => {
  const jobs = queue();
  await jobs.upsertScheduler("hourly", { every: 3_600_000, startDate: Date.now() + 3_600_000 }, { name: "tick" });
  await jobs.addBulk(Array.from({ length: 700 }, () => ({ name: "later", opts: { delay: 7_200_000 } })));
  assert.equal(await jobs.drain({ delayed: true }), 700);
  assert.equal((await jobs.counts()).delayed, 1);
  assert.deepEqual(await jobs.clean("delayed"), []);
  await ended(jobs);
});

/** What a handler may give that cannot be stored, with what the job's failure names. */
function unstorable() {
  const cycle = {};
  cycle.cycle = cycle;
  const throws = { toJSON: () => { throw new Error("no JSON today"); } };
  return [
    [5n, /cannot be written as JSON/], [{ price: 5n }, /cannot be written as JSON/], [cycle, /cannot be written as JSON/], [throws, /cannot be written as JSON/],
    [() => 1, /is a function/], [Symbol("s"), /is a symbol/], [NaN, /NaN, which JSON writes as null/], [-Infinity, /which JSON writes as null/],
    [new Map([[1, 2]]), /of the class Map/], [{ deep: [new Set()] }, /deep\[0\] is of the class Set/], [{ late: Promise.resolve(1) }, /late is a promise/],
    ["x".repeat(11_000_000), /larger than a request/], ["\u0000".repeat(2_000_000), /larger than a request/],
  ];
}

test("a result that cannot be stored fails its own job for good, and the others of the batch complete", async () => {
  for (const [value, reason] of unstorable()) {
    const jobs = queue({ defaultJobOptions: { attempts: 5, backoff: 1 } });
    const added = await jobs.addBulk(Array.from({ length: 10 }, (_, n) => ({ name: "n", data: n })));
    const runs = Array(10).fill(0);
    const summary = await jobs.consumer({ batchSize: 10 }).runUntil(60_000, ({ data }) => {
      runs[data] += 1;
      return data === 4 ? value : data;
    });
    const words = String(reason);
    assert.deepEqual([summary.completed, summary.failed, summary.lost, summary.stopped], [9, 1, 0, "drained"], words);
    // The work was done: another attempt would do it a second time.
    assert.deepEqual(runs, Array(10).fill(1), words);
    assert.equal(await jobs.state(added[4].id), "failed", words);
    const { completed, failed, active } = await jobs.counts();
    assert.deepEqual([completed, failed, active], [9, 1, 0], words);
    const failure = await jobs.job(added[4].id);
    assert.match(failure.failedReason, reason);
    assert.ok(failure.failedReason.length < 500, words);
    assert.equal(failure.stacktrace.length, 1);
    await ended(jobs);
  }
});

test("results that are too large together are stored in parts", async () => {
  const jobs = queue();
  const added = await jobs.addBulk(Array.from({ length: 10 }, (_, n) => ({ name: "n", data: n })));
  let runs = 0;
  const summary = await jobs.consumer({ batchSize: 10 }).runUntil(60_000, ({ data }) => {
    runs += 1;
    return String(data).repeat(1_100_000);
  });
  assert.deepEqual([summary.completed, summary.failed, summary.lost, runs], [10, 0, 0, 10]);
  for (const [n, { id }] of added.entries()) assert.ok((await jobs.job(id)).returnvalue === String(n).repeat(1_100_000));
  await ended(jobs);
});

test("results that JSON keeps are stored, odd ones too", async () => {
  let deep = 1;
  for (let n = 0; n < 900; n += 1) deep = [deep];
  const values = [undefined, null, "", "\ud800", "\u0000", 1e300, -0.5, false, deep, { toJSON: () => "own" }, new Date(0)];
  const jobs = queue();
  const added = await jobs.addBulk(values.map((_, n) => ({ name: "n", data: n })));
  const summary = await jobs.consumer({ batchSize: 50 }).runUntil(60_000, ({ data }) => values[data]);
  assert.deepEqual([summary.completed, summary.failed], [values.length, 0]);
  for (const [n, { id }] of added.entries()) {
    assert.deepEqual((await jobs.job(id)).returnvalue, JSON.parse(JSON.stringify(values[n] ?? null)));
  }
  await ended(jobs);
});

test("whatever a handler throws is a failure, also what is no error", async () => {
  const thrown = ["text", 5, null, undefined, Symbol("s"), Object.create(null), { message: { a: 1 } }, new Error(""), new Error("x".repeat(11_000_000)), Object.assign(new Error("odd"), { stack: 5 })];
  const jobs = queue();
  const added = await jobs.addBulk([...thrown, "right"].map((_, n) => ({ name: "n", data: n })));
  const summary = await jobs.consumer({ batchSize: 50 }).runUntil(60_000, ({ data }) => {
    if (data < thrown.length) throw thrown[data];
  });
  assert.deepEqual([summary.completed, summary.failed, summary.lost, summary.stopped], [1, thrown.length, 0, "drained"]);
  for (const { id } of added.slice(0, -1)) {
    assert.equal(await jobs.state(id), "failed");
    const { failedReason } = await jobs.job(id);
    assert.ok(typeof failedReason === "string" && failedReason.length < 70_000);
  }
  assert.equal((await jobs.job(added[0].id)).failedReason, "text");
  await ended(jobs);
});

test("options of a consumer and of a scheduler that have no meaning are refused by their names", async () => {
  const jobs = queue();
  for (const [options, words] of [
    [{ batchSize: 0 }, /batchSize is not a whole number from 1 on/], [{ lock: 0 }, /lock is 0/], [{ limit: null }, /limit is not an object/],
    [{ limit: {} }, /limit needs both/], [{ limit: { max: 1 } }, /limit needs both/], [{ limit: { duration: 1 } }, /limit needs both/],
    [{ limit: { max: 0, duration: 1 } }, /max is not a whole number from 1 on/], [{ limit: { max: 1, duration: 0 } }, /duration is 0/],
    [{ limit: { max: 1, duration: NaN } }, /duration is not/], [{ limit: { max: Infinity, duration: 1 } }, /max is not/], [{ limit: { max: 1, time: 1 } }, /no option time/],
  ]) assert.throws(() => jobs.consumer(options), words);
  for (const [opts, words] of [
    ...[NaN, Infinity, -1, null, "5", 1.5, 2 ** 32 + 2].flatMap((value) => [[{ attempts: value }, /attempts is not/], [{ priority: value }, /priority is not/]]),
    [{ priority: 2_097_152 }, /a priority is 0 to/], [{ backoff: 5 }, /backoff is not an object/], [{ backoff: { type: "odd", delay: 5 } }, /type of a backoff/],
    [{ backoff: { delay: 5 } }, /type of a backoff/], [{ backoff: { type: "fixed" } }, /delay of a backoff/], [{ backoff: { type: "fixed", delay: 5, jitter: 1 } }, /no option jitter/],
    ...[NaN, -1, null, "5"].map((delay) => [{ backoff: { type: "fixed", delay } }, /delay/]), [{ delay: 5 }, /no option delay/],
  ]) assert.match((await rejection(jobs.upsertScheduler("s", { every: 1000 }, { opts }))).message, words);
  for (const every of [NaN, -1, 0, null, "5"]) assert.match((await rejection(jobs.upsertScheduler("s", { every }))).message, /every is/);
  assert.deepEqual(await redis.keys(`bull:${jobs.name}:*`), []);
});

test("a tree below a prefix with colons is removed whole, and nothing of other queues", async () => {
  for (const prefix of ["shop:bull", "a:b:c", "{shop}:x"]) {
    const own = `${prefix}-${crypto.randomUUID()}`;
    const jobs = new Queue("albums", { redis, prefix: own });
    const photos = new Queue("photos", { redis, prefix: own });
    const other = await photos.add("other");
    const flows = new FlowProducer({ redis, prefix: own });
    const child = (name, children) => ({ name, queueName: "photos", children });
    const { job } = await flows.add({ name: "root", queueName: "albums", children: [child("a", [child("b")]), child("c")] });
    assert.deepEqual([(await jobs.counts()).waitingChildren, (await photos.counts()).waiting, (await photos.counts()).waitingChildren], [1, 3, 1]);
    assert.equal(await jobs.remove(job.id), 4);
    const page = await photos.jobs("waiting");
    assert.deepEqual(page.map(({ id }) => id), [other.id]);
    assert.deepEqual([(await jobs.counts()).waitingChildren, (await photos.counts()).waitingChildren], [0, 0]);
    const names = await redis.keys(`${own}:*`);
    assert.deepEqual(names.filter((key) => !/:(meta|events|marker|id|wait|pc)$/.test(key)), [`${own}:photos:${other.id}`]);
    const done = [];
    await photos.consumer().runUntil(60_000, ({ id }) => void done.push(id));
    assert.deepEqual(done, [other.id]);
    await ended(jobs);
    await ended(photos);
    assert.deepEqual(await redis.keys(`${own}:*`), []);
  }
});

test("a run that finds a paused queue, no time, or a time that ends while it works reports it", async () => {
  const jobs = queue();
  assert.equal((await jobs.consumer().runUntil(60_000, () => 1)).stopped, "drained");
  await jobs.addBulk([{ name: "a" }, { name: "b" }]);
  await jobs.pause();
  const paused = await jobs.consumer().runUntil(60_000, () => assert.fail("it is paused"));
  assert.deepEqual([paused.completed, paused.stopped, paused.retryAfter], [0, "paused", null]);
  await jobs.resume();
  assert.equal((await jobs.consumer({ margin: 5000 }).runUntil(5000, () => assert.fail("there is no time"))).stopped, "time");
  // It is paused while it works: what it has is settled, and no more is taken.
  const between = await jobs.consumer({ batchSize: 1 }).runUntil(60_000, () => jobs.pause());
  assert.deepEqual([between.completed, between.stopped], [1, "paused"]);
  await ended(jobs);
});
