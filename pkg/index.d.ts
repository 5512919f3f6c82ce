/**
 * A Redis client that needs no TCP: Upstash's REST API in Node, Deno, Bun, Workers and browsers.
 *
 * @example
 * import { Redis } from "restis";
 *
 * const redis = Redis.fromEnv();
 * await redis.set("user:42", { name: "ada" }, { ex: 300 });
 * const user = await redis.get<{ name: string }>("user:42");
 */

import type { Argument, Commands, CursorOptions, Key, Kind, ScanOptions } from "./commands.js";
import type { Search, Vector } from "./search.js";

export type * from "./commands.js";
export * from "./search.js";

/**
 * What carries requests in place of the global `fetch`: a service binding, a mock, a proxy. It gets the address as a
 * string with the options of a POST, and gives a promise of a Response.
 */
// Without the names of DOM types, so that a project needs none of their libraries.
export type Fetcher =
  | ((url: string, init: any) => Promise<any>)
  | {
      /** As the global one. */
      fetch(url: string, init: any): Promise<any>;
    };

/** How a failed request is made again. What may have run is repeated only if a second run changes nothing. */
export interface RetryOptions {
  /** At most this many repetitions. Default: 3. */
  retries?: number;
  /** The wait before the first repetition is a random part of this many milliseconds, then of twice that. Default: 50. */
  baseDelay?: number;
  /** No wait is longer than this many milliseconds. Default: 2000. */
  maxDelay?: number;
  /** Repeats also what may have run and shows when it runs twice: an `incr` may then count twice. Default: no. */
  evenIfAmbiguous?: boolean;
}

/** Settings that all ways to make a client share. */
export interface ClientOptions {
  /** At most this many milliseconds for a call, its repetitions and waits included. Default: 30 000. */
  timeout?: number;
  /** At most this many milliseconds for one request, to the last byte of its answer. Default: 10 000. */
  attemptTimeout?: number;
  /**
   * How many bytes the answer to one request may have, counted after decompression. Default: 67 108 864 (64 MB). The client stops
   * reading at the limit. The call fails with a {@link DecodeError}, is not repeated, and may have run.
   */
  maxResponseBytes?: number;
  /** How failed requests are repeated; `false` is never. */
  retry?: false | RetryOptions;
  /** Lets the token travel unencrypted over `http://` to another machine: for a private network only. */
  allowPlainHttp?: boolean;
  /** Whether reads see this client's own earlier writes on a replicated database. Default: yes. */
  readYourWrites?: boolean;
  /**
   * Whether commands that are called in the same turn leave in one request, in their order. Default: yes.
   *
   * Nothing waits for company: a call that is awaited on its own goes as it would without this. Each keeps its own
   * value and error. A request whose answer is lost is repeated only if all of its commands are safe to repeat.
   */
  enableAutoPipelining?: boolean;
  /**
   * Whether replies that read as JSON become values. Default: yes. With `false` every reply is what the server sent.
   */
  automaticDeserialization?: boolean;
  /**
   * Reads a text of a reply, in place of the usual reading of JSON and numbers. What it throws makes a
   * {@link DecodeError}.
   */
  deserialize?: (text: string) => unknown;
  /** Writes an argument that is an object, in place of `JSON.stringify`. */
  serialize?: (value: object) => string;
  /** Whether integers that a number cannot hold are BigInts in a reply, and not text. Inside of JSON they stay text. */
  bigint?: boolean;
  /**
   * Results in the shapes of @upstash/redis where ours are others: `hgetall` leaves fractions text, `geopos` leaves
   * out members that are not there, `keepErrors` gives messages, a pipeline without commands is an error.
   */
  compat?: "upstash";
  /** What carries the requests. Default: the global `fetch`. */
  fetch?: Fetcher;
  /** Hears of each request when its answer has begun, or failed to. It learns nothing of keys, values or the token. */
  onRequest?: (report: RequestReport) => void;
  /** Gives calls up: all of them, from then on. {@link Redis.with} does that for one. */
  signal?: AbortSignal;
  /** Writes how long each request took to the console. */
  latencyLogging?: boolean;
  /** Handed to `fetch`, as are `agent`, `backend` and `keepAlive` (there `keepalive`). */
  cache?: string;
  agent?: unknown;
  backend?: string;
  keepAlive?: boolean;
  /** Taken from programs that are written for @upstash/redis; it says nothing here, and neither does `enableTelemetry`. */
  responseEncoding?: false | "base64";
  enableTelemetry?: boolean;
}

