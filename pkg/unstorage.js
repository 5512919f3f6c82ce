// A driver of unstorage, over Redis: its items are keys, below a base.

import { literal, PAGE, store, textClientLater } from "./text-client.js";

/** `driver` is this driver's name: Nitro and Nuxt pass the whole configuration of a mount. */
export default function driver({ base, ttl, scanCount = PAGE, driver: _name, ...options } = {}) {
  const redis = textClientLater(options);
  // As unstorage writes a base: parts with a colon between, none at either end.
  const root = (base ?? "").split(/[:/\\]+/).filter(Boolean).join(":");
  const before = root === "" ? "" : `${root}:`;
  const at = (key) => before + key;

  /** The keys in Redis that begin with a base. */
  async function keysBelow(base) {
    const match = `${literal(at(base ?? ""))}*`;
    // A scan may give a key twice.
    const found = new Set();
    for await (const key of redis().scanIterator({ match, count: scanCount })) found.add(key);
    return [...found];
  }

  return {
    name: "restis",
    // Items end by themselves; which keys are too deep for a listing unstorage sorts out.
    flags: { ttl: true },
    options: { base, ttl, scanCount },
    getInstance: redis,
    hasItem: async (key) => (await redis().exists(at(key))) === 1,
    getItem: async (key) => redis().get(at(key)),
    async getItems(items) {
      if (items.length === 0) return [];
      const values = await redis().mget(items.map(({ key }) => at(key)));
      return items.map(({ key }, i) => ({ key, value: values[i] }));
    },
    setItem: async (key, value, given) => store(redis(), at(key), value, given?.ttl ?? ttl),
    async removeItem(key) {
      await redis().unlink(at(key));
    },
    async getMeta(key) {
      const left = await redis().pttl(at(key));
      // Redis answers -2 for a key that is not there, and -1 for one without an end.
      return left === -2 ? null : left === -1 ? {} : { ttl: left / 1000 };
    },
    getKeys: async (base) => (await keysBelow(base)).map((key) => key.slice(before.length)),
    async clear(base) {
      const keys = await keysBelow(base);
      for (let i = 0; i < keys.length; i += scanCount) await redis().unlink(keys.slice(i, i + scanCount));
    },
  };
}
