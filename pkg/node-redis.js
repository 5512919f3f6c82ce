// A client in the shape of node-redis, for libraries that take one: connect-redis, rate-limit-redis and others. Arguments and
// replies are node-redis's; requests go over HTTP.

import { Emitter } from "./emitter.js";
import { ConfigError, ServerError } from "restis";
import { checkWords, commands } from "./node-redis-commands.js";
import { asReply, ClientClosedError, ErrorReply, MultiErrorReply } from "./node-redis-errors.js";
import { missing, modules, REFUSED, UNUSED } from "./node-redis-missing.js";
import { textClient } from "./text-client.js";

export { ClientClosedError, ErrorReply, MultiErrorReply };

const raw = (reply) => reply;

/** Defines a method that is not enumerable, with its name. */
function method(Class, name, value) {
  Object.defineProperty(value, "name", { value: name });
  Object.defineProperty(Class.prototype, name, { writable: true, configurable: true, value });
}

/** Commands of one transaction or pipeline. */
class Multi {
  #start;
  #calls = [];

  constructor(start) {
    this.#start = start;
  }

  static {
    for (const name of Object.keys(commands)) {
      const [words, read] = commands[name];
      method(this, name, function (...args) {
        return this.addCommand(words(...args), read && ((reply) => read(reply, args)));
      });
    }
    for (const [name, error] of missing("multi()")) {
      method(this, name, () => {
        throw error();
      });
    }
  }

  /** Adds any command by its words. */
  addCommand(words, transformReply = raw) {
    this.#calls.push({ words, read: transformReply });
    return this;
  }

  async exec(asPipeline = false) {
    const calls = this.#calls;
    for (const { words } of calls) checkWords(words);
    const batch = this.#start(asPipeline);
    if (calls.length === 0) return [];
    for (const { words } of calls) batch.command(...words);
    const outcomes = await batch.exec({ keepErrors: true }).catch((error) => {
      throw asReply(error);
    });
    const failed = [];
    const replies = outcomes.map(({ result, error }, i) => {
      if (error === undefined) return calls[i].read(result);
      if (!(error instanceof ServerError)) throw error;
      failed.push(i);
      return asReply(error);
    });
    // A pipeline rejects with its first error, a transaction with all of them.
    if (failed.length > 0) throw asPipeline ? replies[failed[0]] : new MultiErrorReply(replies, failed);
    return replies;
  }

  execTyped(asPipeline) {
    return this.exec(asPipeline);
  }

  execAsPipeline() {
    return this.exec(true);
  }

  execAsPipelineTyped() {
    return this.exec(true);
  }

  EXEC(asPipeline) {
    return this.exec(asPipeline);
  }
}

/** Splits node-redis's options from those of our client. Those that a connection alone has are left out. */
function settings(options) {
  if (options === null || typeof options !== "object") throw new ConfigError("createClient takes an object: createClient({ url, token })");
  const own = {};
  for (const [name, value] of Object.entries(options)) {
    if (UNUSED.includes(name) || value === undefined) continue;
    if (Object.hasOwn(REFUSED, name)) {
      if (isSet(name, value)) throw new ConfigError(`createClient: ${name} is not offered over HTTP; ${REFUSED[name]}`);
    } else if (name !== "commandOptions") own[name] = value;
  }
  if (/^rediss?:/.test(own.url)) throw new ConfigError("createClient: url is that of a TCP connection; give the database's REST URL, which begins with https://, and its token");
  return own;
}

/** Whether an option asks for something: `database: 0` and empty objects do not. */
const isSet = (name, value) => (typeof value === "object" && value !== null ? Object.keys(value).length > 0 : Boolean(value));

/** Options of calls: a signal and a time limit are ours too, `asap` has no queue to change. */
function callOptions({ typeMapping, abortSignal, timeout } = {}) {
  if (typeMapping && Object.keys(typeMapping).length > 0) {
    throw new ConfigError("typeMapping is not offered: replies are text and numbers; for bytes use redis.with({ bytes: true }) of a Redis client");
  }
  return { ...(abortSignal && { signal: abortSignal }), ...(timeout > 0 && { timeout }) };
}

class Client extends Emitter {
  #redis;
  /** What views of one client share: its options, whether it is open, and its listeners. */
  #shared;
  #call;

  constructor(options, view) {
    super();
    if (view) {
      this.#redis = view.redis;
      this.#shared = view.shared;
      this.#call = view.call;
      return;
    }
    this.#call = callOptions(options.commandOptions);
    const redis = textClient(settings(options));
    this.#redis = Object.keys(this.#call).length > 0 ? redis.with(this.#call) : redis;
    this.#shared = { options, redis, open: true, connected: false, emitter: this };
  }

