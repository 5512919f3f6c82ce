// What adapters share: a client that hands text back as it was stored, and the keys below a prefix.

import { Redis } from "restis";

/** A client by options, or by the environment where they have no URL. Values come back as text, whatever they look like. */
export function textClient({ env, ...options }) {
  const settings = { ...options, automaticDeserialization: false };
  return settings.url === undefined ? Redis.fromEnv(env, settings) : new Redis(settings);
}

/** Pages of the keys that begin with a prefix, in which the signs of a pattern are signs like others. */
export async function* keysBelow(redis, prefix, count) {
  const match = `${prefix.replace(/[\\*?[\]]/g, "\\$&")}*`;
  let cursor = "0";
  do {
    const [next, keys] = await redis.scan(cursor, { match, count });
    if (keys.length > 0) yield keys;
    cursor = next;
  } while (cursor !== "0");
}
