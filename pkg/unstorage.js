// A driver of unstorage, over Redis: its items are keys, below a base.

import { keysBelow, textClient } from "./text-client.js";

/** How many keys the server looks at for one page. */
const PAGE = 1000;

export default function driver({ base = "", ttl, scanCount = PAGE, ...options } = {}) {
  const redis = textClient(options);
  // As unstorage writes a base: parts with a colon between, none at either end.
  const root = base.split(/[:/\\]+/).filter(Boolean).join(":");
  const before = root === "" ? "" : `${root}:`;
  const at = (key) => before + key;

  async function set(key, value, given) {
    const seconds = given?.ttl ?? ttl;
    // What is over already is not stored: without an end it would stay for ever.
    if (seconds !== undefined && !(seconds > 0)) await redis.del(at(key));
    else await redis.set(at(key), value, seconds === undefined ? undefined : { ex: Math.ceil(seconds) });
  }

  return {
    name: "restis",
    // Items end by themselves; which keys are too deep for a listing unstorage sorts out.
    flags: { ttl: true },
    options: { base, ttl, scanCount },
    getInstance: () => redis,
    hasItem: async (key) => (await redis.exists(at(key))) === 1,
    getItem: (key) => redis.get(at(key)),
    async getItems(items) {
      if (items.length === 0) return [];
      const values = await redis.mget(items.map(({ key }) => at(key)));
      return items.map(({ key }, i) => ({ key, value: values[i] }));
    },
    setItem: set,
    async removeItem(key) {
      await redis.unlink(at(key));
    },
    async getMeta(key) {
      const left = await redis.pttl(at(key));
      // Redis answers -2 for a key that is not there, and -1 for one without an end.
      return left === -2 ? null : left === -1 ? {} : { ttl: left / 1000 };
    },
    async getKeys(below) {
      const found = new Set();
      for await (const keys of keysBelow(redis, at(below ?? ""), scanCount)) for (const key of keys) found.add(key);
      return [...found].map((key) => key.slice(before.length));
    },
    async clear(below) {
      for await (const keys of keysBelow(redis, at(below ?? ""), scanCount)) await redis.unlink(...keys);
    },
  };
}
