// The cache, over the module of the helpers.

import { checked, Helper, json, parsed, text } from "./helper.js";
import { entries } from "./values.js";
import * as wasm from "./wasm/helpers.js";

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
    const { bytes, ttl } = checked("Cache: memory", memory, { bytes: "count", ttl: "ms" });
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
    const pairs = entries("Cache: the values", values);
    await this.#helper.call("setMany", pairs.map(([key]) => this.#key(key)), pairs.map(([, value]) => json("Cache: a value", value)));
  }

  async fetch(key, loader, options) {
    const { waitUntil, ...given } = checked("Cache", options, { ...ENTRY, waitUntil: "function" });
    if (typeof loader !== "function") throw new TypeError("Cache: the loader is not a function");
    const found = await this.#helper.call("fetch", this.#key(key), loading(loader), waitUntil, given);
    const { json, ...rest } = found;
    return { value: JSON.parse(json), ...rest };
  }

  async getOrSet(key, loader, options) {
    return (await this.fetch(key, loader, options)).value;
  }

  async getOrSetMany(keys, loader) {
    const load = async (missing) => {
      const found = await loader(missing);
      const pairs = entries("the loader's values", found);
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
