// restis/helpers: the client, and over it cache, sessions, rate limits, locks and idempotency. What they do is the wasm
// module's; this checks what they are told, and makes values of what they say.

import { connect, init } from "./engine.js";
import { ConfigError, fromEngine, RedisError } from "./errors.js";
import { classes } from "./jobs.js";
import { coreOf, Redis } from "./redis.js";
import * as wasm from "./wasm/helpers.js";

export * from "./index.js";

/** What options may be, and what to say of what they are not. */
const KINDS = {
  ms: [(value) => typeof value === "number" && value >= 0, "a number of milliseconds"],
  number: [(value) => typeof value === "number" && value >= 0, "a number from 0 on"],
  text: [(value) => typeof value === "string", "text"],
  flag: [(value) => typeof value === "boolean", "true or false"],
  texts: [(value) => Array.isArray(value) && value.every((one) => typeof one === "string"), "an array of texts"],
  function: [(value) => typeof value === "function", "a function"],
  object: [(value) => typeof value === "object" && value !== null, "an object"],
};

/** Options as the module takes them; a mistake is a ConfigError that names it. */
function checked(what, options, known) {
  if (options === undefined) return {};
  if (options === null || typeof options !== "object") throw new ConfigError(`${what}: options are an object, { name: value }`);
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(known, name)) throw new ConfigError(`${what}: there is no option ${name}, only ${Object.keys(known).join(", ")}`);
    const [is, kind] = KINDS[known[name]];
    if (value !== undefined && !is(value)) throw new ConfigError(`${what}: ${name} is not ${kind}`);
  }
  return options;
}

/** A name, a key or an id. */
function text(what, value) {
  if (typeof value === "string" || typeof value === "number" || typeof value === "bigint") return String(value);
  throw new TypeError(`${what} is neither text nor a number`);
}

function whole(what, value) {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new TypeError(`${what} is not a whole number from 0 on`);
}

/** A value as JSON; `undefined` is null there. */
function json(what, value) {
  let written;
  try {
    written = JSON.stringify(value ?? null);
  } catch (cause) {
    throw new TypeError(`${what} cannot be written as JSON`, { cause });
  }
  if (written === undefined) throw new TypeError(`${what} has no JSON form`);
  return written;
}

const parsed = (written) => (written === undefined ? undefined : JSON.parse(written));

const clients = new WeakMap();

/** The client of this module: the program's own, or where that is of the other module one of the same settings. */
function clientOf(core) {
  const { settings, client } = core.parts;
  if (client instanceof wasm.Client) return client;
  if (settings.url === undefined) throw new ConfigError("the helpers need a client with URL and token");
  if (!clients.has(core)) {
    try {
      clients.set(core, connect(settings));
    } catch (thrown) {
      throw fromEngine(thrown);
    }
  }
  return clients.get(core);
}

/** What holds an object of the module, made by the first call: in a browser the module may not be there yet. */
class Helper {
  #redis;
  #make;
  #made;

  constructor(what, redis, make) {
    if (!(redis instanceof Redis)) throw new ConfigError(`${what}: the first argument is a client of this package`);
    this.#redis = redis;
    this.#make = make;
  }

  async made() {
    if (this.#made === undefined) {
      await init();
      this.#made ??= this.#make(clientOf(coreOf(this.#redis)));
    }
    return this.#made;
  }

  /** Calls a method of it. */
  async call(name, ...args) {
    const made = await this.made();
    return settled(made[name](...args));
  }
}

/** What a promise of the module comes to. */
async function settled(promise) {
  try {
    return await promise;
  } catch (thrown) {
    throw fromEngine(thrown);
  }
}

/** A lease was lost while work went on: somebody else may be at it. The work was not stopped, only its signal aborted. */
export class LostError extends RedisError {}
Object.defineProperty(LostError.prototype, "name", { value: "LostError", configurable: true, writable: true });
Object.defineProperty(LostError.prototype, "kind", { value: "lost", configurable: true, writable: true });

