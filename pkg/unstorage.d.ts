import type { Environment, Redis, RedisOptions } from "./index.js";

/** Those of a client, and where its items are. */
export interface DriverOptions extends Partial<Omit<RedisOptions, "automaticDeserialization">> {
  /** What the keys are below: `cache` makes `cache:key`. Default: nothing. */
  base?: string;
  /** Has no effect: Nitro and Nuxt pass the driver's own name along. */
  driver?: string;
  /** Seconds that items live where `setItem` says nothing. Default: without an end. */
  ttl?: number;
  /** How many keys the server looks at for one page of `getKeys` and `clear`. Default: 1000. */
  scanCount?: number;
  /** Where URL and token are, if they are not among the options: `process.env` by default, in a Worker its `env`. */
  env?: Environment;
}

/** What unstorage 1.x asks of a driver. */
export interface Driver {
  name: string;
  flags: { ttl: boolean };
  options: { base: string | undefined; ttl: number | undefined; scanCount: number };
  /** The client. */
  getInstance(): Redis;
  /** Whether there is such an item. */
  hasItem(key: string): Promise<boolean>;
  /** The text of an item, or null. */
  getItem(key: string): Promise<string | null>;
  /** The texts of items, in their order. */
  getItems(items: { key: string }[]): Promise<{ key: string; value: string | null }[]>;
  /** Stores an item for `ttl` seconds, rounded up, or as long as the driver is set to. A `ttl` of 0 or less deletes the item. */
  setItem(key: string, value: string, options?: { ttl?: number }): Promise<void>;
  /** Deletes an item. */
  removeItem(key: string): Promise<void>;
  /** The seconds that are left, as `ttl`; null for an item that is not there. */
  getMeta(key: string): Promise<{ ttl?: number } | null>;
  /** The keys below a base. */
  getKeys(base?: string): Promise<string[]>;
  /** Deletes what is below a base. */
  clear(base?: string): Promise<void>;
}

/**
 * A driver of unstorage, as Nitro and Nuxt use it, over Redis.
 *
 * Keys are those of unstorage's own `upstash` driver with the same `base`. An item is one round trip and one billed
 * command, `getItems` too; `getKeys` is one for each page, and `clear` one more for each page of what it found.
 *
 * ```ts
 * import { createStorage } from "unstorage";
 * import driver from "restis/unstorage";
 *
 * const storage = createStorage({ driver: driver({ base: "cache" }) });
 * await storage.setItem("user:42", { name: "ada" }, { ttl: 300 });
 * ```
 *
 * Nitro and Nuxt take it by its path, with its options beside it. URL and token may be missing while an app is built: the first
 * call of an item reports that. For Workers set Nitro's `experimental: { wasm: true }` too.
 *
 * ```ts
 * export default defineNitroConfig({ storage: { cache: { driver: "restis/unstorage", base: "cache" } } });
 * ```
 *
 * Source: [custom drivers](https://unstorage.unjs.io/guide/custom-driver).
 */
export default function driver(options?: DriverOptions): Driver;
