/**
 * A store of Keyv, 5 and 6: `new Keyv(new KeyvStore())`.
 *
 * Each call is one request; `clear` and `iterator` look at all keys of the database, a page at a time.
 */

import type { ClientOptions, Environment } from "./index.js";

/** Those of a client, and where its keys are. */
export interface KeyvStoreOptions extends Omit<ClientOptions, "automaticDeserialization" | "deserialize" | "bigint"> {
  /** URL and token. Default: those of the environment. */
  url?: string;
  token?: string;
  /** The environment of a Worker. */
  env?: Environment;
  /** Stands before all keys, as `namespace::key`. Default: the one that Keyv is given, else `keyv`. */
  namespace?: string;
  /** How many keys the server looks at for one page. Default: 1000. */
  scanCount?: number;
}

/** The store, for `new Keyv(new KeyvStore())`. */
export class KeyvStore {
  constructor(options?: KeyvStoreOptions);
  namespace: string | undefined;
  opts: { dialect: string };
  /** A value, or undefined. */
  get<T>(key: string): Promise<T | undefined>;
  /** Values in the order of their keys. */
  getMany<T>(keys: string[]): Promise<(T | undefined)[]>;
  /** Stores a value, for `ttl` milliseconds or without an end. */
  set(key: string, value: any, ttl?: number): Promise<boolean>;
  /** Stores values, each with its own `ttl`. */
  setMany(entries: { key: string; value: any; ttl?: number }[]): Promise<boolean[]>;
  /** Whether there is such a key. */
  has(key: string): Promise<boolean>;
  /** Whether there are such keys, in their order. */
  hasMany(keys: string[]): Promise<boolean[]>;
  /** Deletes a key; whether it was there. */
  delete(key: string): Promise<boolean>;
  /** Deletes keys; whether each was there. */
  deleteMany(keys: string[]): Promise<boolean[]>;
  /** Deletes every key of the namespace, a page at a time. */
  clear(): Promise<void>;
  /** Keys and values of the namespace, a page at a time. */
  iterator(): AsyncGenerator<[string, string], void>;
  /** Nothing, since there is no connection. */
  disconnect(): Promise<void>;
  /** Nothing, since what goes wrong is thrown. */
  on(event: string, listener: (...args: any[]) => void): this;
}

export default KeyvStore;
