/**
 * The client, and what people come to Redis for: {@link Cache}, {@link Sessions}, {@link RateLimiter}, {@link Lock},
 * {@link Semaphore}, {@link Throttle}, {@link Debounce}, {@link Idempotency} and {@link Queue}. The Rust crate has them by the same names, with
 * the same keys.
 *
 * Durations are milliseconds from 0 on; `Infinity`, and whatever is longer, is 1,000 years. NaN, negative numbers and null are
 * refused by the name of the option, and so is a count that is not a whole number. Values are what JSON holds: what it would write as
 * `{}` or leave out (promises, Maps, Sets, Errors, functions, symbols, bytes, objects of a class without enumerable fields or `toJSON`)
 * is a TypeError that names its place. A method rejects with a {@link RedisError}, with a TypeError for a wrong
 * argument, and with whatever a callback of yours threw.
 *
 * @example
 * import { Cache, Redis } from "restis/helpers";
 *
 * const cache = new Cache(Redis.fromEnv(), { namespace: "user", ttl: 60_000 });
 * const user = await cache.getOrSet(id, () => database.user(id));
 */

import type { Redis } from "./index.js";
import { RedisError } from "./index.js";
import type { JobOptions } from "./queue.js";

export { FlowProducer, type JobOptions } from "./queue.js";

export * from "./index.js";

/** A key, a name, an id. */
type Name = string | number | bigint;

/** How one entry of the cache is kept. */
export interface EntryOptions {
  /** How long it is fresh. Default: that of the cache. */
  ttl?: number;
  /** By what it is invalidated together with others. */
  tags?: readonly string[];
  /** How long after that it is answered while it is loaded anew. */
  staleWhileRevalidate?: number;
  /** How long after that it is answered if the loader fails. */
  staleIfError?: number;
}

export interface FetchOptions extends EntryOptions {
  /**
   * Takes the work that is done behind the answer, as `(promise) => ctx.waitUntil(promise)` in a Worker: the write of a loaded
   * value, and the refresh of one that is stale or about to end. Without it that work is done before the answer, so that a
   * program may end with it. A server that runs on may pass `() => {}`.
   */
  waitUntil?: (promise: Promise<unknown>) => void;
}

/** How a cache keeps its entries, and what it does without Redis. */
export interface CacheOptions {
  /** Stands before all keys: `user` stores 42 as `user:42`. Tags and `clear` are its own. Default: none. */
  namespace?: string;
  /** How long a value is fresh. Default: 5 minutes. */
  ttl?: number;
  /** Which part of the TTL is random. Default: 0.1. */
  jitter?: number;
  /** How long it is kept that there is nothing, which is null. */
  negativeTtl?: number;
  staleWhileRevalidate?: number;
  staleIfError?: number;
  /** How early a crowded key is loaded anew, by chance: XFetch's beta. 0 is never. Default: 1. */
  earlyRefresh?: number;
  /** At most this long for a loader. */
  loaderTimeout?: number;
  /** How long a load of one process keeps others from loading the same. */
  lease?: number;
  /** How long after a loader's error nobody tries again. Default: 10 000. */
  errorBackoff?: number;
  /** Whether loaders run without Redis. Default: yes. */
  failOpen?: boolean;
  /** At most this long for Redis, before a loader runs without it. Default: 2000. */
  redisTimeout?: number;
  /**
   * Whether callers in this process wait for each other's load. Default: no, since two requests of a Worker must not; turn it
   * on in Node. Over Redis one loads for all in any case.
   */
  singleFlight?: boolean;
  /** Values in the memory of this process: how many bytes, and for how long. */
  memory?: { bytes: number; ttl: number };
}

/** Where an answer came from. */
export type CacheStatus = "hit" | "memory" | "stale" | "staleIfError" | "miss" | "refresh" | "early" | "collapsed" | "bypass";

/** An answer with where it came from. */
export interface Cached<T> {
  value: T;
  status: CacheStatus;
  /** Seconds that it is still fresh; null where it is not kept. */
  ttl: number | null;
  /** The text of a field `Cache-Status` (RFC 9211). */
  cacheStatus: string;
}

/** What a loader found, and how it is kept. */
export class Loaded<T> {
  constructor(value: T, options?: { ttl?: number; negativeTtl?: number; tags?: readonly string[]; etag?: string; store?: boolean });
  readonly value: T;
  /** What was there before is still right; only where a loader got it. */
  static notModified(options?: { ttl?: number }): Loaded<never>;
}

/** What was there before a load: its value, and what {@link Loaded} said of it. */
export interface Previous<T> {
  value: T;
  etag?: string;
}

