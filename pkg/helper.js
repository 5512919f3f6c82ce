// What all helpers use: options that are checked, values as JSON, and an object of the module that is made by the first call.

import { connect, init } from "./engine.js";
import { ConfigError, fromEngine } from "./errors.js";
import { isCount, isDuration } from "./numbers.js";
import { coreOf, Redis } from "./redis.js";
import { json as written } from "./values.js";
import { Client } from "./wasm/helpers.js";

/** What options may be, and what to say of what they are not. */
const KINDS = {
  ms: [isDuration, "a number of milliseconds from 0 on"],
  count: [isCount, "a whole number from 0 on"],
  some: [(value) => isCount(value) && value > 0, "a whole number from 1 on"],
  small: [(value) => isCount(value) && value < 2 ** 32, "a whole number from 0 to 4294967295"],
  number: [(value) => Number.isFinite(value) && value >= 0, "a finite number from 0 on"],
  text: [(value) => typeof value === "string", "text"],
  date: [(value) => value === null || value instanceof Date || typeof value === "string" || isCount(value), "a Date, an ISO text or milliseconds since 1970"],
  flag: [(value) => typeof value === "boolean", "true or false"],
  texts: [(value) => Array.isArray(value) && value.every((one) => typeof one === "string"), "an array of texts"],
  function: [(value) => typeof value === "function", "a function"],
  object: [(value) => typeof value === "object" && value !== null, "an object"],
};

/** Options as the module takes them; a mistake is a ConfigError that names it. */
export function checked(what, options, known) {
  if (options === undefined) return {};
  if (options === null || typeof options !== "object") throw new ConfigError(`${what}: options are an object, { name: value }`);
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(known, name)) throw new ConfigError(`${what}: there is no option ${name}, only ${Object.keys(known).join(", ")}`);
    const [is, kind] = KINDS[known[name]];
    if (value !== undefined && !is(value)) throw new ConfigError(`${what}: ${name} is not ${kind}`);
  }
  return options;
}

/** Options of which these have no meaning as zero. */
export function aboveZero(what, given, ...names) {
  for (const name of names) if (given[name] === 0) throw new ConfigError(`${what}: ${name} is 0, which has no meaning; set it to 1 or more`);
  return given;
}

/** A name, a key or an id. */
export function text(what, value) {
  if (typeof value === "string" || typeof value === "number" || typeof value === "bigint") return String(value);
  throw new TypeError(`${what} is neither text nor a number`);
}

export function whole(what, value) {
  if (isCount(value)) return value;
  throw new TypeError(`${what} is not a whole number from 0 on`);
}

export function millis(what, value) {
  if (isDuration(value)) return value;
  throw new TypeError(`${what} is not a number of milliseconds from 0 on`);
}

/** A value as JSON; `undefined` is null. What JSON would lose is a TypeError: see values.js. */
export function json(what, value) {
  if (typeof value === "number" && !Number.isFinite(value)) throw new TypeError(`${what} is ${value}, which JSON writes as null`);
  return written(what, value ?? null);
}

export const parsed = (text) => (text === undefined ? undefined : JSON.parse(text));

const clients = new WeakMap();

/** The client of this module: the program's own, or where that is of the other module one of the same settings. */
function clientOf(core) {
  const { settings, client } = core.parts;
  if (client instanceof Client) return client;
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

/** An object of the module that is made by the first call, and again by the next if that failed. */
export class Lazy {
  #make;
  #made;

  constructor(make) {
    this.#make = make;
  }

  made() {
    this.#made ??= this.#make().catch((error) => {
      this.#made = undefined;
      throw error;
    });
    return this.#made;
  }

  /** Calls a method of it. */
  async call(name, ...args) {
    const made = await this.made();
    return settled(made[name](...args));
  }
}

/** One over a client: in a browser the module may not be there when it is asked for. */
export class Helper extends Lazy {
  constructor(what, redis, make) {
    if (!(redis instanceof Redis)) throw new ConfigError(`${what}: the first argument is not a client of this package; make one with new Redis({ url, token })`);
    super(async () => {
      await init();
      return make(clientOf(coreOf(redis)));
    });
  }
}

/** What a promise of the module comes to. */
export async function settled(promise) {
  try {
    return await promise;
  } catch (thrown) {
    throw fromEngine(thrown);
  }
}
