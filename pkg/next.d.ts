/**
 * Next.js's caches over Redis, for several servers, or functions that keep nothing.
 *
 * @example
 * // cache-handler.mjs
 * import { cacheHandler } from "restis/next";
 * export default cacheHandler({ prefix: "shop:" });
 *
 * // use-cache-handler.mjs
 * import { useCacheHandler } from "restis/next";
 * export default useCacheHandler();
 *
 * // next.config.mjs
 * export default {
 *   cacheHandler: import.meta.resolve("./cache-handler.mjs").slice("file://".length),
 *   cacheMaxMemorySize: 0,
 *   cacheHandlers: { default: import.meta.resolve("./use-cache-handler.mjs").slice("file://".length) },
 * };
 *
 * A read is one request, or two for an entry with tags; a write or `revalidateTag` is one.
 */

import type { ClientOptions, Environment } from "./index.js";

/** Those of a client, and where its entries are. */
export interface NextOptions extends Omit<ClientOptions, "automaticDeserialization" | "deserialize" | "bigint"> {
  /** URL and token. Default: those of the environment. */
  url?: string;
  token?: string;
  env?: Environment;
  /** Stands before all keys. Default: `next:`, and `next:use:` for `"use cache"`. A new deployment with other pages wants another. */
  prefix?: string;
  /** After so many seconds an entry goes that nobody renews. Default: 30 days. */
  ttl?: number;
}

/** The class for `cacheHandler` in next.config: pages, routes and fetches. */
export function cacheHandler(options?: NextOptions): new (context?: any) => {
  /** An entry, unless a tag of it was revalidated. */
  get(key: string, context?: any): Promise<any>;
  /** Stores an entry. */
  set(key: string, value: any, context?: any): Promise<void>;
  /** What has one of these tags is old. */
  revalidateTag(tags: string | string[]): Promise<void>;
  /** Nothing, since nothing is kept for a request. */
  resetRequestCache(): void;
};

/** The object for `cacheHandlers` in next.config: `"use cache"`. */
export function useCacheHandler(options?: NextOptions): {
  /** An entry, unless a tag of it or of the page was revalidated. */
  get(key: string, softTags: string[]): Promise<any>;
  /** Stores an entry when it is whole. */
  set(key: string, entry: Promise<any>): Promise<void>;
  /** Nothing, since tags are read with the entries. */
  refreshTags(): Promise<void>;
  /** When one of these tags was last revalidated, in milliseconds since 1970. */
  getExpiration(tags: string[]): Promise<number>;
  /** What has one of these tags is old, at once or after `expire` seconds. */
  updateTags(tags: string[], durations?: { expire?: number }): Promise<void>;
};