/** How often each thing happened. */
export interface CacheStats {
  hits: number;
  memoryHits: number;
  stale: number;
  staleIfError: number;
  misses: number;
  early: number;
  loads: number;
  loadErrors: number;
  waits: number;
  /** Requests to Redis, and commands that are billed. */
  requests: number;
  billed: number;
  errors: number;
}

/**
 * A cache with one load for a crowd, over all processes. A hit is one request and one billed command, a miss three of each.
 *
 * @example
 * const cache = new Cache(redis, { namespace: "page", ttl: 60_000, staleWhileRevalidate: 600_000 });
 * const page = await cache.getOrSet(path, () => render(path), { tags: ["pages"], waitUntil: (work) => ctx.waitUntil(work) });
 * await cache.invalidateTags("pages");
 */
export class Cache {
  constructor(redis: Redis, options?: CacheOptions);
  /** The value, or undefined where none is fresh. */
  get<T = unknown>(key: Name): Promise<T | undefined>;
  /** The values in the order of their keys, undefined where none is fresh. One request. */
  getMany<T = unknown>(keys: readonly Name[]): Promise<(T | undefined)[]>;
  /** Stores a value; null says that there is nothing. Two requests, two billed commands. */
  set(key: Name, value: unknown, options?: EntryOptions): Promise<void>;
  /** Stores values, all with what the cache says of entries. Two requests, one billed command and one for each value. */
  setMany(values: Record<string, unknown> | ReadonlyMap<Name, unknown>): Promise<void>;
  /** The value, else what the loader gives: it is kept, and one caller loads for all. What the loader throws is thrown. */
  getOrSet<T>(key: Name, loader: (previous?: Previous<T>) => T | Loaded<T> | Promise<T | Loaded<T>>, options?: FetchOptions): Promise<T>;
  /** As {@link getOrSet}, with where the answer came from. */
  fetch<T>(key: Name, loader: (previous?: Previous<T>) => T | Loaded<T> | Promise<T | Loaded<T>>, options?: FetchOptions): Promise<Cached<T>>;
  /** Many at a time: the loader gets the keys that are not there, and gives the values of those that it found. */
  getOrSetMany<T>(
    keys: readonly Name[],
    loader: (keys: string[]) => Promise<Record<string, T> | ReadonlyMap<string, T>> | Record<string, T> | ReadonlyMap<string, T>,
  ): Promise<Map<string, T>>;
  /** Writes the source by a function, and keeps what that gives; nobody reads what was there meanwhile. */
  update<T>(key: Name, write: () => T | Promise<T>, options?: EntryOptions): Promise<T>;
  /** Fresh for another TTL; whether it was there. */
  touch(key: Name, options?: EntryOptions): Promise<boolean>;
  /** Deletes keys, also for loads that are under way. One request. */
  delete(...keys: (Name | readonly Name[])[]): Promise<void>;
  /** Everything that has one of these tags is old. One request. */
  invalidateTags(...tags: (Name | readonly Name[])[]): Promise<void>;
  /** Everything is old. One request. */
  clear(): Promise<void>;
  /** Deletes the keys of a glob pattern; how many. It looks at all keys of the database. */
  invalidateMatching(pattern: string): Promise<number>;
  /** What became of the calls of this object. */
  stats(): Promise<CacheStats>;
}

/** When sessions end, and where they are. */
export interface SessionsOptions {
  /** Stands before all keys. */
  namespace?: string;
  /** Without a request for this long a session ends; `Infinity` is never. Default: 30 minutes. */
  idle?: number;
  /** How often a session is written that is only read. */
  touchEvery?: number;
  /** After this long it ends, whatever happens. Default: 8 hours. */
  absolute?: number;
  /** When a renewal of the token is due; `Infinity` is never. */
  renewal?: number;
  /** How long a token is good that has been replaced. Default: 10 seconds. */
  grace?: number;
  /** How many sessions a user may have: the oldest ends. */
  cap?: number;
  /**
   * Decides what happens to a session that is used from another browser or address. It may return a promise. Only `"accept"` keeps the
   * session. Any other result, an exception and a rejection end it, and {@link Sessions.validate} returns null. Default: every
   * session is accepted.
   */
  onAnomaly?: (anomaly: Anomaly) => "accept" | "revoke" | Promise<"accept" | "revoke">;
}

/** A session is used from somewhere else than it was made. */
export interface Anomaly {
  /** Its id. */
  session: string;
  /** Whether the browser is another one. */
  userAgent: boolean;
  /** Whether the address is. */
  ip: boolean;
}

/** Where a request came from. */
export interface DeviceOptions {
  /** The first 512 bytes of its UTF-8 are kept and compared. */
  userAgent?: string;
  /** The first 128 bytes are kept and compared. */
  ip?: string;
}