/** One HTTP request. */
export interface RequestReport {
  /** `/` of one command, `/pipeline`, `/multi-exec`; of a command with bytes its name, such as `/SET`. */
  path: string;
  /** How large its body was: bytes, or characters of text. */
  bytes: number;
  /** Milliseconds until the answer began. */
  duration: number;
  /** The status of the answer; with an `error` there was none. */
  status?: number;
  /** What failed, without the URL. */
  error?: Error;
}

/** What one call has of its own. */
export interface CallOptions {
  /** At most this many milliseconds for it, its repetitions and waits included. */
  timeout?: number;
  /** How it is repeated. */
  retry?: false | RetryOptions;
  /**
   * Gives it up, with the signal's reason. A write may have run all the same. Commands of others in the same request
   * are not concerned.
   */
  signal?: AbortSignal;
  /** Whether texts of the reply are bytes, a Uint8Array each, in the shape that the server sent. */
  bytes?: boolean;
}

/** A request as a middleware or a requester gets it. */
export interface RedisRequest {
  /** `[]` of one command, `["pipeline"]`, `["multi-exec"]`. */
  path?: string[];
  /** The words of one command, or of each of several. */
  body?: unknown;
  signal?: AbortSignal;
}
/** What comes of it: of several commands an array of these. */
export interface RedisResponse<T = unknown> {
  result?: T;
  error?: string;
}
/** What stands around requests: it calls `next`, or answers itself. */
export type Middleware = (
  request: RedisRequest,
  next: (request: RedisRequest) => Promise<any>,
) => Promise<RedisResponse | RedisResponse[] | any>;
/** What sends requests in place of this client. */
export interface Requester {
  /** Sends a command, and gives the body of its answer. */
  request<T = unknown>(request: RedisRequest): Promise<RedisResponse<T>>;
}

/** What a {@link Subscriber} says of each type. */
export interface SubscriberEvents<T = any> {
  message: { channel: string; message: T };
  pmessage: { pattern: string; channel: string; message: T };
  /** How many subscriptions the server has of that connection. */
  subscribe: number;
  psubscribe: number;
  unsubscribe: number;
  punsubscribe: number;
  /** A connection was lost and is there again: what was published in these milliseconds was missed. */
  gap: { channel: string; silence: number };
  /**
   * What failed: a stream that cannot be begun (the first of failures one after the other; it is begun again while `retryable`), a
   * payload that `deserialize` rejects, or a listener that throws. Without a listener of this type, errors of listeners go to
   * `reportError` or `console.error`.
   */
  error: Error;
  [message: `message:${string}`]: { channel: string; message: T };
  [pmessage: `pmessage:${string}`]: { pattern: string; channel: string; message: T };
}

/**
 * Messages as they are published: {@link Redis.subscribe} and {@link Redis.psubscribe}. One connection for each channel,
 * begun again when it ends.
 */
export class Subscriber<T = any> extends EventTarget {
  private constructor();
  /** Calls the listener with each of this type, until `off`. */
  on<Type extends keyof SubscriberEvents<T>>(type: Type, listener: (data: SubscriberEvents<T>[Type]) => void): void;
  /** Takes a listener away. */
  off<Type extends keyof SubscriberEvents<T>>(type: Type, listener: (data: SubscriberEvents<T>[Type]) => void): void;
  /** Takes all listeners away; the channels stay subscribed. */
  removeAllListeners(): void;
  /** Ends these subscriptions, or all. */
  unsubscribe(channels?: readonly string[]): Promise<void>;
  /** The channels that it is subscribed to. */
  getSubscribedChannels(): string[];
}

/** Settings of {@link Redis}. */
export interface RedisOptions extends ClientOptions {
  /** The REST URL of the database: `https://…`. */
  url: string;
  /** The REST token of the database. */
  token: string;
}

/** Where `Redis.fromEnv` looks: `process.env`, or the `env` of a Worker. */
export interface Environment {
  readonly UPSTASH_REDIS_REST_URL?: unknown;
  readonly UPSTASH_REDIS_REST_TOKEN?: unknown;
  readonly KV_REST_API_URL?: unknown;
  readonly KV_REST_API_TOKEN?: unknown;
}

/** Replies as promises: the commands of {@link Redis}. */
export interface AsPromise extends Kind {
  readonly out: Promise<this["in"]>;
}

/** Replies collected: the commands of a {@link Pipeline}. */
export interface AsPipeline<Results extends unknown[]> extends Kind {
  readonly out: Pipeline<[...Results, this["in"]]>;
}

export interface Redis extends Commands<AsPromise> {}

/**
 * A client of one database. Making one does no I/O, so it can be a global of a Worker.
 *
 * A call rejects with a {@link RedisError}, or with a TypeError that names the command and the argument that cannot
 * be sent.
 */
