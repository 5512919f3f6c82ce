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
  get(key: string, context?: any): Promise<any>;
  set(key: string, value: any, context?: any): Promise<void>;
  revalidateTag(tags: string | string[]): Promise<void>;
  resetRequestCache(): void;
};

/** The object for `cacheHandlers` in next.config: `"use cache"`. */
export function useCacheHandler(options?: NextOptions): {
  get(key: string, softTags: string[]): Promise<any>;
  set(key: string, entry: Promise<any>): Promise<void>;
  refreshTags(): Promise<void>;
  getExpiration(tags: string[]): Promise<number>;
  updateTags(tags: string[], durations?: { expire?: number }): Promise<void>;
};
