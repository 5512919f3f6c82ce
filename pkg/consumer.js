// The whole queue: adding as in jobs.js, what is in it, and taking its jobs, over the module of the helpers.

import { init } from "./engine.js";
import { ConfigError, fromEngine } from "./errors.js";
import { aboveZero, checked, Helper, json, Lazy, millis, text, whole } from "./helper.js";
import { classes } from "./jobs.js";
import * as wasm from "./wasm/helpers.js";

const { Queue: Adding, FlowProducer } = classes({ begin: init, plan: (...args) => wasm.queueRequest(...args), script: (name) => wasm.queueScript(name) });
export { FlowProducer };

/** A failure that no attempt mends: BullMQ's word for it. */
export class UnrecoverableError extends Error {}
Object.defineProperty(UnrecoverableError.prototype, "name", { value: "UnrecoverableError", configurable: true, writable: true });

/** A text as its value; one that is not JSON stays text, so that a job that another program has broken can be looked at. */
function value(written) {
  try {
    return JSON.parse(written);
  } catch {
    return written;
  }
}

/** A job with its texts as values. */
const asJob = ({ data, opts, progress, returnvalue, ...job }) => ({
  ...job, data: value(data), opts: JSON.parse(opts) ?? {},
  progress: progress === null ? 0 : value(progress), returnvalue: returnvalue === null ? null : value(returnvalue),
});

/** Why the signal of a handler is aborted. */
const ABORTS = {
  time: "the time of runUntil is over: stop, and the job is given back",
  lost: "the job's lock is lost: another consumer may work on it",
};

/** What the module is told of a job that has failed. */
const failure = (error) => ({
  failed: String(error?.message ?? error), stack: typeof error?.stack === "string" ? error.stack : "",
  forGood: error?.name === "UnrecoverableError",
});

/** The handler as the module calls it, and what aborts the signal of one job. */
function cancelable(work) {
  const controllers = new Map();
  return {
    async run(raw) {
      const controller = new AbortController();
      const { signal } = controller;
      controllers.set(raw.id, controller);
      try {
        const job = asJob(raw);
        if (typeof job.data === "string" && job.data === raw.data) throw new UnrecoverableError("the job's data is not JSON");
        const value = await work(job, { signal });
        try {
          return { json: json("the handler's value", value) };
        } catch (error) {
          // Its work is done. Another attempt would do it a second time.
          return { ...failure(error), forGood: true };
        }
      } catch (error) {
        // A handler that stops since it was told to has not failed.
        const isStopped = signal.aborted && (error === signal.reason || error?.name === "AbortError");
        return isStopped ? { stopped: true } : failure(error);
      } finally {
        if (controllers.get(raw.id) === controller) controllers.delete(raw.id);
      }
    },
    stop(id, why) {
      controllers.get(id)?.abort(new DOMException(ABORTS[why], "AbortError"));
    },
  };
}

const STATES = ["waiting", "paused", "prioritized", "delayed", "waiting-children", "active", "completed", "failed"];

function stateName(state) {
  if (STATES.includes(state)) return state;
  throw new TypeError(`Queue: a state is one of ${STATES.join(", ")}`);
}

/** A date as milliseconds since 1970. */
function date(name, value) {
  const time = value instanceof Date || typeof value === "string" ? new Date(value).getTime() : value;
  if (Number.isSafeInteger(time) && time >= 0) return time;
  throw new ConfigError(`Queue: ${name} of a scheduler is a Date, an ISO text or milliseconds since 1970`);
}

/** When the jobs of a scheduler are due, checked as BullMQ does. */
function repetition(repeat) {
  const { startDate, endDate, ...given } = checked("Queue: the repetition", repeat, {
    every: "ms", pattern: "text", tz: "text", limit: "count", startDate: "date", endDate: "date", offset: "ms", immediately: "flag", hashSeed: "text",
  });
  if ((given.pattern === undefined) === (given.every === undefined)) {
    throw new ConfigError("Queue: a scheduler has either { pattern }, a cron pattern, or { every }, an interval in milliseconds");
  }
  if (given.every !== undefined && !(given.every >= 1)) throw new ConfigError("Queue: every is at least 1 millisecond");
  const dates = Object.entries({ startDate, endDate }).filter(([, value]) => value !== undefined && value !== null);
  return { ...given, ...Object.fromEntries(dates.map(([name, value]) => [name, date(name, value)])) };
}

/** How long the jobs of a scheduler wait after a failure. */
function delaysOf({ type, delay }) {
  if (type !== "fixed" && type !== "exponential") throw new ConfigError("Queue: the type of a backoff is fixed or exponential");
  return { [`${type}Backoff`]: millis("Queue: the delay of a backoff", delay) };
}

export class Queue extends Adding {
  #helper;

