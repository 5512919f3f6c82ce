// Redis and its Pipeline: these write what is sent and read what comes back.

import { commands, page } from "./commands.js";
import { Core } from "./core.js";
import { errorInBatch, init } from "./engine.js";
import { ConfigError, DecodeError, fromEngine } from "./errors.js";
import { Script, ScriptRO } from "./script.js";
import { search, vector } from "./search.js";
import { callSettings, fromEnvironment, settingsOf } from "./settings.js";
import { Subscriber } from "./subscriber.js";
import { decode, encode, NotText, pathForm, reading, score } from "./text.js";
import { list } from "./words.js";

const identity = (reply) => reply;

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
    lazily(Class, family, (object) =>
      Object.fromEntries(members.map(([name, build]) => [name, (...args) => run(object, build, args)])),
    );
  }
}

/** A property that is made when it is read first. */
function lazily(Class, name, make) {
  Object.defineProperty(Class.prototype, name, {
    configurable: true,
    get() {
      const value = make(this);
      Object.defineProperty(this, name, { value, enumerable: true, configurable: true, writable: true });
      return value;
    },
  });
}

/** Writes how long each request took, as the option `latencyLogging` wants it. */
async function logLatency(request, next) {
  const begun = performance.now();
  try {
    return await next(request);
  } finally {
    const [name] = request.path.length > 0 ? request.path : request.body;
    console.log(`Latency for ${String(name).toUpperCase()}: ${(performance.now() - begun).toFixed(2)} ms`);
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

/** What a client and those that `with` makes of it have in common, and what a call of theirs is told. */
class View {
  constructor(core, values, call) {
    Object.assign(this, { core, values, call });
  }
}

/** What a client sends by; for the helpers. Nothing where it is no client of this package. */
export let coreOf;

export class Redis {
  #core;
  #values;
  #call;

  constructor(options, { automaticDeserialization } = {}) {
    if (options instanceof View) {
      this.#core = options.core;
      this.#values = options.values;
      this.#call = options.call;
      return;
    }
    const requester = typeof options?.request === "function" ? options : undefined;
    const settings = requester ? { values: { decodes: automaticDeserialization !== false } } : settingsOf(options);
    this.#core = new Core(settings, requester);
    this.#values = settings.values;
    if (settings.signal) this.#call = callSettings({ signal: settings.signal });
    if (settings.latencyLogging) this.use(logLatency);
    own(this, Redis.prototype);
  }

  static {
    coreOf = (redis) => redis.#core;
    addCommands(this, (redis, build, args) => redis.#run(build, args));
    // As the families of commands are: made when they are read.
    for (const [name, make] of Object.entries({ search, vector })) {
      lazily(this, name, (redis) => make((words) => redis.#words(words)));
    }
  }

  static fromEnv(env = globalThis.process?.env, options) {
    return new this(fromEnvironment(env, options));
  }

  /** The same client, whose calls have settings of their own. */
  with(options) {
    const call = callSettings(options, this.#call);
    return new Redis(new View(this.#core, { ...this.#values, ...(call.bytes && { decodes: false }) }, call));
  }

  /** Puts a function around every request of this client. */
  use(middleware) {
    this.#core.use(middleware);
  }

  /** What of this client's writes its reads have to see, as the server names it. */
  get readYourWritesSyncToken() {
    return this.#core.syncToken;
  }

  set readYourWritesSyncToken(token) {
    this.#core.syncToken = token;
  }

  async #run(build, args) {
    const { words, decode: how = decode, nothing } = build(...args);
    if (nothing) return nothing.result;
    const result = await this.#words(words);
    return readReply(how, result, words, this.#values);
  }

  /** Sends a command and gives what the server answered. */
  async #words(words) {
    let json;
    try {
      json = encode(words, this.#values.serialize);
    } catch (thrown) {
      if (!(thrown instanceof NotText)) throw thrown;
      const form = pathForm(words, thrown, this.#values.serialize);
      return this.#core.command(words, form.json, this.#call, form);
    }
    const engine = this.#core.engine(this.#call);
    if (engine === undefined) return this.#core.command(words, json, this.#call);
    try {
      return (await engine.exec(0, json)).result;
    } catch (thrown) {
      throw fromEngine(thrown);
    }
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
    return new Pipeline((json) => this.#core.batch(form, json, this.#call), this.#values);
  }

  /** Messages to channels, from now on. */
  subscribe(channels) {
    return this.#subscriber(channels, false);
  }

  /** Messages to all channels of patterns, from now on. */
  psubscribe(patterns) {
    return this.#subscriber(patterns, true);
  }

  #subscriber(channels, pattern) {
    return new Subscriber(list(channels), { pattern, open: (path, signal) => this.#core.open(path, signal), values: this.#values });
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
    return readReply(page(identity), await this.#words(words), words, { decodes: true });
  }

  #value(text) {
    return readReply(decode, text, ["SCAN"], this.#values);
  }
}

/** Reads a reply, whatever the server answered. */
function readReply(read, result, words, { decodes, compat, deserialize }) {
  if (!decodes) return result;
  try {
    return deserialize ? reading(deserialize, () => read(result, compat)) : read(result, compat);
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
  #values;
  #commands = [];

  constructor(send, values) {
    this.#send = send;
    this.#values = values;
  }

  static {
    addCommands(this, (pipeline, build, args) => {
      const { words, decode: read = decode, nothing } = build(...args);
      pipeline.#commands.push({ json: !nothing && encode(words, pipeline.#values.serialize), name: String(words[0]), read, nothing });
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
    const { compat } = this.#values;
    if (commands.length === 0) {
      if (compat) throw new TypeError("pipeline: there is no command in it");
      return [];
    }
    const sent = commands.filter(({ nothing }) => !nothing);
    let answers = [];
    try {
      if (sent.length > 0) answers = await this.#send(`[${sent.map(({ json }) => json).join()}]`);
    } catch (error) {
      if (error?.index !== undefined) error.index = commands.indexOf(sent[error.index]);
      throw error;
    }
    if (answers.length !== sent.length) {
      throw new DecodeError(`pipeline: ${answers.length} answers came for ${sent.length} commands`);
    }
    let at = 0;
    const outcomes = commands.map(({ name, read, nothing }, index) => {
      if (nothing) return nothing;
      const { result, error } = answers[at++] ?? {};
      if (typeof error === "string") return { error: Object.assign(fromEngine(errorInBatch(error, name)), { index }), said: error };
      try {
        if (result === undefined) throw new DecodeError(`${name}: the answer has neither a result nor an error`, { command: name });
        return { result: readReply(read, result, [name], this.#values) };
      } catch (error) {
        return { error: Object.assign(error, { index }) };
      }
    });
    if (keepErrors) return outcomes.map(({ error, said, result }) => (error === undefined ? { result } : { error: compat ? (said ?? error.message) : error }));
    const failed = outcomes.find(({ error }) => error !== undefined);
    if (failed) throw failed.error;
    return outcomes.map(({ result }) => result);
  }
}
