// The client: Redis and its Pipeline. One function of the engine sends, these write what it sends and read what it got.

import { commands, page } from "./commands.js";
import { connect, errorInBatch, init, isReady } from "./engine.js";
import { ConfigError, DecodeError, fromEngine } from "./errors.js";
import { Script, ScriptRO } from "./script.js";
import { decode, encode, parse, score } from "./text.js";

export {
  ConfigError,
  ConnectError,
  DecodeError,
  errors,
  HttpError,
  InterruptedError,
  RedisError,
  ServerError,
  TimeoutError,
  TooLargeError,
} from "./errors.js";
export { init, Script, ScriptRO };

/** The server writes UTF-8; what is not becomes U+FFFD, as in any reader of JSON. */
const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Under this name `fromEnv` hands the environment to the constructor. */
const ENV = Symbol("env");

const URLS = ["UPSTASH_REDIS_REST_URL", "KV_REST_API_URL"];
const TOKENS = ["UPSTASH_REDIS_REST_TOKEN", "KV_REST_API_TOKEN"];

/** A number of milliseconds, or nothing. */
function millis(name, value) {
  if (value === undefined) return undefined;
  if (typeof value === "number" && value > 0) return value;
  throw new ConfigError(`${name} is not a number of milliseconds greater than 0`);
}

function count(name, value) {
  if (Number.isInteger(value) && value >= 0) return value;
  throw new ConfigError(`${name} is not a whole number from 0 on`);
}

/** How the engine repeats; `false` is never. */
function retrySettings(retry) {
  if (retry === undefined) return undefined;
  const given = retry === false ? { retries: 0 } : retry;
  if (given === null || typeof given !== "object") throw new ConfigError("retry is not false or an object, { retries: 3 }");
  return {
    retries: count("retry.retries", given.retries ?? 3),
    baseDelay: millis("retry.baseDelay", given.baseDelay) ?? 50,
    maxDelay: millis("retry.maxDelay", given.maxDelay) ?? 2000,
    evenIfAmbiguous: given.evenIfAmbiguous === true,
  };
}

/** What carries requests: an object with `fetch`, such as a service binding, or a function. */
function fetchTarget(fetch) {
  if (fetch === undefined) return undefined;
  const target = typeof fetch === "function" ? { fetch } : fetch;
  // A service binding is a proxy on which every name is something, so it is only looked up.
  if (typeof target?.fetch === "function") return target;
  throw new ConfigError("fetch is neither a function nor an object with a method fetch, such as a service binding");
}

const OPTIONS = [
  "url", "token", "timeout", "attemptTimeout", "retry", "allowPlainHttp", "readYourWrites", "fetch", "automaticDeserialization",
  "enableAutoPipelining",
];

function settingsOf(options) {
  if (options === null || typeof options !== "object") {
    throw new ConfigError("new Redis takes an object: new Redis({ url, token }), or Redis.fromEnv()");
  }
  for (const name of Object.keys(options)) {
    if (!OPTIONS.includes(name)) throw new ConfigError(`there is no option ${name}, only ${OPTIONS.join(", ")}`);
  }
  for (const name of ["url", "token"]) {
    const value = options[name];
    if (options[ENV] === undefined && (value === undefined || value === null || value === "")) {
      throw new ConfigError(`${name} is missing: the database's REST tab has it, and restis-local prints one without an account`);
    }
    if (value !== undefined && value !== null && typeof value !== "string") throw new ConfigError(`${name} is not a string`);
  }
  return {
    url: options.url,
    token: options.token,
    env: options[ENV],
    timeout: millis("timeout", options.timeout),
    attemptTimeout: millis("attemptTimeout", options.attemptTimeout),
    retry: retrySettings(options.retry),
    allowPlainHttp: options.allowPlainHttp === true,
    readYourWrites: options.readYourWrites !== false,
    enableAutoPipelining: options.enableAutoPipelining !== false,
    fetch: fetchTarget(options.fetch),
  };
}

