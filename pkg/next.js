// Next.js's caches over Redis: the handler of pages and fetches (`cacheHandler`), and that of `"use cache"` (`cacheHandlers`).

import { base64, ofBase64 } from "./text.js";
import { seconds, textClient } from "./text-client.js";

/** What a page may hold that JSON has not: bytes and Maps. */
function write(value) {
  return JSON.stringify(value, function (name) {
    // What has a toJSON of its own, as a Buffer, comes here already written.
    const held = this[name];
    if (held instanceof Uint8Array) return { $bytes: base64(held) };
    return held instanceof Map ? { $map: [...held] } : held;
  });
}

function read(text) {
  return JSON.parse(text, (_, held) => {
    if (typeof held?.$bytes === "string") return bytes(held.$bytes);
    return Array.isArray(held?.$map) ? new Map(held.$map) : held;
  });
}

/** As a Buffer, which is what Next.js puts in, where there are Buffers. */
function bytes(text) {
  if (globalThis.Buffer) return globalThis.Buffer.from(text, "base64");
  return ofBase64(text);
}

/** Tags with the time at which they were invalidated last. */
class Tags {
  #redis;
  #key;

  constructor(redis, prefix) {
    this.#redis = redis;
    this.#key = `${prefix}tags`;
  }

  /** When the last of these was invalidated; 0 if none was. */
  async latest(tags) {
    if (tags.length === 0) return 0;
    const times = await this.#redis.command("HMGET", this.#key, ...tags);
    return Math.max(0, ...times.map(Number));
  }

  async invalidate(tags) {
    const now = String(Date.now());
    if (tags.length > 0) await this.#redis.hset(this.#key, Object.fromEntries(tags.map((tag) => [tag, now])));
  }
}

/** 30 days in seconds: what nobody renews goes. */
const TTL = 30 * 24 * 60 * 60;

/** The tags that a page carries in a header. */
const pageTags = (value) => String(value?.headers?.["x-next-cache-tags"] ?? "").split(",").filter(Boolean);

export function cacheHandler({ prefix = "next:", ttl = TTL, ...options } = {}) {
  const redis = textClient(options);
  const tags = new Tags(redis, prefix);
  return class {
    async get(key, { tags: asked = [], softTags = [] } = {}) {
      const text = await redis.get(prefix + key);
      if (text === null) return null;
      const entry = read(text);
      const all = new Set([...entry.tags, ...asked, ...softTags, ...pageTags(entry.value)]);
      return (await tags.latest([...all])) >= entry.lastModified ? null : entry;
    }

    async set(key, value, { tags: given = [], cacheControl } = {}) {
      if (value === null) return void (await redis.del(prefix + key));
      const expire = cacheControl?.expire;
      await redis.set(prefix + key, write({ value, tags: given, lastModified: Date.now() }), seconds(Math.max(1, expire ?? ttl)));
    }

    async revalidateTag(given) {
      await tags.invalidate([given].flat());
    }

    resetRequestCache() {}
  };
}

/** A stream's bytes. */
async function collected(stream) {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

export function useCacheHandler({ prefix = "next:use:", ttl = TTL, ...options } = {}) {
  const redis = textClient(options);
  const tags = new Tags(redis, prefix);
  /** Sets on their way: who reads in the same process waits for them. */
  const pending = new Map();
  return {
    async get(key, softTags) {
      await pending.get(key);
      const text = await redis.get(prefix + key);
      if (text === null) return undefined;
      const { value, ...entry } = read(text);
      if (Date.now() > entry.timestamp + entry.revalidate * 1000) return undefined;
      if ((await tags.latest([...entry.tags, ...(softTags ?? [])])) >= entry.timestamp) return undefined;
      return { ...entry, value: new Response(value).body };
    },

    async set(key, given) {
      const done = (async () => {
        const { value, ...entry } = await given;
        const text = write({ ...entry, value: await collected(value) });
        await redis.set(prefix + key, text, seconds(Math.max(1, Math.min(entry.expire, ttl))));
      })();
      const settled = done.catch(() => {});
      pending.set(key, settled);
      try {
        await done;
      } finally {
        if (pending.get(key) === settled) pending.delete(key);
      }
    },

    async refreshTags() {},
    getExpiration: (given) => tags.latest(given),
    updateTags: (given) => tags.invalidate(given),
  };
}