  constructor(name, options) {
    super(name, options);
    const { redis, prefix = "bull" } = options;
    this.#helper = new Helper("Queue", redis, (client) => new wasm.Queue(client, text("Queue: the name", name), text("Queue: the prefix", prefix)));
  }

  #id(id) {
    return text("Queue: the id", id);
  }

  #ids(ids) {
    return ids.flat().map((id) => this.#id(id));
  }

  async counts() {
    return this.#helper.call("counts");
  }

  async job(id) {
    const job = await this.#helper.call("job", this.#id(id));
    return job && asJob(job);
  }

  async jobs(state, start = 0, count = 100) {
    return (await this.#helper.call("jobs", stateName(state), whole("Queue: the start", start), whole("Queue: the count", count))).map(asJob);
  }

  async state(id) {
    return this.#helper.call("state", this.#id(id));
  }

  async setProgress(id, progress) {
    return this.#helper.call("setProgress", this.#id(id), json("Queue: the progress", progress));
  }

  async updateData(id, data) {
    return this.#helper.call("updateData", this.#id(id), json("Queue: the data", data));
  }

  async log(id, line, { keep } = {}) {
    return this.#helper.call("log", this.#id(id), text("Queue: the line", line), keep === undefined ? keep : whole("Queue: keep", keep));
  }

  async logs(id) {
    return this.#helper.call("logs", this.#id(id));
  }

  async pause() {
    await this.#helper.call("pause");
  }

  async resume() {
    await this.#helper.call("resume");
  }

  async isPaused() {
    return this.#helper.call("isPaused");
  }

  async promote(...ids) {
    return this.#helper.call("promote", this.#ids(ids));
  }

  async retry(state, ...ids) {
    return this.#helper.call("retry", stateName(state), this.#ids(ids));
  }

  async remove(...ids) {
    return this.#helper.call("remove", this.#ids(ids));
  }

  async clean(state, { age = 0, most = 1000 } = {}) {
    return this.#helper.call("clean", stateName(state), millis("Queue: the age", age), whole("Queue: the most", most));
  }

  async drain({ delayed = false } = {}) {
    return this.#helper.call("drain", delayed === true);
  }

  async obliterate({ force = false } = {}) {
    await this.#helper.call("obliterate", force === true);
  }

  async waitFinished(id, time) {
    const finished = await this.#helper.call("waitFinished", this.#id(id), millis("Queue: the time", time));
    if (finished === null) return null;
    return finished.json === undefined ? { status: "failed", reason: finished.failed } : { status: "completed", value: JSON.parse(finished.json) };
  }

  async upsertScheduler(id, repeat, { name = id, data, opts = {} } = {}) {
    const given = repetition(repeat);
    const { backoff, ...rest } = checked("Queue: the options of its jobs", opts, { attempts: "small", priority: "small", backoff: "object" });
    const delays = backoff === undefined ? {} : delaysOf(checked("Queue: the backoff", backoff, { type: "text", delay: "ms" }));
    return this.#helper.call("upsertScheduler", this.#id(id), given, text("Queue: the name of its jobs", name), json("Queue: the data", data ?? {}), { ...rest, ...delays });
  }

  async removeScheduler(id) {
    return this.#helper.call("removeScheduler", this.#id(id));
  }

  async schedulers() {
    return (await this.#helper.call("schedulers")).map(({ repeat, ...scheduler }) => ({ ...scheduler, ...JSON.parse(repeat) }));
  }

  static async nextRun(repeat, after = Date.now()) {
    const given = repetition(repeat);
    const from = date("the time", after);
    await init();
    try {
      return wasm.Queue.nextRun(given, from);
    } catch (error) {
      throw fromEngine(error);
    }
  }

  consumer(options) {
    const given = checked("Consumer", options, {
      lock: "ms", name: "text", limit: "object", stalledInterval: "ms", maxStalled: "count", batchSize: "some", margin: "ms",
    });
    const { limit, ...rest } = given;
    aboveZero("Consumer", given, "lock");
    const { max, duration } = aboveZero("Consumer: limit", checked("Consumer: limit", limit, { max: "some", duration: "ms" }), "duration");
    // One alone would be no limit.
    if (limit !== undefined && (max === undefined || duration === undefined)) throw new ConfigError("Consumer: limit needs both max and duration");
    return new Consumer(async () => (await this.#helper.made()).consumer({ ...rest, max, duration }));
  }
}

/** Takes jobs, a batch for each request: `queue.consumer()` gives it. */
export class Consumer {
  #consumer;

  constructor(make) {
    this.#consumer = new Lazy(make);
  }

  async runUntil(time, work) {
    if (typeof work !== "function") throw new TypeError("Consumer: the handler is not a function");
    const { run, stop } = cancelable(work);
    return this.#consumer.call("runUntil", millis("Consumer: the time", time), run, stop);
  }

  async sweep() {
    return this.#consumer.call("sweep");
  }
}