/** What the holder gets: the token is the secret, and Redis never sees it. */
export interface Issued {
  token: string;
  id: string;
}

/** A session: times are milliseconds since 1970. */
export interface Session<T> {
  id: string;
  user: string | null;
  data: T;
  createdAt: number;
  endsAt: number;
  userAgent: string | null;
  ip: string | null;
  isRenewalDue: boolean;
  anomaly: Anomaly | null;
  /** The token that has replaced this one. */
  replacedBy: string | null;
}

/** A session as its user sees it in a list. */
export interface Device {
  id: string;
  createdAt: number;
  lastSeen: number;
  endsAt: number;
  userAgent: string | null;
  ip: string | null;
}

/** A page of a user's sessions. */
export interface DevicePage {
  /** The one that was used last comes first. */
  devices: Device[];
  /** Where the next page begins; null after the last one. */
  cursor: string | null;
}

/** What a refresh token was good for. */
export type Refreshed<T> =
  | { status: "rotated"; token: string; session: Session<T> }
  /** An old token was used again: its session has been ended. */
  | { status: "reused"; user?: string; id: string }
  | { status: "unknown" };

/**
 * Sessions of users: Redis has only hashes of their secrets.
 *
 * @example
 * const sessions = new Sessions<{ cart: string[] }>(redis, env.SESSION_KEY, { idle: 30 * 60_000 });
 * const { token } = await sessions.create(user.id, { cart: [] });
 * const session = await sessions.validate(token);
 */
export class Sessions<T = unknown> {
  /** The key is the server's secret: 32 bytes or more. */
  constructor(redis: Redis, key: string | Uint8Array, options?: SessionsOptions);
  /** A session of a user, whose id has at most 1,024 bytes. One request. */
  create(user: Name, data: T, device?: DeviceOptions): Promise<Issued>;
  /** A session of nobody, as for a cart before the login. One request. */
  createAnonymous(data: T, device?: DeviceOptions): Promise<Issued>;
  /** One whose token is good for one {@link refresh}. */
  createRefresh(user: Name, data: T, device?: DeviceOptions): Promise<Issued>;
  /** The session of a token, or null. One request. */
  validate(token: string, device?: DeviceOptions): Promise<Session<T> | null>;
  /**
   * Changes its data to what the function returns, or to what it made of its argument. The function may be async. It is called again
   * with newer data if another request changed the session meanwhile. If it throws, nothing changes.
   */
  update(token: string, change: (data: T) => T | void | Promise<T | void>): Promise<T | null>;
  /** Another token for the session, as after a login; the old one ends, after `grace` at the latest. */
  rotate(token: string, options?: { user?: string; grace?: number }): Promise<Issued | null>;
  /** The next token of a session with refresh tokens. */
  refresh(token: string): Promise<Refreshed<T>>;
  /** Ends a session. One request; none for what is no token. */
  revoke(token: string): Promise<void>;
  /** Ends a session by its id, as from a list of devices. One request. */
  revokeDevice(user: Name, id: string): Promise<void>;
  /** Ends every session of a user. One request. */
  revokeAll(user: Name): Promise<void>;
  /** Ends all but this one; how many, or null where the token is no session's. */
  revokeOthers(token: string): Promise<number | null>;
  /** Returns the sessions of a user, the one that was used last first. One request for each 1,000. */
  list(user: Name): Promise<Device[]>;
  /**
   * Returns a page of about `count` sessions of a user: 1,000 by default, at most 10,000. `cursor` is that of the page before. As with SCAN, a
   * session may be on two pages while others begin or end. One request.
   */
  listPage(user: Name, options?: { cursor?: string; count?: number }): Promise<DevicePage>;
  /** Returns how many sessions a user has, without their data. One request for each 10,000. */
  count(user: Name): Promise<number>;
  /** What a form of this session carries; null where the token is none. */
  csrfToken(token: string): Promise<string | null>;
  /** Whether that is the session's {@link csrfToken}; compared in constant time, without a request. */
  isCsrfToken(token: string, csrf: string): Promise<boolean>;
}

/** The cookie of a session: `Secure`, `HttpOnly`, and `SameSite=Strict` unless it is lax. In a browser `init()` comes first. */
export class Cookie {
  constructor(name: string, options?: { lax?: boolean; maxAge?: number });
  /** The field `Set-Cookie` for a token. */
  set(token: string): string;
  /** The one that ends it. */
  clear(): string;
  /** The token in a field `Cookie`, or null. */
  read(header: string | null | undefined): string | null;
}

