// What better-auth keeps outside of its database: its `secondaryStorage`, over Redis.

import { seconds, store, textClient } from "./text-client.js";

export function secondaryStorage({ prefix = "better-auth:", ...options } = {}) {
  const redis = textClient(options);
  const at = (key) => prefix + key;
  return {
    get: (key) => redis.get(at(key)),
    getAndDelete: (key) => redis.getdel(at(key)),
    set: (key, value, ttl) => store(redis, at(key), value, ttl),
    async delete(key) {
      await redis.del(at(key));
    },
    async increment(key, ttl) {
      // The first makes the counter with its end, in the same step as it counts; INCR leaves the end as it is.
      const counter = redis.multi().set(at(key), "0", { ...seconds(ttl), nx: true }).incr(at(key));
      const [, count] = await counter.exec();
      return count;
    },
  };
}