export class Redis {
  /** @throws {ConfigError} where URL or token are missing or malformed. In a browser the first command reports that. */
  constructor(options: RedisOptions);
  /** A client over a requester of your own, which gets each call by itself. */
  constructor(requester: Requester, options?: Pick<ClientOptions, "automaticDeserialization">);

  /**
   * A client by `UPSTASH_REDIS_REST_URL` and `UPSTASH_REDIS_REST_TOKEN`, else `KV_REST_API_URL` and
   * `KV_REST_API_TOKEN`, of `process.env` or of the `env` you hand over (`Redis.fromEnv(env)` in a Worker).
   *
   * @throws {ConfigError}
   */
  static fromEnv(env?: Environment, options?: ClientOptions): Redis;

  /**
   * The same client, whose calls have settings of their own. Costs nothing: it shares all of this one.
   *
   * @example
   * const user = await redis.with({ timeout: 200, signal: request.signal }).get("user:42");
   */
  with(options: CallOptions): Redis;

  /** Puts a function around every request of this client, and of those that {@link Redis.with} makes of it. */
  use(middleware: Middleware): void;

  /**
   * What of this client's writes its reads have to see, as the server names it. Set on another client it makes that
   * one's reads see them too.
   */
  readYourWritesSyncToken: string | undefined;

  /** Full-text indexes. */
  readonly search: Search;
  /** Vector indexes. */
  readonly vector: Vector;

  /**
   * SUBSCRIBE: messages to these channels from now on.
   *
   * @example
   * redis.subscribe<Order>("orders").on("message", ({ message }) => console.log(message.id));
   */
  subscribe<T = any>(channels: string | readonly string[]): Subscriber<T>;
  /** PSUBSCRIBE: messages to all channels of these glob patterns from now on. */
  psubscribe<T = any>(patterns: string | readonly string[]): Subscriber<T>;

  /** Any command, by an array of its words. The same as `redis.command(…)`. */
  exec<T = unknown>(words: readonly [name: string, ...args: Argument[]]): Promise<T>;

  /** Does nothing: libraries report themselves here to @upstash/redis, and this client reports nothing to anybody. */
  addTelemetry(telemetry?: object): void;

  /** Commands that go in one request, each with its own outcome. One round trip, each command is billed. */
  pipeline(): Pipeline;

  /** Commands that run as one, with nothing in between. One round trip, each command is billed. */
  multi(): Pipeline;

  /** A Lua script that is sent by its hash, and as text only when the server does not know it. */
  createScript<T = unknown>(script: string, options?: { readonly?: false }): Script<T>;
  createScript<T = unknown>(script: string, options: { readonly: true }): ScriptRO<T>;

  /**
   * Every key. One that is there all the time comes at least once, and perhaps twice.
   *
   * @example
   * for await (const key of redis.scanIterator({ match: "user:*", count: 500 })) await redis.unlink(key);
   */
  scanIterator(options?: ScanOptions): AsyncGenerator<string, void>;
  /** Every field of a hash with its value. */
  hscanIterator<T = unknown>(key: Key, options?: CursorOptions): AsyncGenerator<[field: string, value: T], void>;
  /** Every member of a set. */
  sscanIterator<T = unknown>(key: Key, options?: CursorOptions): AsyncGenerator<T, void>;
  /** Every member of a sorted set with its score. */
  zscanIterator<T = unknown>(
    key: Key,
    options?: CursorOptions,
  ): AsyncGenerator<{ member: T; score: number }, void>;
}

/** The outcome of one command of a batch. */
export type Outcome<T> = { result: T; error?: undefined } | { result?: undefined; error: RedisError };

export interface Pipeline<Results extends unknown[] = []> extends Commands<AsPipeline<Results>> {}

/**
 * Commands for one request: {@link Redis.pipeline} and {@link Redis.multi}.
 *
 * @example
 * const [views, user] = await redis.pipeline().incr("views").get<User>("user:42").exec();
 */
export class Pipeline<Results extends unknown[] = []> {
  private constructor();
  /** How many commands are in it. */
  length(): number;
  /**
   * Sends all of it. Rejects with the first error; what else was in the request has run all the same. Without
   * commands nothing is sent. Sending it again runs it again.
   */
  exec<R extends unknown[] = Results>(options?: { keepErrors?: false }): Promise<R>;
  /** Sends all of it, and gives each command's result or error. */
  exec(options: { keepErrors: true }): Promise<{ [I in keyof Results]: Outcome<Results[I]> }>;
}