/** What a limiter does beside counting. */
export interface RateLimiterOptions {
  /** The beginning of all keys. Each limit needs its own. Default: `@upstash/ratelimit`. */
  prefix?: string;
  /** The name of the limit in the fields of a response. Default: `default`. */
  policy?: string;
  /** Whether this process remembers refusals, so that the next call costs nothing until `retryAt`. Default: true. */
  localDeny?: boolean;
  /** Counts this many calls at once in Redis and lets them through here. Not for GCRA. Default: 1. */
  lease?: number;
  /** Reads the limit of {@link RateLimiter.setDynamicLimit} at each check. */
  dynamic?: boolean;
  /** Reads the block of {@link RateLimiter.block} at each check. */
  blockable?: boolean;
  /** Reads the deny list of @upstash/ratelimit at each check. */
  denyList?: boolean;
  /** Names, addresses and networks that are never refused. */
  allow?: readonly string[];
  /** Names, addresses and networks that are always refused. */
  deny?: readonly string[];
  /**
   * Lets calls through if Redis does not answer in this many milliseconds, or is unavailable (`OOM`, `BUSY`, `LOADING`, `READONLY`
   * and the like). Mistakes still reject: a wrong token, a key of another type.
   */
  failOpen?: number;
  /** Refuses calls then, with status 503. */
  failClosed?: number;
  /** Counts calls in this process then. */
  failLocal?: number;
}

/** The result of a check, with the fields of an HTTP response. */
export interface Decision {
  policy: string;
  allowed: boolean;
  reason: "counted" | "known" | "leased" | "blocked" | "allowed" | "denied" | "unavailable" | "countedHere";
  limit: number;
  remaining: number;
  /** When the window ends, or the bucket is filled up next, or all is paid for, in milliseconds since 1970. */
  reset: number;
  /**
   * When the same call is let through if nobody else is counted in between, in milliseconds since 1970. Null if waiting does not
   * help: the call costs more than the limit, or the visitor is denied.
   */
  retryAt: number | null;
  /** Milliseconds until then; null if waiting does not help. */
  retryAfter: number | null;
  /** 200, 429, 403 for the denied, 503 if Redis did not answer. */
  status: number;
  /** `RateLimit`, `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers) and `Retry-After` (RFC 9110). */
  headers: Record<string, string>;
  /** The body of a refusal: `application/problem+json` (RFC 9457). */
  problem: { status?: number; title?: string; [member: string]: unknown };
}

/**
 * A rate limit. The first three algorithms count together with @upstash/ratelimit, on the same keys. A check is one request, or none
 * for a visitor that is refused already. A limit, rate, window or cost of 0 throws a TypeError, a `lease` or timeout of 0 a
 * {@link ConfigError}. A process remembers at most 10,000 refusals and 10,000 leases, a few MB whatever the names are.
 *
 * @example
 * const limiter = RateLimiter.slidingWindow(redis, 10, 10_000);
 * const { allowed, headers, problem } = await limiter.check(ip);
 * if (!allowed) return Response.json(problem, { status: 429, headers });
 */
export class RateLimiter {
  private constructor();
  /** `limit` calls in each window. Windows begin at multiples of their length. */
  static fixedWindow(redis: Redis, limit: number, window: number, options?: RateLimiterOptions): RateLimiter;
  /** About `limit` calls in the last `window`, estimated from this window and the one before. */
  static slidingWindow(redis: Redis, limit: number, window: number, options?: RateLimiterOptions): RateLimiter;
  /** `rate` tokens are added at each interval, up to `most`; a call takes one. */
  static tokenBucket(redis: Redis, rate: number, interval: number, most: number, options?: RateLimiterOptions): RateLimiter;
  /** `limit` calls in each window at an even rate, as a leaky bucket. */
  static gcra(redis: Redis, limit: number, window: number, options?: RateLimiterOptions): RateLimiter;
  /** Never more than the limit in any window, counted in tenths of it. */
  static strictWindow(redis: Redis, limit: number, window: number, options?: RateLimiterOptions): RateLimiter;
  /** Counts a call, if it is let through. */
  check(id: Name, options?: { cost?: number }): Promise<Decision>;
  /** Waits until a call is let through, at most `wait` milliseconds. */
  untilReady(id: Name, wait: number): Promise<Decision>;
  /** Returns the state without counting anything. */
  peek(id: Name): Promise<Decision>;
  /** Takes back what a check counted. */
  refund(id: Name, cost?: number): Promise<void>;
  /** Counts a cost, whether it fits or not. */
  penalty(id: Name, cost: number): Promise<Decision>;
  /** Refuses every call of a visitor for `time` milliseconds. Needs `blockable`. */
  block(id: Name, time: number): Promise<void>;
  /** Ends a {@link block}. */
  unblock(id: Name): Promise<void>;
  /** Sets another limit for all processes; null is the limit of the program, 0 lets nothing through. Needs `dynamic`. */
  setDynamicLimit(limit: number | null): Promise<void>;
  /** Returns the limit that {@link setDynamicLimit} has set, or null. */
  dynamicLimit(): Promise<number | null>;
  /** Forgets what was counted for a visitor. */
  reset(id: Name): Promise<void>;
}