/** Operations on the bits of one key, collected for `BITFIELD`. */
class BitField {
  #run;
  #operations = [];

  constructor(run) {
    this.#run = run;
  }

  static {
    for (const name of ["get", "set", "incrby", "overflow"]) {
      this.prototype[name] = function (...args) {
        this.#operations.push(name.toUpperCase(), ...args);
        return this;
      };
    }
  }

  exec() {
    return this.#run(this.#operations);
  }
}

/** Defines every command on a class, each as a call of `run`; those with a dot in an object of their family. */
function addCommands(Class, run) {
  const families = {};
  const define = (name, descriptor) => Object.defineProperty(Class.prototype, name, { configurable: true, ...descriptor });
  for (const [name, build] of Object.entries(commands)) {
    const [family, member] = name.split(".");
    if (member) (families[family] ??= []).push([member, build]);
    else define(name, { writable: true, value: { [name](...args) { return run(this, build, args); } }[name] });
  }
  define("bitfield", {
    writable: true,
    value: function bitfield(key) {
      return new BitField((operations) => run(this, commands.command, ["BITFIELD", key, ...operations]));
    },
  });
  for (const [family, members] of Object.entries(families)) {
    define(family, {
      get() {
        const value = {};
        for (const [name, build] of members) value[name] = (...args) => run(this, build, args);
        Object.defineProperty(this, family, { value, enumerable: true, configurable: true, writable: true });
        return value;
      },
    });
  }
}

/** Makes the methods of an object its own properties, bound to it: libraries take them off it, or spread it. */
function own(object, prototype) {
  for (const name of Object.getOwnPropertyNames(prototype)) {
    // What a class that extends ours defines itself stays on top; a family becomes its own when it is read.
    const method = object[name];
    if (name !== "constructor" && typeof method === "function" && method === prototype[name]) object[name] = method.bind(object);
  }
}

export class Redis {
  #settings;
  #client;
  #decodes;

  constructor(options) {
    this.#settings = settingsOf(options);
    this.#decodes = options.automaticDeserialization !== false;
    own(this, Redis.prototype);
    // Where the module is loaded later, the first call reports what is wrong with URL and token.
    if (isReady()) this.#connect();
  }

  static {
    addCommands(this, (redis, build, args) => redis.#run(build, args));
  }

  static fromEnv(env = globalThis.process?.env, options) {
    if (env === null || typeof env !== "object") {
      throw new ConfigError("there is no process.env here: hand over the Worker's, Redis.fromEnv(env)");
    }
    for (const names of [URLS, TOKENS]) {
      if (!names.some((name) => env[name])) {
        throw new ConfigError(
          `${names[0]} is missing, and so is ${names[1]}: set one of them (the database's REST tab has the line to copy; ` +
            "without an account restis-local prints one), and in a Worker hand its env over: Redis.fromEnv(env)",
        );
      }
    }
    return new this({ ...options, url: undefined, token: undefined, [ENV]: env });
  }

  #connect() {
    try {
      this.#client = connect(this.#settings);
    } catch (thrown) {
      throw fromEngine(thrown);
    }
  }

  /** Sends JSON text by a form of the engine (0 is a command, 1 a pipeline, 2 a transaction) and gives the answer, parsed. */
  async #send(form, json) {
    if (this.#client === undefined) {
      await init();
      // Of several calls that waited together, the first makes the client of all.
      if (this.#client === undefined) this.#connect();
    }
    let answer;
    try {
      answer = await this.#client.exec(form, json);
    } catch (thrown) {
      throw fromEngine(thrown);
    }
    try {
      return parse(UTF8.decode(answer));
    } catch {
      // Its words quote the text.
      throw new DecodeError("the server's answer has text that is not JSON");
    }
  }

  async #run(build, args) {
    const { words, decode: read = decode } = build(...args);
    const { result } = await this.#send(0, encode(words));
    if (!this.#decodes) return result;
    return readReply(read, result, words);
  }

