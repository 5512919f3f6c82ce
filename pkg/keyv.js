// A store of Keyv, 5 and 6, over Redis: values are Keyv's own text, keys are below a namespace.

import { literal, PAGE, pages, textClient } from "./text-client.js";

/** A namespace that Keyv does not set. */
const DEFAULT = "keyv";

export class KeyvStore {
  #redis;
  #scanCount;
  #namespace;

  constructor({ namespace, scanCount = PAGE, ...options } = {}) {
    this.#redis = textClient(options);
    this.#scanCount = scanCount;
    this.#namespace = namespace;
    this.opts = { dialect: "redis" };
  }

  /** Keyv writes its own here. */
  get namespace() {
    return this.#namespace;
  }

  set namespace(namespace) {
    this.#namespace = namespace ?? this.#namespace;
  }

  get #before() {
    return `${this.#namespace ?? DEFAULT}::`;
  }

  #at(key) {
    return this.#before + key;
  }

  async get(key) {
    return (await this.#redis.get(this.#at(key))) ?? undefined;
  }

  async getMany(keys) {
    if (keys.length === 0) return [];
    return (await this.#redis.mget(keys.map((key) => this.#at(key)))).map((value) => value ?? undefined);
  }

  /** `ttl` is in milliseconds; what is over already is not stored. */
  async set(key, value, ttl) {
    await this.setMany([{ key, value, ttl }]);
    return true;
  }

  async setMany(entries) {
    const pipeline = this.#redis.pipeline();
    for (const { key, value, ttl } of entries) {
      if (ttl === undefined || ttl === null || ttl === 0 || ttl === Infinity) pipeline.set(this.#at(key), value);
      else if (ttl > 0) pipeline.set(this.#at(key), value, { px: Math.ceil(ttl) });
      else pipeline.del(this.#at(key));
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

  async deleteMany(keys) {
    const pipeline = this.#redis.pipeline();
    for (const key of keys) pipeline.unlink(this.#at(key));
    return (await pipeline.exec()).map((gone) => gone === 1);
  }

  async *#pages() {
    const match = `${literal(this.#before)}*`;
    for await (const keys of pages(this.#redis, { match, count: this.#scanCount })) if (keys.length > 0) yield keys;
  }

  /** Deletes what is in the namespace. */
  async clear() {
    for await (const keys of this.#pages()) await this.#redis.unlink(...keys);
  }

  async *iterator() {
    const before = this.#before.length;
    for await (const keys of this.#pages()) {
      const values = await this.#redis.mget(keys);
      for (const [i, key] of keys.entries()) if (values[i] !== null) yield [key.slice(before), values[i]];
    }
  }

  async disconnect() {}

  /** There is no connection that could fail by itself: errors are those of the calls. */
  on() {
    return this;
  }
}

export default KeyvStore;