const lost = (what, reason) =>
  new LostError(`${what}: the lease was lost while the work went on; nothing keeps others from it`, reason ? { cause: new Error(reason) } : {});

/** A lock or permit that is held. */
class Leased {
  #inner;
  #lease;
  #what;

  constructor(what, inner, lease) {
    this.#what = what;
    this.#inner = inner;
    this.#lease = lease;
    const fence = inner.fence?.();
    if (fence !== undefined) this.fence = fence;
  }

  /** For how many milliseconds it is held for sure. */
  validFor() {
    return this.#inner.validFor();
  }

  async extend(lease = this.#lease) {
    return settled(this.#inner.extend(whole("the lease", lease)));
  }

  async release() {
    return settled(this.#inner.release());
  }

  async run(work) {
    const controller = new AbortController();
    const { fence } = this;
    const begun = (async () => work({ signal: controller.signal, ...(fence === undefined ? {} : { fence }) }))();
    const done = await settled(this.#inner.run(begun));
    if ("value" in done) return done.value;
    const error = lost(this.#what, done.lost);
    controller.abort(error);
    throw error;
  }
}

/** What locks and semaphores do alike. */
class Acquired {
  #helper;
  #what;
  #lease;

  constructor(what, helper, lease) {
    this.#what = what;
    this.#helper = helper;
    this.#lease = lease;
  }

  #leased(inner) {
    return typeof inner === "object" ? new Leased(this.#what, inner, this.#lease) : null;
  }

  async tryAcquire() {
    return this.#leased(await this.#helper.call("tryAcquire"));
  }

  async acquire() {
    return this.#leased(await this.#helper.call("acquire"));
  }

  async run(work) {
    const held = await this.acquire();
    if (held === null) return { acquired: false };
    try {
      return { acquired: true, value: await held.run(work) };
    } finally {
      // If that fails, the lease ends it.
      await held.release().catch(() => {});
    }
  }

  helper() {
    return this.#helper;
  }
}

const LEASE = { lease: "ms", wait: "ms" };
/** What the crate's leases are. */
const DEFAULT_LEASE = 10_000;

export class Lock extends Acquired {
  constructor(redis, names, options) {
    const given = checked("Lock", options, { ...LEASE, fenced: "flag" });
    const all = (Array.isArray(names) ? names : [names]).map((name) => text("Lock: a name", name));
    if (all.length === 0) throw new TypeError("Lock: there is no name");
    super("Lock", new Helper("Lock", redis, (client) => new wasm.Lock(client, all, given)), given.lease ?? DEFAULT_LEASE);
  }

  async isHeld() {
    return this.helper().call("isHeld");
  }
}

export class Semaphore extends Acquired {
  #redis;
  #given;

  constructor(redis, name, permits, options, each) {
    const given = checked("Semaphore", options, LEASE);
    const [named, most] = [text("Semaphore: the name", name), whole("Semaphore: permits", permits)];
    const make = (client) => {
      const all = new wasm.Semaphore(client, named, most, given);
      return each === undefined ? all : all.forEach(each);
    };
    super("Semaphore", new Helper("Semaphore", redis, make), given.lease ?? DEFAULT_LEASE);
    this.#redis = redis;
    this.#given = [named, most, given];
  }

  /** As many permits for each id. */
  forEach(id) {
    return new Semaphore(this.#redis, ...this.#given, text("Semaphore: the id", id));
  }
}

export class Throttle {
  #helper;

  constructor(redis, name, options) {
    const given = checked("Throttle", options, { every: "ms" });
    const named = text("Throttle: the name", name);
    this.#helper = new Helper("Throttle", redis, (client) => new wasm.Throttle(client, named, given));
  }

  async allow() {
    return this.#helper.call("allow");
  }

  async reset() {
    await this.#helper.call("reset");
  }
}

export class Debounce {
  #helper;

  constructor(redis, name, options) {
    const given = checked("Debounce", options, { wait: "ms" });
    const named = text("Debounce: the name", name);
    this.#helper = new Helper("Debounce", redis, (client) => new wasm.Debounce(client, named, given));
  }

  async isLast() {
    return this.#helper.call("isLast");
  }
}

const LIMITS = {
  prefix: "text", policy: "text", localDeny: "flag", lease: "number", dynamic: "flag", blockable: "flag", denyList: "flag",
  allow: "texts", deny: "texts", failOpen: "ms", failClosed: "ms", failLocal: "ms",
};

/** A decision, with what an answer says of it. */
function decided({ retryAfterField, rateLimitField, rateLimitPolicyField, problem, ...decision }) {
  const headers = {};
  if (rateLimitField !== undefined) headers.RateLimit = rateLimitField;
  if (rateLimitPolicyField !== undefined) headers["RateLimit-Policy"] = rateLimitPolicyField;
  if (retryAfterField !== undefined) headers["Retry-After"] = retryAfterField;
  return { ...decision, headers, problem: JSON.parse(problem) };
}

export class RateLimiter {
  #helper;

  constructor(redis, { algorithm, limit, window, most = 0 }, options) {
    const given = checked("RateLimiter", options, LIMITS);
    const [calls, time, top] = [whole("RateLimiter: the limit", limit), whole("RateLimiter: the window", window), whole("RateLimiter: the most", most)];
    this.#helper = new Helper("RateLimiter", redis, (client) => new wasm.RateLimiter(client, algorithm, calls, time, top, given));
  }

  static {
    for (const algorithm of ["fixedWindow", "slidingWindow", "gcra", "strictWindow"]) {
      this[algorithm] = (redis, limit, window, options) => new this(redis, { algorithm, limit, window }, options);
    }
  }

  static tokenBucket(redis, rate, interval, most, options) {
    return new this(redis, { algorithm: "tokenBucket", limit: rate, window: interval, most }, options);
  }

  #id(id) {
    return text("RateLimiter: the id", id);
  }

  async check(id, { cost = 1 } = {}) {
    return decided(await this.#helper.call("check", this.#id(id), whole("RateLimiter: the cost", cost)));
  }

  async untilReady(id, wait) {
    return decided(await this.#helper.call("untilReady", this.#id(id), whole("RateLimiter: the wait", wait)));
  }

  async peek(id) {
    return decided(await this.#helper.call("peek", this.#id(id)));
  }

  async refund(id, cost = 1) {
    await this.#helper.call("refund", this.#id(id), whole("RateLimiter: the cost", cost));
  }

  async penalty(id, cost) {
    return decided(await this.#helper.call("penalty", this.#id(id), whole("RateLimiter: the cost", cost)));
  }

  async block(id, time) {
    await this.#helper.call("block", this.#id(id), whole("RateLimiter: the time", time));
  }

  async unblock(id) {
    await this.#helper.call("unblock", this.#id(id));
  }

  async setDynamicLimit(limit) {
    await this.#helper.call("setDynamicLimit", limit === null ? undefined : whole("RateLimiter: the limit", limit));
  }

  async dynamicLimit() {
    return this.#helper.call("dynamicLimit");
  }

  async reset(id) {
    await this.#helper.call("reset", this.#id(id));
  }
}

const ENTRY = { ttl: "ms", tags: "texts", staleWhileRevalidate: "ms", staleIfError: "ms" };
const CACHE = {
  namespace: "text", ttl: "ms", jitter: "number", negativeTtl: "ms", staleWhileRevalidate: "ms", staleIfError: "ms",
  earlyRefresh: "number", loaderTimeout: "ms", lease: "ms", errorBackoff: "ms", failOpen: "flag", redisTimeout: "ms",
  singleFlight: "flag", memory: "object",
};

/** What a loader found, and how it is kept. */
export class Loaded {
  constructor(value, options) {
    Object.assign(this, checked("Loaded", options, { ttl: "ms", negativeTtl: "ms", tags: "texts", etag: "text", store: "flag" }));
    this.value = value;
  }

  /** What was there before is still right. */
  static notModified(options) {
    return Object.assign(new Loaded(undefined, options), { notModified: true });
  }
}

/** A program's loader as the module calls it. */
const loading = (loader) => async (before) => {
  const previous = before === undefined ? undefined : { value: JSON.parse(before.json), etag: before.etag };
  const found = await loader(previous);
  const { value, ...kept } = found instanceof Loaded ? found : { value: found };
  return { ...kept, json: json("the loader's value", value) };
};

export class Cache {
  #helper;

  constructor(redis, options) {
    const { memory, ...given } = checked("Cache", options, CACHE);
    const { bytes, ttl } = checked("Cache: memory", memory, { bytes: "number", ttl: "ms" });
    this.#helper = new Helper("Cache", redis, (client) => new wasm.Cache(client, { ...given, memoryBytes: bytes, memoryTtl: ttl }));
  }

  #key(key) {
    return text("Cache: the key", key);
  }

  #keys(keys) {
    return keys.flat().map((key) => this.#key(key));
  }

  async get(key) {
    return parsed(await this.#helper.call("get", this.#key(key)));
  }

  async getMany(keys) {
    return (await this.#helper.call("getMany", this.#keys(keys))).map(parsed);
  }

  async set(key, value, options) {
    await this.#helper.call("set", this.#key(key), json("Cache: the value", value), checked("Cache", options, ENTRY));
  }

  async setMany(values) {
    const pairs = values instanceof Map ? [...values] : Object.entries(values);
    await this.#helper.call("setMany", pairs.map(([key]) => this.#key(key)), pairs.map(([, value]) => json("Cache: a value", value)));
  }

  async fetch(key, loader, options) {
    const { waitUntil = () => {}, ...given } = checked("Cache", options, { ...ENTRY, waitUntil: "function" });
    if (typeof loader !== "function") throw new TypeError("Cache: the loader is not a function");
    const found = await this.#helper.call("fetch", this.#key(key), loading(loader), true, waitUntil, given);
    const { json, ...rest } = found;
    return { value: JSON.parse(json), ...rest };
  }

  async getOrSet(key, loader, options) {
    return (await this.fetch(key, loader, options)).value;
  }

  async getOrSetMany(keys, loader) {
    const load = async (missing) => {
      const found = await loader(missing);
      const pairs = found instanceof Map ? [...found] : Object.entries(found);
      return { keys: pairs.map(([key]) => this.#key(key)), values: pairs.map(([, value]) => json("the loader's value", value)) };
    };
    const found = await this.#helper.call("getOrSetMany", this.#keys(keys), load);
    return new Map(found.map(([key, value]) => [key, JSON.parse(value)]));
  }

  async update(key, write, options) {
    const written = async () => json("Cache: the value", await write());
    return parsed(await this.#helper.call("update", this.#key(key), written, checked("Cache", options, ENTRY)));
  }

  async touch(key, options) {
    return this.#helper.call("touch", this.#key(key), checked("Cache", options, ENTRY));
  }

  async delete(...keys) {
    await this.#helper.call("deleteMany", this.#keys(keys));
  }

  async invalidateTags(...tags) {
    await this.#helper.call("invalidateTags", tags.flat().map((tag) => text("Cache: a tag", tag)));
  }

  async clear() {
    await this.#helper.call("clear");
  }

  async invalidateMatching(pattern) {
    return this.#helper.call("invalidateMatching", text("Cache: the pattern", pattern));
  }

  async stats() {
    return (await this.#helper.made()).stats();
  }
}

const SESSIONS = {
  namespace: "text", idle: "ms", touchEvery: "ms", absolute: "ms", renewal: "ms", grace: "ms", cap: "number", onAnomaly: "function",
};
const DEVICE = { userAgent: "text", ip: "text" };

/** A session with its data as a value. */
const withData = ({ json, ...session }) => ({ ...session, data: JSON.parse(json) });

export class Sessions {
  #helper;

  constructor(redis, key, options) {
    const given = checked("Sessions", options, SESSIONS);
    const bytes = typeof key === "string" ? new TextEncoder().encode(key) : key;
    if (!(bytes instanceof Uint8Array)) throw new ConfigError("Sessions: the key is neither text nor a Uint8Array");
    this.#helper = new Helper("Sessions", redis, (client) => new wasm.Sessions(client, bytes, given));
  }

  #user(user) {
    return text("Sessions: the user", user);
  }

  #token(token) {
    if (typeof token === "string") return token;
    throw new TypeError("Sessions: the token is not text");
  }

  async create(user, data, options) {
    return this.#helper.call("create", this.#user(user), json("Sessions: the data", data), false, checked("Sessions", options, DEVICE));
  }

  async createAnonymous(data, options) {
    return this.#helper.call("create", undefined, json("Sessions: the data", data), false, checked("Sessions", options, DEVICE));
  }

  async createRefresh(user, data, options) {
    return this.#helper.call("create", this.#user(user), json("Sessions: the data", data), true, checked("Sessions", options, DEVICE));
  }

  async validate(token, options) {
    const session = await this.#helper.call("validate", this.#token(token), checked("Sessions", options, DEVICE));
    return session && withData(session);
  }

  async update(token, change) {
    const changed = (data) => {
      const value = JSON.parse(data);
      const made = change(value);
      // One that changes what it got need not give it back.
      return json("Sessions: the data", made === undefined ? value : made);
    };
    return parsed(await this.#helper.call("update", this.#token(token), changed)) ?? null;
  }

  async rotate(token, options) {
    return this.#helper.call("rotate", this.#token(token), checked("Sessions", options, { user: "text", grace: "ms" }));
  }

  async refresh(token) {
    const { session, ...found } = await this.#helper.call("refresh", this.#token(token));
    return session === undefined ? found : { ...found, session: withData(session) };
  }

  async revoke(token) {
    await this.#helper.call("revoke", this.#token(token));
  }

  async revokeDevice(user, id) {
    await this.#helper.call("revokeDevice", this.#user(user), text("Sessions: the id", id));
  }

  async revokeAll(user) {
    await this.#helper.call("revokeAll", this.#user(user));
  }

  async revokeOthers(token) {
    return this.#helper.call("revokeOthers", this.#token(token));
  }

  async list(user) {
    return this.#helper.call("list", this.#user(user));
  }

  async count(user) {
    return this.#helper.call("count", this.#user(user));
  }

  async csrfToken(token) {
    return (await this.#helper.call("csrfToken", this.#token(token))) ?? null;
  }

  async isCsrfToken(token, csrf) {
    return this.#helper.call("isCsrfToken", this.#token(token), String(csrf));
  }
}

export class Cookie {
  #make;
  #made;

  constructor(name, options) {
    const given = checked("Cookie", options, { lax: "flag", maxAge: "ms" });
    const named = text("Cookie: the name", name);
    this.#make = () => new wasm.Cookie(named, given);
  }

  #cookie() {
    return (this.#made ??= this.#make());
  }

  set(token) {
    return this.#cookie().set(token);
  }

  clear() {
    return this.#cookie().clear();
  }

  read(header) {
    return header === null || header === undefined ? null : (this.#cookie().read(header) ?? null);
  }
}

export class Idempotency {
  #helper;

  constructor(redis, options) {
    const given = checked("Idempotency", options, { namespace: "text", lease: "ms", ttl: "ms" });
    this.#helper = new Helper("Idempotency", redis, (client) => new wasm.Idempotency(client, given));
  }

  async run(key, payload, work) {
    const bytes = payload instanceof Uint8Array ? payload : new TextEncoder().encode(typeof payload === "string" ? payload : json("Idempotency: the payload", payload));
    const written = async () => json("Idempotency: the answer", await work());
    const { status, json: answer, lost: reason, ...found } = await this.#helper.call("run", text("Idempotency: the key", key), bytes, written);
    if (status === "lost") throw lost("Idempotency", reason);
    return answer === undefined ? { status, ...found } : { status, value: JSON.parse(answer) };
  }
}

const { Queue: Adding, FlowProducer } = classes({ begin: init, plan: (...args) => wasm.queueRequest(...args), script: (name) => wasm.queueScript(name) });
export { FlowProducer };

/** A failure that no attempt mends: BullMQ's word for it. */
export class UnrecoverableError extends Error {}
Object.defineProperty(UnrecoverableError.prototype, "name", { value: "UnrecoverableError", configurable: true, writable: true });

/** A job with its texts as values. */
const asJob = ({ data, opts, progress, returnvalue, ...job }) => ({
  ...job, data: JSON.parse(data), opts: JSON.parse(opts),
  progress: progress === null ? 0 : JSON.parse(progress), returnvalue: returnvalue === null ? null : JSON.parse(returnvalue),
});

const STATES = ["waiting", "paused", "prioritized", "delayed", "waiting-children", "active", "completed", "failed"];

function stateName(state) {
  if (STATES.includes(state)) return state;
  throw new TypeError(`Queue: a state is one of ${STATES.join(", ")}`);
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
    return this.#helper.call("log", this.#id(id), String(line), keep === undefined ? keep : whole("Queue: keep", keep));
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
    return this.#helper.call("clean", stateName(state), whole("Queue: the age", age), whole("Queue: the most", most));
  }

  async drain({ delayed = false } = {}) {
    return this.#helper.call("drain", delayed === true);
  }

  async obliterate({ force = false } = {}) {
    await this.#helper.call("obliterate", force === true);
  }

  async waitFinished(id, time) {
    const finished = await this.#helper.call("waitFinished", this.#id(id), whole("Queue: the time", time));
    if (finished === null) return null;
    return finished.json === undefined ? { status: "failed", reason: finished.failed } : { status: "completed", value: JSON.parse(finished.json) };
  }

  async upsertScheduler(id, repeat, { name, data, opts = {} }) {
    const given = checked("Queue: the repetition", repeat, { every: "ms", limit: "number", start: "number", end: "number" });
    if (!(given.every > 0)) throw new ConfigError("Queue: a scheduler repeats { every } so many milliseconds; cron patterns are the crate's and BullMQ's");
    const { backoff, ...rest } = checked("Queue: the options of its jobs", opts, { attempts: "number", priority: "number", backoff: "object" });
    const delays = backoff === undefined ? {} : { [`${backoff.type}Backoff`]: whole("Queue: the delay", backoff.delay) };
    return this.#helper.call("upsertScheduler", this.#id(id), given, text("Queue: the name of its jobs", name), json("Queue: the data", data ?? {}), { ...rest, ...delays });
  }

  async removeScheduler(id) {
    return this.#helper.call("removeScheduler", this.#id(id));
  }

  async schedulers() {
    return this.#helper.call("schedulers");
  }

  consumer(options) {
    const given = checked("Consumer", options, {
      lock: "ms", name: "text", limit: "object", stalledInterval: "ms", maxStalled: "number", batchSize: "number", margin: "ms",
    });
    const { limit, ...rest } = given;
    const { max, duration } = checked("Consumer: limit", limit, { max: "number", duration: "ms" });
    return new Consumer(async () => (await this.#helper.made()).consumer({ ...rest, max, duration }));
  }
}

/** Takes jobs, a batch for each request: `queue.consumer()` gives it. */
export class Consumer {
  #make;
  #made;

  constructor(make) {
    this.#make = make;
  }

  async #consumer() {
    return (this.#made ??= await this.#make());
  }

  async runUntil(time, work) {
    if (typeof work !== "function") throw new TypeError("Consumer: the handler is not a function");
    const worked = async (job) => {
      try {
        return { json: json("the handler's value", await work(asJob(job))) };
      } catch (error) {
        return { failed: String(error?.message ?? error), forGood: error?.name === "UnrecoverableError" };
      }
    };
    const consumer = await this.#consumer();
    return settled(consumer.runUntil(whole("Consumer: the time", time), worked));
  }

  async sweep() {
    const consumer = await this.#consumer();
    return settled(consumer.sweep());
  }
}
