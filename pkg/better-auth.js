// What better-auth keeps outside of its database: its `secondaryStorage`, over Redis.

import { expiry, store, textClient } from "./text-client.js";

export function secondaryStorage({ prefix = "better-auth:", ...options } = {}) {
  const redis = textClient(options);
  const at = (key) => prefix + key;
  return {
    get: (key) => redis.get(at(key)),
    getAndDelete: (key) => redis.getdel(at(key)),
    async set(key, value, ttl) {
      // It would come back as the text "null".
      if (value === null || value === undefined) throw new TypeError("secondaryStorage.set: the value must be text; call delete to remove a key");
      await store(redis, at(key), value, ttl);
    },
    async delete(key) {
      await redis.del(at(key));
    },
    async increment(key, ttl) {
      const end = expiry(ttl);
      if (end?.ex <= 0) {
        await redis.del(at(key));
        return 1;
      }
      // The first makes the counter with its end, in the same step as it counts; INCR leaves the end as it is.
      const counter = redis.multi().set(at(key), "0", { ...end, nx: true }).incr(at(key));
      const [, count] = await counter.exec();
      return count;
    },
  };
}