/** The lease was lost before the work was finished: another holder may have it. */
export class LostError extends RedisError {
  readonly kind: "lost";
}

/** What work under a lease gets. */
export interface Work {
  /** Aborts when the lease is lost. JavaScript cannot stop the work: pass the signal on, and check it before each step. */
  signal: AbortSignal;
  /** The fencing token of a fenced lock. */
  fence?: number;
  /** What is held: for more time, or to release it early. */
  held: Held;
}

/**
 * A lock or a permit that is held. Its requests are made one after the other, also within {@link Held.run}. It is not released when it is
 * garbage collected: call {@link Held.release}, or it is free after its lease.
 */
export interface Held {
  /**
   * The fencing token of a fenced lock, larger than those of all holders before: the server's time in microseconds since 1970, or one
   * more than the last token where that is larger.
   */
  readonly fence?: number;
  /**
   * Returns for how many milliseconds it is certainly held, by a clock that nobody sets; 0 once it is released or lost. On Cloudflare
   * Workers the clock moves only when an answer or a timer arrives.
   */
  validFor(): number;
  /** Sets the lease to this many milliseconds from now on, by default those of the options. Returns false if it is not held any more. One request. */
  extend(lease?: number): Promise<boolean>;
  /** Releases it, and returns whether it was still held. Work in `run` goes on without it. One request. */
  release(): Promise<boolean>;
  /**
   * Renews the lease while the work goes on. Work that finishes behind the end of the lease rejects too: it ran, but another holder may
   * have run beside it.
   *
   * @throws {LostError} if the lease was lost. Work does not begin under a lease that is over.
   */
  run<T>(work: (work: Work) => T | Promise<T>): Promise<T>;
}

/** What work under a lock returned, if the lock was acquired in time. */
export type RunResult<T> = { acquired: true; value: T } | { acquired: false; value?: undefined };

/** How long it is held, and waited for, in milliseconds. */
export interface LeaseOptions {
  /** After this long it is free again, unless it is extended. Not 0. Default: 10 000. */
  lease?: number;
  /** How long `acquire` and `run` wait; with 0 they try once. Default: 10 000. */
  wait?: number;
}

/**
 * A lock of one or several names, among all processes. Acquiring it is one request, releasing it another. A name may not end in `:fence`.
 *
 * @example
 * const { acquired } = await new Lock(redis, "nightly").run(async ({ signal }) => report({ signal }));
 */
export class Lock {
  constructor(redis: Redis, names: Name | readonly Name[], options?: LeaseOptions & { fenced?: boolean });
  /** Acquires it at once, or returns null. */
  tryAcquire(): Promise<Held | null>;
  /** Acquires it within the wait, or returns null. Waiters are not queued: there is no fairness. */
  acquire(): Promise<Held | null>;
  /** Acquires it, does the work and releases it. */
  run<T>(work: (work: Work) => T | Promise<T>): Promise<RunResult<T>>;
  /** Returns whether anybody holds it. */
  isHeld(): Promise<boolean>;
}

/** At most so many holders at a time, among all processes. */
export class Semaphore {
  constructor(redis: Redis, name: Name, permits: number, options?: LeaseOptions);
  /** Creates a semaphore with as many permits for this id. */
  forEach(id: Name): Semaphore;
  /** Acquires a permit at once, or returns null. One request. */
  tryAcquire(): Promise<Held | null>;
  /** Acquires a permit within the wait, or returns null. Waiters are not queued: there is no fairness. */
  acquire(): Promise<Held | null>;
  /** Acquires a permit, does the work and releases it. */
  run<T>(work: (work: Work) => T | Promise<T>): Promise<RunResult<T>>;
}

/** One call in each period of so many milliseconds, among all processes. */
export class Throttle {
  /** `every` is the period, not 0. Default: 10 000. */
  constructor(redis: Redis, name: Name, options?: { every?: number });
  /** Returns whether this call is let through; if so, no other is for the period. One request. */
  allow(): Promise<boolean>;
  /** Lets the next call through. One request. */
  reset(): Promise<void>;
}

