/**
 * A store of Keyv, 5 and 6: `new Keyv({ store: new KeyvStore(), namespace: "users" })`.
 *
 * Keys are `namespace::key`, as those of `@keyv/redis`. Without a namespace they are stored as they are, and `clear` and
 * `iterator` mean every key of the database that has no `::` in it: give a namespace where others share the database. Each
 * call is one request; `clear` and `iterator` read all keys of the database, a page at a time. Use one store for one Keyv.
 *
 * @example
 * import Keyv from "keyv";
 * import { KeyvStore } from "restis/keyv";
 *
 * const keyv = new Keyv({ store: new KeyvStore(), namespace: "users" });
 *
 * Source: [storage adapters](https://keyv.org/docs/keyv/#third-party-storage-adapters).
 */

import type { ClientOptions, Environment } from "./index.js";

/** Options of a client, and where its keys are. */
export interface KeyvStoreOptions extends Omit<ClientOptions, "automaticDeserialization" | "deserialize" | "bigint"> {
  /** URL and token. Default: those of the environment. */
  url?: string;
  token?: string;
  /** The environment of a Worker. */
  env?: Environment;
  /** Sets the namespace that keys are in. Keyv overwrites it with its own, which is `keyv` by default in Keyv 5. Default: none. */
  namespace?: string;
  /** Sets how many keys the server looks at for one page. Default: 1000. */
  scanCount?: number;
}

/** The store, for `new Keyv({ store: new KeyvStore() })`. */
export class KeyvStore {
  constructor(options?: KeyvStoreOptions);
  /** The namespace of the keys. Keyv sets it. */
  namespace: string | undefined;
  /** Read by Keyv 5, which is how the store recognizes it: times to live are durations then. */
  readonly opts: any;
  /** Read by Keyv 6: the store takes `expires`, a time in milliseconds since 1970. */
  readonly capabilities: any;
  /** Returns a value, or undefined. Under Keyv 5 an error is emitted too, since `keyv.get` does not report it. */
  get<T>(key: string): Promise<T | undefined>;
  /** Returns values in the order of their keys. */
  getMany<T>(keys: string[]): Promise<(T | undefined)[]>;
  /** Stores text until the time `expires`, or without an end. Under Keyv 5 the last argument is a duration in milliseconds. */
  set(key: string, value: any, expires?: number): Promise<boolean>;
  /** Stores several texts, each until its time `expires` or for its duration `ttl`. */
  setMany(entries: { key: string; value: any; expires?: number; ttl?: number }[]): Promise<boolean[]>;
  /** Returns whether there is such a key. */
  has(key: string): Promise<boolean>;
  /** Returns whether there are such keys, in their order. */
  hasMany(keys: string[]): Promise<boolean[]>;
  /** Deletes a key. Returns whether there was one. */
  delete(key: string): Promise<boolean>;
  /** Deletes keys. Returns whether there was each; under Keyv 5 whether there were all. */
  deleteMany(keys: string[]): Promise<any>;
  /** Deletes every key of the namespace, a page at a time. */
  clear(): Promise<void>;
  /** Yields keys and values of a namespace, a page at a time. Default: the store's. */
  iterator(namespace?: string): AsyncGenerator<[string, any], void>;
  /** Has no effect: there is no connection. */
  disconnect(): Promise<void>;
  /** Calls the listener at each `error`. */
  on(event: string, listener: (...args: any[]) => void): this;
  /** The same, for the next event only. */
  once(event: string, listener: (...args: any[]) => void): this;
  /** Removes a listener. */
  off(event: string, listener: (...args: any[]) => void): this;
}

export default KeyvStore;
