// Jobs for BullMQ: `Queue` and `FlowProducer`. What a job is sent as says a wasm module; this sends it.

import { json } from "./values.js";

/** How often a request is sent whose answer was lost. */
const TIMES = 4;

/** The data of a job as they are sent: JSON, as BullMQ writes it. */
function dataOf(data) {
  if (typeof data === "number" && !Number.isFinite(data)) throw new TypeError(`Queue: the data is ${data}, which JSON writes as null`);
  return data === undefined ? "{}" : json("Queue: the data", data);
}

/** Refuses what JSON would drop or write as null: the option would count as left out. */
function keepsAll(opts, path) {
  for (const [name, value] of Object.entries(opts)) {
    const option = `the option ${path}${name} of a job`;
    const type = typeof value;
    if (type === "number" && !Number.isFinite(value)) throw new TypeError(`${option} is ${value}, not a finite number: leave it out, or give it another value`);
    if (type === "bigint" || type === "function" || type === "symbol") throw new TypeError(`${option} is a ${type}, which has no JSON form: give it another value`);
    if (type === "object" && value !== null && path === "") keepsAll(value, `${name}.`);
  }
}

/** The options of a job, over those of all jobs. */
function optionsOf(opts, defaults) {
  for (const given of [defaults, opts]) {
    if (given === undefined || given === null) continue;
    if (typeof given !== "object" || Array.isArray(given)) throw new TypeError("Queue: the options of a job are an object, { name: value }");
    keepsAll(given, "");
  }
  return { ...defaults, ...opts };
}

/** A prefix. Anything else would silently be the default, or another in one of the two modules. */
function prefixOf(what, prefix = "bull") {
  if (typeof prefix === "string") return prefix;
  throw new TypeError(`${what}: the prefix is not text`);
}

/** The ids that a script returns, or why it added nothing. */
function added(ids) {
  if (ids[0] !== "") return ids;
  throw new TypeError(
    String(ids[2]) === "-7"
      ? "a job with this id is there already and has another parent, so nothing was added: give the new one another id"
      : "the job's parent is gone, so nothing was added",
  );
}

/** The classes over a module: `begin` waits for it, `plan` says what is sent, `script` gives the text of a script. */
export function classes({ begin, plan, script }) {
  const scripts = new WeakMap();

  /** The script of a client, which knows its hash. */
  function scriptOf(redis, name) {
    const known = scripts.get(redis) ?? {};
    scripts.set(redis, known);
    return (known[name] ??= redis.createScript(script(name)));
  }

  /** What is planned for a request. A mistake in it is a TypeError. */
  function planned(name, request) {
    try {
      return JSON.parse(plan(name, JSON.stringify({ ...request, now: Date.now() })));
    } catch (words) {
      throw typeof words === "string" ? new TypeError(words) : words;
    }
  }

  async function send(redis, name, request) {
    await begin();
    const { keys, args, ids } = planned(name, request);
    if (ids.length === 0) return [];
    // The ids are made here, so that sent again it is the same job.
    for (let sent = 1; ; sent += 1) {
      try {
        const found = await scriptOf(redis, name).exec(keys, args);
        return added(typeof found === "string" ? JSON.parse(found) : found);
      } catch (error) {
        if (!error?.ambiguous || sent === TIMES) throw error;
        await new Promise((resolve) => setTimeout(resolve, 200 * sent));
      }
    }
  }

  class Queue {
    #redis;
    #prefix;
    #options;

    constructor(name, { redis, prefix, defaultJobOptions } = {}) {
      if (redis === undefined) throw new TypeError("Queue: give it a client, { redis }");
      this.name = name;
      this.#redis = redis;
      this.#prefix = prefixOf("Queue", prefix);
      this.#options = defaultJobOptions;
    }

    #job({ name, data, opts }) {
      return { name, data: dataOf(data), opts: optionsOf(opts, this.#options) };
    }

    async add(name, data, opts) {
      const [job] = await this.addBulk([{ name, data, opts }]);
      return job;
    }

    async addBulk(jobs) {
      const sent = jobs.map((job) => this.#job(job));
      const request = { queue: this.name, prefix: this.#prefix, jobs: sent };
      const ids = await send(this.#redis, "add", request);
      return jobs.map(({ name, data }, place) => ({ id: ids[place], name, data }));
    }
  }

  class FlowProducer {
    #redis;
    #prefix;

    constructor({ redis, prefix } = {}) {
      if (redis === undefined) throw new TypeError("FlowProducer: give it a client, { redis }");
      this.#redis = redis;
      this.#prefix = prefixOf("FlowProducer", prefix);
    }

    async add(tree) {
      const node = ({ data, opts, prefix, children, ...rest }) => {
        if (children !== undefined && children !== null && !Array.isArray(children)) throw new TypeError("FlowProducer: the children of a job are not an array");
        return {
          ...rest,
          prefix: prefixOf("FlowProducer", prefix ?? this.#prefix),
          data: dataOf(data),
          opts: optionsOf(opts),
          children: children?.map(node),
        };
      };
      const ids = await send(this.#redis, "flow", { prefix: this.#prefix, tree: node(tree) });
      let next = 0;
      // Parents come before their children.
      const told = ({ name, data, queueName, children }) => {
        const job = { id: ids[next++], name, data, queueName };
        return { job, ...(children ? { children: children.map(told) } : {}) };
      };
      return told(tree);
    }
  }

  return { Queue, FlowProducer };
}