  /** Any command, by an array of its words. */
  exec(words) {
    return this.#run(commands.command, words);
  }

  /** @upstash/redis reports here which libraries use it. This client reports nothing. */
  addTelemetry() {}

  /** Commands that go in one request, each with its own outcome. */
  pipeline() {
    return this.#batch(1);
  }

  /** Commands that run as one: all, or none if Redis refuses one of them beforehand. */
  multi() {
    return this.#batch(2);
  }

  #batch(form) {
    return new Pipeline((json) => this.#send(form, json), this.#decodes);
  }

  /** A script that is sent by its hash, and as text only when the server does not know it. */
  createScript(script, { readonly = false } = {}) {
    return readonly ? new ScriptRO(this, script) : new Script(this, script);
  }

  /** Every key, one after the other; a key that is there all the time comes at least once. */
  async *scanIterator(options) {
    yield* pages((cursor) => this.#page(commands.scan(cursor, options)));
  }

  async *hscanIterator(key, options) {
    yield* inPairs(pages((cursor) => this.#page(commands.hscan(key, cursor, options))), (field, value) => [field, this.#value(value)]);
  }

  async *sscanIterator(key, options) {
    for await (const member of pages((cursor) => this.#page(commands.sscan(key, cursor, options)))) yield this.#value(member);
  }

  async *zscanIterator(key, options) {
    const found = pages((cursor) => this.#page(commands.zscan(key, cursor, options)));
    yield* inPairs(found, (member, text) => ({ member: this.#value(member), score: score(text) }));
  }

  async #page({ words }) {
    const { result } = await this.#send(0, encode(words));
    return readReply(page((found) => found), result, words);
  }

  #value(text) {
    return this.#decodes ? decode(text) : text;
  }
}

/** Reads a reply, whatever the server answered. */
function readReply(read, result, words) {
  try {
    return read(result);
  } catch (cause) {
    throw new DecodeError(`${words[0]}: the answer has not the shape of this command's`, { command: words[0], cause });
  }
}

async function* pages(fetch) {
  let cursor = "0";
  do {
    const [next, found] = await fetch(cursor);
    yield* found;
    cursor = next;
  } while (cursor !== "0");
}

async function* inPairs(items, make) {
  let first;
  let half = false;
  for await (const item of items) {
    if (half) yield make(first, item);
    first = item;
    half = !half;
  }
}


export class Pipeline {
  #send;
  #decodes;
  #commands = [];

  constructor(send, decodes) {
    this.#send = send;
    this.#decodes = decodes;
  }

  static {
    addCommands(this, (pipeline, build, args) => {
      const { words, decode: read = decode } = build(...args);
      pipeline.#commands.push({ json: encode(words), name: String(words[0]), read: pipeline.#decodes ? read : (reply) => reply });
      return pipeline;
    });
  }

  /** How many commands are in it. */
  length() {
    return this.#commands.length;
  }

  /** Sends all of it in one request. Without commands nothing is sent. */
  async exec({ keepErrors = false } = {}) {
    const commands = [...this.#commands];
    if (commands.length === 0) return [];
    const answers = await this.#send(`[${commands.map(({ json }) => json).join()}]`);
    if (answers.length !== commands.length) {
      throw new DecodeError(`pipeline: ${answers.length} answers came for ${commands.length} commands`);
    }
    const outcomes = commands.map(({ name, read }, index) => {
      const { result, error } = answers[index] ?? {};
      if (typeof error === "string") return { error: Object.assign(fromEngine(errorInBatch(error, name)), { index }) };
      try {
        if (result === undefined) throw new DecodeError(`${name}: the answer has neither a result nor an error`);
        return { result: readReply(read, result, [name]) };
      } catch (error) {
        return { error };
      }
    });
    if (keepErrors) return outcomes;
    const failed = outcomes.find(({ error }) => error !== undefined);
    if (failed) throw failed.error;
    return outcomes.map(({ result }) => result);
  }
}
