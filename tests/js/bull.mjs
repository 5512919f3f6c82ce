// Plays BullMQ for tests/processes: each line in is a request, each line out its answer. BULLMQ names the version by the package
// that it is installed as; REDIS says where the server is, over TCP.

import { Redis } from "ioredis";
import { play } from "./play.mjs";

const bull = await import(process.env.BULLMQ);
const { FlowProducer, Queue, QueueEvents, UnrecoverableError, Worker } = bull.default ?? bull;

const [host, port] = process.env.REDIS.split(":");
const connection = { host, port: Number(port), maxRetriesPerRequest: null };
const queues = new Map();
const workers = new Map();
const events = new Map();
let flows;
let redis;

function queue(name) {
  if (!queues.has(name)) queues.set(name, new Queue(name, { connection }));
  return queues.get(name);
}

/** The content of every key that begins with `prefix`, without what differs between two runs. */
async function content(client, prefix) {
  const found = {};
  for (const key of (await client.keys(`${prefix}*`)).sort()) {
    const name = key.slice(prefix.length);
    if (/(^|:)(id|marker|pc|meta|stalled|stalled-check)$/.test(name)) continue;
    const type = await client.type(key);
    if (type === "hash") {
      const { timestamp, processedOn, finishedOn, stacktrace, settled, opts, parent, ...rest } = await client.hgetall(key);
      found[name] = parent ? { ...rest, parent: JSON.parse(parent) } : rest;
    } else if (type === "stream") {
      found[name] = (await client.xrange(key, "-", "+")).map(([, fields]) => fields.join(" "));
    } else if (type === "string") found[name] = [await client.get(key), (await client.pttl(key)) > 0];
    else if (type === "list") found[name] = await client.lrange(key, 0, -1);
    else if (type === "set") found[name] = (await client.smembers(key)).sort();
    else found[name] = await client.zrange(key, 0, -1);
  }
  return found;
}

/** What a job does is in its data. */
async function work(job, worked) {
  const { say = "done", sleep, fail, final, progress, log } = job.data ?? {};
  worked.push({ id: job.id, name: job.name, data: job.data, at: Date.now(), made: job.attemptsMade });
  if (progress !== undefined) await job.updateProgress(progress);
  if (log !== undefined) await job.log(log);
  if (sleep) await new Promise((resolve) => setTimeout(resolve, sleep));
  if (final) throw new UnrecoverableError(final);
  if (fail && job.attemptsMade < (job.data.times ?? Infinity)) throw new Error(fail);
  return say;
}

/** Does something at another time: whatever asks for it sees that. */
async function at(time, act) {
  const { Date: Real } = globalThis;
  if (time === undefined) return act();
  globalThis.Date = class extends Real {
    constructor(...given) {
      super(...(given.length ? given : [time]));
    }
    static now() {
      return time;
    }
  };
  try {
    return await act();
  } finally {
    globalThis.Date = Real;
  }
}

async function told(job) {
  if (!job) return null;
  const { id, name, data, opts, delay, priority, attemptsMade, attemptsStarted, stalledCounter } = job;
  const { returnvalue, failedReason, stacktrace, finishedOn, processedOn, timestamp, progress } = job;
  return {
    id, name, data, opts, delay, priority, attemptsMade, attemptsStarted, stalledCounter,
    returnvalue, failedReason, stacktrace, finishedOn, processedOn, timestamp, progress,
    deferredFailure: job.deferredFailure, repeatJobKey: job.repeatJobKey, parentKey: job.parentKey,
    processedBy: job.processedBy, state: await job.getState(),
  };
}