/** The last of many calls, among all processes, once no other has followed for so many milliseconds. */
export class Debounce {
  /** `wait` is for how long no other call may follow, not 0. Default: 1000. */
  constructor(redis: Redis, name: Name, options?: { wait?: number });
  /** Waits, and returns whether no other call has followed: only then is there something to do. Two requests. */
  isLast(): Promise<boolean>;
}

/**
 * The result of a call:
 *
 * - `"now"`: the work ran. `value` is what it returned, by way of JSON.
 * - `"before"`: it ran before, and `value` is the stored answer.
 * - `"done without answer"`: it ran before, and its answer could not be stored: it was larger than a request (10 MB), has no JSON form, or
 *   Redis was out of memory. The work does not run again before `ttl` is over.
 * - `"in progress"`: another call runs it, and is finished or given up after `retryAfter` milliseconds at the latest: 409.
 * - `"other payload"`: the key was used with another payload: 422.
 */
export type Ran<T> =
  | { status: "now" | "before"; value: T }
  | { status: "done without answer" }
  | { status: "in progress"; retryAfter: number }
  | { status: "other payload" };

/**
 * Work that runs once for each key, and whose stored answer is replayed to repeated calls.
 *
 * Work that throws frees the key, and may be tried again. If it had an effect before it threw, the effect happens again: catch the error
 * and return it as an answer.
 *
 * @example
 * const ran = await new Idempotency(redis).run(request.headers.get("idempotency-key"), body, () => pay(body));
 * if (ran.status === "in progress") return new Response("busy", { status: 409 });
 */
export class Idempotency {
  /** Milliseconds, not 0: `lease` is how long others wait for a runner that has died (30 000), `ttl` how long an answer is kept (24 hours). */
  constructor(redis: Redis, options?: { namespace?: string; lease?: number; ttl?: number });
  /**
   * Runs the work if nobody has under this key, and stores its answer.
   *
   * @throws {LostError} if the lease was lost: another call may run the work. Call again to get what became of it.
   * @throws {RedisError} if Redis failed. With `ambiguous` the work may have been done.
   */
  run<T>(key: Name, payload: unknown, work: () => T | Promise<T>): Promise<Ran<T>>;
}

/** A job as it is stored in Redis, with BullMQ's names. */
export interface Job<T = any, R = any> {
  id: string;
  name: string;
  /** Its data. Where another program stored something that is not JSON, the text itself; so too `progress` and `returnvalue`. */
  data: T;
  opts: JobOptions & Record<string, unknown>;
  attemptsMade: number;
  attemptsStarted: number;
  stalledCounter: number;
  priority: number;
  /** Milliseconds since 1970: added, begun, finished. */
  timestamp: number | null;
  processedOn: number | null;
  finishedOn: number | null;
  progress: any;
  returnvalue: R | null;
  failedReason: string | null;
  /** The stacks of its last failures, the last one at the end; as many as `stackTraceLimit` allows, by default 10. */
  stacktrace: string[];
  /** The scheduler it comes from. */
  repeatJobKey: string | null;
  parentKey: string | null;
}

/** Where a job is, by BullMQ's names. */
export type JobState = "waiting" | "paused" | "prioritized" | "delayed" | "waiting-children" | "active" | "completed" | "failed";

/** How many jobs are in each state. */
export type JobCounts = Record<"waiting" | "paused" | "prioritized" | "delayed" | "waitingChildren" | "active" | "completed" | "failed", number>;

/** What a job came to. */
export type Finished<R> = { status: "completed"; value: R } | { status: "failed"; reason: string };

/**
 * Jobs that BullMQ's workers share: added as by `restis/queue`, looked at, and taken without a connection.
 *
 * @example
 * const emails = new Queue<{ to: string }>("emails", { redis });
 * await emails.add("welcome", { to: "ada@example.com" });
 * // In a cron trigger: for 20 seconds, or until there are none.
 * const { completed } = await emails.consumer().runUntil(20_000, (job) => send(job.data.to));
 */
