/**
 * A store of Keyv, 5 and 6: `new Keyv(new KeyvStore())`.
 *
 * Each call is one request; `clear` and `iterator` look at all keys of the database, a page at a time.
 */

import type { ClientOptions, Environment } from "./index.js";

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

export class KeyvStore {
  constructor(options?: KeyvStoreOptions);
  namespace: string | undefined;
  opts: { dialect: string };
  get<T>(key: string): Promise<T | undefined>;
  getMany<T>(keys: string[]): Promise<(T | undefined)[]>;
  set(key: string, value: any, ttl?: number): Promise<boolean>;
  setMany(entries: { key: string; value: any; ttl?: number }[]): Promise<boolean[]>;
  has(key: string): Promise<boolean>;
  hasMany(keys: string[]): Promise<boolean[]>;
  delete(key: string): Promise<boolean>;
  deleteMany(keys: string[]): Promise<boolean[]>;
  clear(): Promise<void>;
  iterator(): AsyncGenerator<[string, string], void>;
  disconnect(): Promise<void>;
  on(event: string, listener: (...args: any[]) => void): this;
}

export default KeyvStore;
