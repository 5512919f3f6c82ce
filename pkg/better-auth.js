// What better-auth keeps outside of its database: its `secondaryStorage`, over Redis.

import { textClient } from "./text-client.js";

/** Seconds as Redis takes them: whole, and not fewer than were asked for. */
const seconds = (ttl) => ({ ex: Math.ceil(ttl) });

export function secondaryStorage({ prefix = "better-auth:", ...options } = {}) {
  const redis = textClient(options);
  const at = (key) => prefix + key;
  return {
    get: (key) => redis.get(at(key)),
    getAndDelete: (key) => redis.getdel(at(key)),
    async set(key, value, ttl) {
      // What is over already is not stored: without an end it would stay for ever.
      if (ttl !== undefined && !(ttl > 0)) await redis.del(at(key));
      else await redis.set(at(key), value, ttl === undefined ? undefined : seconds(ttl));
    },
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
