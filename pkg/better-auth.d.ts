import type { Environment, RedisOptions } from "./index.js";

/** Those of a client, and where its keys are. */
export interface SecondaryStorageOptions extends Partial<Omit<RedisOptions, "automaticDeserialization">> {
  /** What stands before each key: `better-auth:` by default. */
  prefix?: string;
  /** Where URL and token are, if they are not among the options: `process.env` by default, in a Worker its `env`. */
  env?: Environment;
}

/** What better-auth 1.x asks of its `secondaryStorage`. */
export interface SecondaryStorage {
  /** A value, or null. */
  get(key: string): Promise<string | null>;
  /** A value, which is then gone; of two who ask one gets it. */
  getAndDelete(key: string): Promise<string | null>;
  /**
   * Adds 1 to a counter and returns the sum. The first call sets its `ttl` in seconds, rounded up; without one it does not expire, and
   * with 0 nothing is kept: each call returns 1.
   */
  increment(key: string, ttl: number): Promise<number>;
  /** Stores a value for `ttl` seconds, rounded up, or without an end. A `ttl` of 0 or less deletes the key. */
  set(key: string, value: string, ttl?: number): Promise<void>;
  /** Deletes a value. */
  delete(key: string): Promise<void>;
}

/**
 * The `secondaryStorage` of better-auth, over Redis: sessions, verifications and counters of its rate limit.
 *
 * Each method is one round trip. `get`, `getAndDelete`, `set` and `delete` are one billed command, `increment` two. What
 * may have run is not sent again: such an error has `ambiguous`.
 *
 * ```ts
 * import { betterAuth } from "better-auth";
 * import { secondaryStorage } from "restis/better-auth";
 *
 * const auth = betterAuth({ secondaryStorage: secondaryStorage() });
 * ```
 *
 * better-auth keeps its session tokens as keys, as they are: who reads the database can use them.
 *
 * Source: [secondary storage](https://www.better-auth.com/docs/concepts/database#secondary-storage).
 */
export function secondaryStorage(options?: SecondaryStorageOptions): SecondaryStorage;