const plays = {
  async ready({ queue: name }) {
    await queue(name).waitUntilReady();
  },
  async add({ queue: name, name: job, data, opts }) {
    return (await queue(name).add(job, data, opts)).id;
  },
  async bulk({ queue: name, jobs }) {
    return (await queue(name).addBulk(jobs)).map((job) => job.id);
  },
  async flow({ tree }) {
    flows ??= new FlowProducer({ connection });
    return (await flows.add(tree)).job.id;
  },
  /** Begins to work. */
  async work({ queue: name, ...options }) {
    const worked = [];
    const worker = new Worker(name, (job) => work(job, worked), { connection, ...options });
    worker.on("error", () => {});
    workers.set(name, { worker, worked });
    await worker.waitUntilReady();
  },
  async worked({ queue: name }) {
    return workers.get(name)?.worked ?? [];
  },
  async rest({ queue: name }) {
    const { worker } = workers.get(name) ?? {};
    workers.delete(name);
    await worker?.close();
  },
  /** Takes one job and does nothing more, as a process that dies. */
  async take({ queue: name, lockDuration = 30_000 }) {
    const worker = new Worker(name, null, { connection, lockDuration });
    worker.on("error", () => {});
    const job = await worker.getNextJob("somebody", { block: false });
    return job?.id ?? null;
  },
  /** Takes one job, and completes or fails it: `fail` is the reason. */
  async once({ queue: name, value = null, fail, at: time }) {
    const worker = new Worker(name, null, { connection });
    worker.on("error", () => {});
    return at(time, async () => {
      const job = await worker.getNextJob("once", { block: false });
      if (job?.deferredFailure) await job.moveToFailed(new UnrecoverableError(job.deferredFailure), "once", false);
      else if (job && fail === undefined) await job.moveToCompleted(value, "once", false);
      else if (job) await job.moveToFailed(new Error(fail), "once", false);
      return job?.id ?? null;
    });
  },
  async content({ of = "bull:" }) {
    return content((redis ??= new Redis(connection)), of);
  },
  async flush() {
    await (redis ??= new Redis(connection)).flushall();
  },
  async drain({ queue: name, delayed }) {
    await queue(name).drain(delayed);
  },
  async obliterate({ queue: name }) {
    await queue(name).obliterate({ force: true });
  },
  /** Hears what has happened since then: "ready" says nothing of when it begins to read. */
  async listen({ queue: name, from = "0-0" }) {
    const heard = [];
    const listener = new QueueEvents(name, { connection, lastEventId: from });
    await listener.waitUntilReady();
    for (const event of ["added", "waiting", "active", "completed", "failed", "delayed", "drained",
      "duplicated", "deduplicated", "progress", "stalled", "removed", "waiting-children", "retries-exhausted"]) {
      listener.on(event, (args) => heard.push({ event, ...args }));
    }
    events.set(name, { listener, heard });
  },
  async heard({ queue: name }) {
    return events.get(name).heard;
  },
  async job({ queue: name, job }) {
    // What it was at the latest when its state was that.
    const state = await queue(name).getJobState(job);
    const seen = await told(await queue(name).getJob(job));
    return seen && { ...seen, state };
  },
  async jobs({ queue: name, state }) {
    return Promise.all((await queue(name).getJobs([state])).map(told));
  },
  async counts({ queue: name }) {
    return queue(name).getJobCounts();
  },
  async wait({ queue: name, job, ttl = 20_000 }) {
    const { listener } = events.get(name);
    return (await queue(name).getJob(job)).waitUntilFinished(listener, ttl);
  },
  async pause({ queue: name }) {
    await queue(name).pause();
  },
  async resume({ queue: name }) {
    await queue(name).resume();
  },
  async retry({ queue: name, job, state }) {
    await (await queue(name).getJob(job)).retry(state);
  },
  async promote({ queue: name, job }) {
    await (await queue(name).getJob(job)).promote();
  },
  async remove({ queue: name, job }) {
    await (await queue(name).getJob(job)).remove();
  },
  async clean({ queue: name, state, grace = 0, most = 1000 }) {
    return queue(name).clean(grace, most, state);
  },
  async logs({ queue: name, job }) {
    return (await queue(name).getJobLogs(job)).logs;
  },
  async concurrency({ queue: name, jobs }) {
    await queue(name).setGlobalConcurrency(jobs);
  },
  async limit({ queue: name, millis }) {
    await queue(name).rateLimit(millis);
  },
  async children({ queue: name, job }) {
    return (await queue(name).getJob(job)).getDependencies();
  },
  async values({ queue: name, job }) {
    return (await queue(name).getJob(job)).getChildrenValues();
  },
  async schedule({ queue: name, scheduler, repeat, template, at: time }) {
    return at(time, async () => (await queue(name).upsertJobScheduler(scheduler, repeat, template))?.id);
  },
  /** What its own strategy makes of cron patterns: the next slot of each, null where there is none, or "refused". */
  async crons({ cases }) {
    return cases.map(({ pattern, tz, from, startDate, endDate, hashSeed }) => {
      try {
        return bull.getNextMillis(from, { pattern, tz, startDate, endDate, hashSeed }) ?? null;
      } catch {
        return "refused";
      }
    });
  },
  /** When the clocks of a zone change, in milliseconds. */
  async changes({ tz, from, to }) {
    if (/^utc/i.test(tz)) return [];
    const format = new Intl.DateTimeFormat("en-US", { timeZone: tz, timeZoneName: "longOffset" });
    const offset = (time) => format.formatToParts(time).find(({ type }) => type === "timeZoneName").value;
    const week = 7 * 24 * 3_600_000;
    const changes = [];
    for (let time = from; time < to; time += week) {
      let [before, after] = [time, time + week];
      if (offset(before) === offset(after)) continue;
      while (after - before > 1000) {
        const middle = Math.floor((before + after) / 2000) * 1000;
        if (offset(middle) === offset(before)) before = middle;
        else after = middle;
      }
      changes.push(after);
    }
    return changes;
  },
  async schedulers({ queue: name }) {
    return queue(name).getJobSchedulers();
  },
  async unschedule({ queue: name, scheduler }) {
    return queue(name).removeJobScheduler(scheduler);
  },
};

await play(plays);
process.exit(0);
