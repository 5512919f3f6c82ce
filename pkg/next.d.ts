/**
 * Stores the caches of Next.js 15 and 16 in Redis, for several servers or for functions that keep nothing.
 *
 * @example
 * // cache-handler.mjs
 * import { cacheHandler } from "restis/next";
 * export default cacheHandler({ prefix: "shop:" });
 *
 * // use-cache-handler.mjs
 * import { useCacheHandler } from "restis/next";
 * export default useCacheHandler({ prefix: "shop:use:" });
 *
 * // next.config.mjs; in Next.js 15 `cacheHandlers` is in `experimental`
 * export default {
 *   cacheHandler: import.meta.resolve("./cache-handler.mjs").slice("file://".length),
 *   cacheMaxMemorySize: 0,
 *   cacheHandlers: { default: import.meta.resolve("./use-cache-handler.mjs").slice("file://".length) },
 * };
 *
 * **Order.** No server's clock decides what is old. Redis numbers renders and invalidations; an entry has the number that was
 * read before its render. A page that was rendered from data that is revalidated meanwhile is not stored. If a record of a tag is
 * evicted, its entries are a miss.
 *
 * **Builds.** Pages belong to the build that rendered them, by the file `BUILD_ID`; data of `fetch`, `unstable_cache` and tags are
 * shared between builds. Give `next build` the variables of Redis: pages of the build are then served, and stored in Redis, until
 * their tags are revalidated. Without Redis a build works too, and each of its pages is rendered again at its first request.
 *
 * **Failures.** While Redis cannot be reached, every read is a miss and nothing is stored; after a failure Redis is left alone for
 * a second. `get` and `set` never throw. `revalidateTag` and `updateTags` are tried for 10 seconds and then reject, since old
 * pages would stay. A server action then fails. A route handler has answered by then, and Next.js logs the error. The process also
 * keeps the tags, up to 10,000, and invalidates them before its next read once Redis is back. All failures go to `onError`.
 *
 * **Cost.** A read is one request and one billed command (`MGET`). The first read of an entry by a process is two if the
 * entry has tags that Next.js does not name. A stale entry, and an entry with a tag whose record is missing, take one more. A write
 * and a revalidation are one each (`EVALSHA`). Every key expires.
 */

import type { ClientOptions, Environment } from "./index.js";

/** Options of the client, and of where and how entries are stored. */
export interface NextOptions extends Omit<ClientOptions, "automaticDeserialization" | "deserialize" | "bigint"> {
  /** URL of the database. Default: that of the environment. */
  url?: string;
  /** Token of the database. Default: that of the environment. */
  token?: string;
  /** Variables to read URL and token from. Default: `process.env`. */
  env?: Environment;
  /** Prefix of all keys. Default: `next:`, and `next:use:` for `"use cache"`. Two applications on one database need two. */
  prefix?: string;
  /** Seconds after which an entry that is not renewed expires; `expire` of a page can only shorten it. Default: 30 days. */
  ttl?: number;
  /** Milliseconds that a page waits for Redis at most. Default: 1,000, and 10,000 for `revalidateTag`. */
  timeout?: number;
  /** Characters of the largest entry. Larger ones are reported and not stored, and the entry before is deleted. Default: 10,485,760. */
  maxSize?: number;
  /** Called with every failure: that of an operation, with the entry's key if there is one. Default: a warning in the console. */
  onError?: (error: unknown, about: { operation: "get" | "set" | "build" | "revalidateTag"; key?: string }) => void;
}

/** Options of the handler of pages and fetches. */
export interface CacheHandlerOptions extends NextOptions {
  /** Id of the build. Default: what Next.js wrote to `BUILD_ID`. Two builds with one id share their pages. */
  buildId?: string;
}

/** Creates the class for `cacheHandler` in next.config: pages, routes, fetches and `unstable_cache`. */
export function cacheHandler(options?: CacheHandlerOptions): new (context?: any) => {
  /**
   * Reads an entry. Returns null if there is none, if one of its tags was revalidated or if Redis cannot be reached. An entry
   * that `revalidateTag` made stale is returned with times that let Next.js serve it and render it again in the background.
   */
  get(key: string, context?: any): Promise<any>;
  /** Stores an entry, unless one of its tags was revalidated since its `get`. Never rejects. */
  set(key: string, value: any, context?: any): Promise<void>;
  /** Invalidates tags: at once, or once `expire` seconds have passed, for which entries are served stale. Rejects if Redis cannot be reached. */
  revalidateTag(tags: string | string[], durations?: { expire?: number }): Promise<void>;
  /** Has no effect: entries are not kept for a request. */
  resetRequestCache(): void;
};

/** Creates the object for `cacheHandlers` in next.config: `"use cache"`. */
export function useCacheHandler(options?: NextOptions): {
  /** Reads an entry. Returns undefined if there is none, if a tag of it or of the page was revalidated or if Redis cannot be reached. */
  get(key: string, softTags: string[]): Promise<any>;
  /** Stores an entry when it is whole. Rejects only if the entry does. */
  set(key: string, entry: Promise<any>): Promise<void>;
  /** Reads the first number of a process; later ones are read with the entries. */
  refreshTags(): Promise<void>;
  /** Returns Infinity: Next.js then passes the tags of a page to `get`. */
  getExpiration(tags: string[]): Promise<number>;
  /** Invalidates tags: at once, or once `expire` seconds have passed, for which entries are served stale. Rejects if Redis cannot be reached. */
  updateTags(tags: string[], durations?: { expire?: number }): Promise<void>;
  /** Invalidates tags at once, in Next.js 15. */
  expireTags(...tags: string[]): Promise<void>;
  /** Has no effect: tags are read with the entries. */
  receiveExpiredTags(...tags: string[]): Promise<void>;
};