export class Queue<T = any, R = any> {
  constructor(name: string, options: { redis: Redis; prefix?: string; defaultJobOptions?: JobOptions });
  readonly name: string;
  /** Adds a job. One request. */
  add(name: string, data?: T, opts?: JobOptions): Promise<{ id: string; name: string; data: T }>;
  /** Adds jobs, all or none. One request. */
  addBulk(jobs: readonly { name: string; data?: T; opts?: JobOptions }[]): Promise<{ id: string; name: string; data: T }[]>;
  /** How many jobs are in each state. */
  counts(): Promise<JobCounts>;
  /** A job by its id, or null. One request. */
  job(id: string): Promise<Job<T, R> | null>;
  /** Those of a state, the next or the last finished first. Default: the first 100. */
  jobs(state: JobState, start?: number, count?: number): Promise<Job<T, R>[]>;
  /** Where a job is; null where there is none. One request. */
  state(id: string): Promise<JobState | null>;
  /** Whether there is such a job. */
  setProgress(id: string, progress: unknown): Promise<boolean>;
  /** Another `data` for a job; whether there is such a job. */
  updateData(id: string, data: T): Promise<boolean>;
  /** Adds a line to a job's log, and returns how many lines it has; null if there is no such job. An object is refused. */
  log(id: string, line: string | number | bigint, options?: { keep?: number }): Promise<number | null>;
  /** The lines of a job's log, the first one first. */
  logs(id: string): Promise<string[]>;
  /** Nobody takes jobs any more; those that are worked on go on. */
  pause(): Promise<void>;
  /** Jobs are taken again. */
  resume(): Promise<void>;
  /** Whether it is paused. */
  isPaused(): Promise<boolean>;
  /** Delayed jobs are due at once; how many were. */
  promote(...ids: (string | readonly string[])[]): Promise<number>;
  /** Finished jobs wait again; how many do. */
  retry(state: "failed" | "completed", ...ids: (string | readonly string[])[]): Promise<number>;
  /** Deletes jobs that nobody works on; how many. */
  remove(...ids: (string | readonly string[])[]): Promise<number>;
  /**
   * Deletes jobs of a state that are at least so many milliseconds old, at most 1,000 by default, and returns their ids. Keeps
   * jobs that are worked on, and the next job of a scheduler. One request for each 500 jobs that it looks at.
   */
  clean(state: JobState, options?: { age?: number; most?: number }): Promise<string[]>;
  /**
   * Deletes all waiting jobs, with `delayed` the delayed ones too, and returns how many. Keeps the next job of each scheduler.
   * One request for each 500 jobs.
   */
  drain(options?: { delayed?: boolean }): Promise<number>;
  /** Deletes the queue, which has to be paused; with `force` its active jobs too. */
  obliterate(options?: { force?: boolean }): Promise<void>;
  /** Waits for the outcome of a job. Returns null when so many milliseconds are over, or when the job was removed with its outcome. */
  waitFinished(id: string, time: number): Promise<Finished<R> | null>;
  /**
   * Sets a scheduler, in place of one with this id, and returns the id of its next job. `name` is by default the scheduler's id.
   *
   * The next job is added whenever one is taken, by this package, the crate or BullMQ's workers. Setting it again replaces the job
   * that waits, in its slot if the interval is the same. Rejects with a `ConfigError` or a `RedisError` if the pattern or the zone is
   * not valid, or no job is ever due. One request.
   *
   * @example
   * await reports.upsertScheduler("mornings", { pattern: "0 9 * * mon-fri", tz: "Europe/Berlin" }, { name: "mail" });
   * await reports.upsertScheduler("sum", { every: 60_000 });
   */
  upsertScheduler(
    id: string,
    repeat: RepeatOptions,
    job?: { name?: string; data?: T; opts?: { attempts?: number; priority?: number; backoff?: { type: "fixed" | "exponential"; delay: number } } },
  ): Promise<string>;
  /** Removes a scheduler with the job that waits; returns whether there was one. One request. */
  removeScheduler(id: string): Promise<boolean>;
  /** Returns the schedulers; that whose job is due next is the first. */
  schedulers(): Promise<JobScheduler[]>;
  /**
   * Returns the first time after `after` (default: now) at which a job is due, in milliseconds since 1970, or null. Rejects if the
   * pattern or the zone is not valid. No request.
   *
   * @example
   * await Queue.nextRun({ pattern: "0 9 * * 1-5", tz: "Europe/Berlin" });
   */
  static nextRun(repeat: RepeatOptions, after?: number | Date | string): Promise<number | null>;
  /** Who takes jobs for a while, as a cron trigger does. */
  consumer(options?: ConsumerOptions): Consumer<T, R>;
}

/** When the jobs of a scheduler are due, by BullMQ's names: either `pattern` or `every`. */
export interface RepeatOptions {
  /**
   * A cron pattern of five fields, or of six with seconds in front, with the meaning that BullMQ gives it: names (`jan`, `mon`), lists,
   * ranges, steps, `L`, `5L`, `5#3`, `H`, and `@hourly` and the like.
   */
  pattern?: string;
  /** The time zone of the pattern, as `Europe/Berlin` or `UTC+3`. Default: the local time of the runtime, as in BullMQ. */
  tz?: string;
  /** The interval in milliseconds. The first job is due at once. */
  every?: number;
  /** How many jobs there are at most. */
  limit?: number;
  /** The time before which no job is due: a Date, an ISO text or milliseconds since 1970. */
  startDate?: Date | string | number;
  /** The time after which no job is added. */
  endDate?: Date | string | number;
  /** How long after each multiple of the interval since 1970 its job is due, in milliseconds. */
  offset?: number;
  /** Whether the first job of a pattern is due at once. Not with `startDate`. */
  immediately?: boolean;
  /** The text that picks the values of `H` in the pattern. Default: the id of the scheduler. */
  hashSeed?: string;
}