  static {
    for (const name of Object.keys(commands)) {
      const [words, read = raw] = commands[name];
      method(this, name, async function (...args) {
        return read(await this.#send(words(...args)), args);
      });
    }
    for (const [name, error] of missing("client")) {
      method(this, name, async () => {
        throw error();
      });
    }
    // Listeners belong to the client, whichever view of it adds them.
    for (const name of Object.getOwnPropertyNames(Emitter.prototype)) {
      if (name === "constructor") continue;
      const own = Emitter.prototype[name];
      method(this, name, function (...args) {
        const result = own.apply(this.#shared.emitter, args);
        return result === this.#shared.emitter ? this : result;
      });
    }
    for (const [name, make] of modules()) Object.defineProperty(this.prototype, name, { configurable: true, get: make });
  }

  async #send(words) {
    checkWords(words);
    if (!this.#shared.open) throw new ClientClosedError();
    try {
      return await this.#redis.command(...words);
    } catch (error) {
      throw asReply(error);
    }
  }

  /** Sends any command by its words. The reply is as the server sent it. */
  async sendCommand(words, options) {
    if (!Array.isArray(words) || words.length === 0) throw new TypeError('sendCommand takes an array of words, such as ["GET", "key"]');
    return options === undefined ? this.#send([...words]) : this.withCommandOptions(options).sendCommand(words);
  }

  multi() {
    return new Multi((asPipeline) => {
      if (!this.#shared.open) throw new ClientClosedError();
      return asPipeline ? this.#redis.pipeline() : this.#redis.multi();
    });
  }

  MULTI() {
    return this.multi();
  }

  async *scanIterator(options) {
    yield* pages((cursor) => this.scan(cursor, withoutCursor(options)), "keys", options);
  }

  async *hScanIterator(key, options) {
    yield* pages((cursor) => this.hScan(key, cursor, withoutCursor(options)), "entries", options);
  }

  async *hScanNoValuesIterator(key, options) {
    yield* pages((cursor) => this.hScanNoValues(key, cursor, withoutCursor(options)), "fields", options);
  }

  async *hScanValuesIterator(key, options) {
    yield* this.hScanNoValuesIterator(key, options);
  }

  async *sScanIterator(key, options) {
    yield* pages((cursor) => this.sScan(key, cursor, withoutCursor(options)), "members", options);
  }

  async *zScanIterator(key, options) {
    yield* pages((cursor) => this.zScan(key, cursor, withoutCursor(options)), "members", options);
  }

  withCommandOptions(options) {
    const call = { ...this.#call, ...callOptions(options) };
    return new Client(undefined, { shared: this.#shared, redis: this.#shared.redis.with(call), call });
  }

  withAbortSignal(abortSignal) {
    return this.withCommandOptions({ abortSignal });
  }

  withTypeMapping(typeMapping) {
    return this.withCommandOptions({ typeMapping });
  }

  /** Requests have no order that could be changed. */
  asap() {
    return this;
  }

  get options() {
    return this.#shared.options;
  }

  // There is no connection that has to be opened first, so a new client is open.
  get isOpen() {
    return this.#shared.open;
  }

  get isReady() {
    return this.#shared.open;
  }

  get isPubSubActive() {
    return false;
  }

  get isWatching() {
    return false;
  }

  get isDirtyWatch() {
    return false;
  }

  async connect() {
    const shared = this.#shared;
    if (shared.open && shared.connected) return this;
    shared.open = true;
    shared.connected = true;
    this.emit("connect");
    this.emit("ready");
    return this;
  }

  #end() {
    if (!this.#shared.open) throw new ClientClosedError();
    this.#shared.open = false;
    this.#shared.connected = false;
    this.emit("end");
  }

  async close() {
    this.#end();
  }

  async quit() {
    this.#end();
    return "OK";
  }

  QUIT() {
    return this.quit();
  }

  async disconnect() {
    this.#end();
  }

  destroy() {
    this.#end();
  }

  /** Another client of the same options. */
  duplicate(overrides) {
    return new Client({ ...this.#shared.options, ...overrides });
  }

  // Nothing keeps a process running.
  ref() {}
  unref() {}
}

function withoutCursor({ cursor, ...options } = {}) {
  return options;
}

/** Pages as the server sends them: some may be empty. */
async function* pages(fetch, name, { cursor = "0" } = {}) {
  do {
    const page = await fetch(cursor);
    cursor = page.cursor;
    yield page[name];
  } while (cursor !== "0");
}

export const createClient = (options = {}) => new Client(options);
