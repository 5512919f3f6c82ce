// A store of Keyv 5 and 6 over Redis: values are Keyv's own text, keys are `namespace::key`.

import { Emitter } from "./emitter.js";
import { literal, millisecondsOf, PAGE, pages, textClient } from "./text-client.js";

const SEPARATOR = "::";
const METHODS = ["get", "getMany", "has", "hasMany", "set", "setMany", "delete", "deleteMany", "clear", "disconnect", "iterator"];

/** Milliseconds that an entry is kept: `expires` is a time, `ttl` a duration as Keyv 5 has it, where 0 is none. */
function durationOf({ expires, ttl }) {
  if (expires === undefined || expires === null) return millisecondsOf(ttl === 0 ? undefined : ttl);
  return millisecondsOf(typeof expires === "number" ? expires - Date.now() : expires);
}

export class KeyvStore extends Emitter {
  #redis;
  #scanCount;
  #namespace;
  /** Whether Keyv 5 uses this store; undefined until a Keyv has looked at it. */
  #legacy;

  constructor({ namespace, scanCount = PAGE, ...options } = {}) {
    super();
    this.#redis = textClient(options);
    this.#scanCount = scanCount;
    this.#namespace = namespace;
  }

  // Keyv 5 and 6 call `set` and `deleteMany` alike and mean different things. In its constructor Keyv 5 reads `opts`, Keyv 6
  // `capabilities`. Without either the store does as Keyv 6 has it.

  get opts() {
    this.#legacy ??= true;
    return { dialect: "redis" };
  }

  get capabilities() {
    this.#legacy = false;
    const methodType = (name) => (name === "iterator" ? "sync" : "async");
    const methods = Object.fromEntries(METHODS.map((name) => [name, { exists: true, methodType: methodType(name) }]));
    return { compatible: true, store: "keyvStorage", methods, expires: true };
  }

  /** Keyv writes its own here. */
  get namespace() {
    return this.#namespace;
  }

  set namespace(namespace) {
    this.#namespace = namespace;
  }

  #at(key) {
    return this.#namespace ? this.#namespace + SEPARATOR + key : String(key);
  }

  async get(key) {
    try {
      return (await this.#redis.get(this.#at(key))) ?? undefined;
    } catch (error) {
      // Keyv 5 reports the errors of all methods but this one.
      if (this.#legacy && this.listenerCount("error") > 0) this.emit("error", error);
      throw error;
    }
  }

  async getMany(keys) {
    if (keys.length === 0) return [];
    return (await this.#redis.mget(keys.map((key) => this.#at(key)))).map((value) => value ?? undefined);
  }

  /** The last argument is a time in Keyv 6, and a duration in Keyv 5. */
  async set(key, value, expiry) {
    await this.setMany([{ key, value, [this.#legacy ? "ttl" : "expires"]: expiry }]);
    return true;
  }

  async setMany(entries) {
    const pipeline = this.#redis.pipeline();
    for (const { key, value, ...expiry } of entries) {
      // It would come back as text, which Keyv takes for nothing.
      if (typeof value !== "string") throw new TypeError("KeyvStore.set: the value must be text; leave Keyv's serialization on");
      const ms = durationOf(expiry);
      // What is over already would be refused by Redis.
      if (ms !== undefined && ms <= 0) pipeline.del(this.#at(key));
      else pipeline.set(this.#at(key), value, ms === undefined ? undefined : { px: ms });
    }
    await pipeline.exec();
    return entries.map(() => true);
  }

  async has(key) {
    return (await this.#redis.exists(this.#at(key))) === 1;
  }

  async hasMany(keys) {
    const pipeline = this.#redis.pipeline();
    for (const key of keys) pipeline.exists(this.#at(key));
    return (await pipeline.exec()).map((found) => found === 1);
  }

  async delete(key) {
    return (await this.#redis.unlink(this.#at(key))) === 1;
  }

  /** Keyv 5 expects one answer for all keys, as it gives for a Map. */
  async deleteMany(keys) {
    const pipeline = this.#redis.pipeline();
    for (const key of keys) pipeline.unlink(this.#at(key));
    const gone = (await pipeline.exec()).map((count) => count === 1);
    return this.#legacy ? gone.every(Boolean) : gone;
  }

  /** Keys of a namespace; without one those that are in none. */
  async *#pages(namespace) {
    const match = namespace ? `${literal(namespace + SEPARATOR)}*` : undefined;
    for await (const page of pages(this.#redis, { match, count: this.#scanCount })) {
      const keys = namespace ? page : page.filter((key) => !key.includes(SEPARATOR));
      if (keys.length > 0) yield keys;
    }
  }

  async clear() {
    for await (const keys of this.#pages(this.#namespace)) await this.#redis.unlink(keys);
  }

  async *iterator(namespace = this.#namespace) {
    const start = namespace ? namespace.length + SEPARATOR.length : 0;
    for await (const keys of this.#pages(namespace)) {
      const values = await this.#redis.mget(keys);
      // Nothing is in place of a key that was deleted since, or holds another type.
      for (const [i, key] of keys.entries()) if (values[i] !== null) yield [key.slice(start), values[i]];
    }
  }

  /** There is no connection. */
  async disconnect() {}
}

export default KeyvStore;