/** A scheduler as it lies in Redis. */
export interface JobScheduler {
  id: string;
  /** The name of its jobs. */
  name: string;
  /** When its next job is due, in milliseconds since 1970. */
  next: number;
  /** How many jobs it has added. */
  iterations: number;
  pattern?: string;
  tz?: string;
  every?: number;
  limit?: number;
  /** Milliseconds since 1970. */
  startDate?: number;
  endDate?: number;
  offset?: number;
}

/** A job that was put back, since its scheduler cannot be continued. */
export interface BlockedJob {
  id: string;
  scheduler: string;
  reason: string;
}

/** How jobs are taken. */
export interface ConsumerOptions {
  /** For how long a job is ours, in milliseconds from above 0 on; `Infinity` is 1,000 years. Default: 30 000. */
  lock?: number;
  /** The name by which BullMQ shows who works on a job. */
  name?: string;
  /** At most `max` jobs in `duration` milliseconds, over all who take them. Both are needed, and neither is 0. */
  limit?: { max: number; duration: number };
  /** How often it is looked for jobs that others have left. Default: 30 000. */
  stalledInterval?: number;
  /** How often a job may be left before it fails. Default: 1. */
  maxStalled?: number;
  /** How many jobs are taken at a time, and worked on together: 1 or more. Default: 10. */
  batchSize?: number;
  /** How long before the end the signals of handlers are aborted, and the jobs are settled. Default: 1000. */
  margin?: number;
}

/** The result of a run: how many jobs ended in which way, and why it stopped. */
export interface Summary {
  completed: number;
  /** Attempts that failed. The options of each job decide whether it is retried. */
  failed: number;
  /** Jobs that were given back since the time was over: their handlers stopped by their signals. No attempt is counted. */
  released: number;
  /** Jobs whose lock was lost while they were worked on, or which were removed. */
  lost: number;
  /** Handlers that had not returned when the time was over. Their jobs stay active until their locks expire. */
  running: number;
  /**
   * Why the run stopped: no job was left that can be taken now, the queue is paused, as many jobs are active as its global
   * concurrency allows, a rate limit is reached, or the time was over.
   */
  stopped: "drained" | "paused" | "maxed" | "limited" | "time";
  /** When the rate limit's period is over, in milliseconds from now; null unless it is `"limited"`. */
  retryAfter: number | null;
  /** When the next delayed job is due, in milliseconds since 1970; null if there is none, or if the time was over. */
  nextDelayed: number | null;
  /** The jobs that were put back, since their schedulers cannot be continued. They are still waiting. */
  blocked: BlockedJob[];
}

/** What a handler gets beside its job. */
export interface JobContext {
  /**
   * Aborted when the run's time is nearly over or the job's lock is lost. Hand it to `fetch` and the like: a handler that rejects with
   * its reason, or with an `AbortError`, gives the job back without an attempt being counted.
   */
  signal: AbortSignal;
}

/** Takes jobs of a queue without a connection. */
export class Consumer<T = any, R = any> {
  private constructor();
  /**
   * Takes jobs and works on them for so many milliseconds, or until none is left. What a handler throws is why its job fails. A
   * job fails for good if its value is not JSON or larger than a request: its work is done, and another attempt would repeat it.
   *
   * `margin` before the end the signals of handlers that still run are aborted; they have half of the margin to return. A job is given
   * back only when its handler has stopped, so that it never runs a second time beside it. If a handler ignores the signal, its
   * job stays active until the lock expires.
   *
   * @example
   * await queue.consumer().runUntil(50_000, async (job, { signal }) => (await fetch(job.data.url, { signal })).status);
   */
  runUntil(time: number, work: (job: Job<T, R>, context: JobContext) => R | Promise<R>): Promise<Summary>;
  /**
   * Puts jobs back whose worker is gone, and returns their ids; at most once in each `stalledInterval` among all workers. It takes two
   * looks to find one, and each run does that too. A job that stalled more than `maxStalled` times fails when it is taken next.
   */
  sweep(): Promise<string[]>;
}

/** A failure that no attempt mends. */
export class UnrecoverableError extends Error {
  constructor(message?: string);
}