/** A Lua script that may write. */
export class Script<T = unknown> {
  private constructor();
  readonly script: string;
  /** The SHA-1 of the text, by which the server knows it. */
  hash(): Promise<string>;
  /** Runs it by its hash, then if need be by its text. */
  exec(keys?: readonly Key[], args?: readonly Argument[]): Promise<T>;
  /** EVAL: sends the whole text. */
  eval(keys?: readonly Key[], args?: readonly Argument[]): Promise<T>;
  /** EVALSHA: sends the hash alone, and rejects where the server does not know it. */
  evalsha(keys?: readonly Key[], args?: readonly Argument[]): Promise<T>;
}

/** A Lua script that only reads: the server refuses writes, and a lost answer is asked for again. */
export class ScriptRO<T = unknown> {
  private constructor();
  readonly script: string;
  /** The SHA-1 of the text, by which the server knows it. */
  hash(): Promise<string>;
  /** Runs it by its hash, then if need be by its text. */
  exec(keys?: readonly Key[], args?: readonly Argument[]): Promise<T>;
  /** EVAL_RO: sends the whole text. */
  evalRo(keys?: readonly Key[], args?: readonly Argument[]): Promise<T>;
  /** EVALSHA_RO: sends the hash alone, and rejects where the server does not know it. */
  evalshaRo(keys?: readonly Key[], args?: readonly Argument[]): Promise<T>;
}

/** What went wrong with a command. Its message says what to do, and holds no token, key or value. */
export class RedisError extends Error {
  constructor(message: string, details?: Partial<ErrorDetails> & { cause?: unknown });
  /** What went wrong; each kind has a class. */
  readonly kind: "config" | "too-large" | "connect" | "timeout" | "interrupted" | "http" | "server" | "decode" | "lost";
  /** The first word of Redis's own error: `WRONGTYPE`, `NOSCRIPT`, `ERR`. Nothing if Redis did not speak. */
  readonly code?: string;
  /** The name of the command that failed. */
  readonly command?: string;
  /** The HTTP status, where there was an answer. */
  readonly status?: number;
  /** How many requests were made for this call: 0 where nothing was sent. */
  readonly attempts: number;
  /** The command writes, and nobody can say whether it ran. It was not repeated, unless that is safe. */
  readonly ambiguous: boolean;
  /** The same call may succeed later, and making it again cannot apply it twice. */
  readonly retryable: boolean;
  /** The token is wrong, or may not do this. */
  readonly auth?: boolean;
  /** The answer had begun, and did not come to its end. */
  readonly inBody?: boolean;
  /** It was the TLS handshake that failed. */
  readonly tls?: boolean;
  /**
   * In a pipeline or transaction: which command failed, counted from 0. Missing where the whole batch failed for a reason that names none of
   * its commands.
   */
  readonly index?: number;
}

type ErrorDetails = Pick<
  RedisError,
  "code" | "command" | "status" | "attempts" | "ambiguous" | "retryable" | "auth" | "inBody" | "tls" | "index"
>;

/** URL, token or a setting is missing or malformed. Nothing was sent. */
export class ConfigError extends RedisError {
  readonly kind: "config";
}
/** The request is larger than the 10 MB that the server takes. Nothing was sent. */
export class TooLargeError extends RedisError {
  readonly kind: "too-large";
}
/** No connection came about, so nothing ran. Every command is repeated. */
export class ConnectError extends RedisError {
  readonly kind: "connect";
}
/** The whole answer did not come in time. Repeated if that is safe and time is left. */
export class TimeoutError extends RedisError {
  readonly kind: "timeout";
}
/** The connection broke before the answer was whole. Repeated if that is safe. */
export class InterruptedError extends RedisError {
  readonly kind: "interrupted";
}
/** Something on the way answered in place of Redis: a gateway, a limit. 429 and 503 are repeated, other 5xx if that is safe. */
export class HttpError extends RedisError {
  readonly kind: "http";
}
/** Redis refused or failed the command: see {@link RedisError.code}. */
export class ServerError extends RedisError {
  readonly kind: "server";
  readonly code: string;
}
/** The answer has not the shape of this command's. */
export class DecodeError extends RedisError {
  readonly kind: "decode";
}

/** The names that programs written for `@upstash/redis` catch by. */
export const errors: {
  readonly RedisError: typeof RedisError;
  readonly UpstashError: typeof RedisError;
  readonly UrlError: typeof ConfigError;
  readonly UpstashJSONParseError: typeof DecodeError;
};

/**
 * Waits until the wasm module runs. Nobody has to call it: where it is not there from the start (browsers and
 * bundlers), the first command waits for it.
 */
export function init(): Promise<void>;
