// What adapters share: a client that hands text back as it was stored, and how long what they store is there.

import { ConfigError, Redis } from "restis";

/** A client by options, or by the environment where they have no URL. Values come back as text, whatever they look like. */
export function textClient({ env, ...options }) {
  const settings = { ...options, automaticDeserialization: false };
  return settings.url === undefined ? Redis.fromEnv(env, settings) : new Redis(settings);
}

/** The same, made at once or, where the environment has no URL and token yet, at first use: Nitro mounts drivers when it builds too. */
export function textClientLater(options) {
  let redis;
  const client = () => (redis ??= textClient(options));
  try {
    client();
  } catch (error) {
    if (options.url !== undefined || !(error instanceof ConfigError) || !/ is missing|no process\.env/.test(error.message)) throw error;
  }
  return client;
}

/** How many keys the server looks at for one page. */
export const PAGE = 1000;

/** A text as a pattern that means it: the signs of a pattern in it are signs like others. */
export const literal = (text) => text.replace(/[\\*?[\]]/g, "\\$&");

/** Pages of keys, as the server gives them: some may have none, and a key may come twice. */
export async function* pages(redis, options) {
  let cursor = "0";
  do {
    const [next, keys] = await redis.scan(cursor, options);
    yield keys;
    cursor = next;
  } while (cursor !== "0");
}

/** The longest duration that Redis takes, and that a Date can hold. */
const LONGEST = 8_640_000_000_000_000;

/** Milliseconds as Redis takes them: whole, and not fewer than were asked for. Nothing means without an end. */
export function millisecondsOf(duration) {
  if (duration === undefined || duration === null) return undefined;
  if (typeof duration !== "number" || Number.isNaN(duration)) throw new TypeError("a time to live must be a number; leave it out to store without an end");
  return duration >= LONGEST ? undefined : Math.ceil(duration);
}

/** Seconds as Redis takes them: whole, and not fewer than were asked for. */
export const seconds = (ttl) => ({ ex: Math.ceil(ttl) });

/** A time to live in seconds as options of SET. */
export function expiry(seconds) {
  const ms = millisecondsOf(typeof seconds === "number" ? seconds * 1000 : seconds);
  if (ms === undefined) return undefined;
  return { ex: Math.ceil(ms / 1000) };
}

/** Stores a value for so many seconds, or without an end. */
export async function store(redis, key, value, ttl) {
  const options = expiry(ttl);
  // What is over already is not stored: without an end it would stay for ever.
  if (options?.ex <= 0) await redis.del(key);
  else await redis.set(key, value, options);
}
