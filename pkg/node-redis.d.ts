/**
 * A client in the shape of node-redis 5 and 6, for libraries that take one, such as connect-redis and rate-limit-redis.
 *
 * Arguments, replies and error codes are those of node-redis over RESP2 with its default transforms; over RESP3 its `geoPos` has numbers,
 * and maps in the replies of `sendCommand` are objects. Each call is one
 * request and one billed command; calls of the same turn share a request. A transaction is one request. There is no
 * connection: a new client is open, and `connect` only emits `ready`.
 *
 * Commands that block, subscriptions, `watch`, `select`, modules and administration are not offered: such a method rejects
 * with a `ConfigError` that names it and what to do instead. Replies are text: a `typeMapping` is refused.
 *
 * @example
 * import session from "express-session";
 * import { RedisStore } from "connect-redis";
 * import { createClient } from "restis/node-redis";
 *
 * app.use(session({ store: new RedisStore({ client: createClient() }), secret }));
 *
 * Source: [node-redis](https://github.com/redis/node-redis).
 */

import { RedisError, ServerError } from "./index.js";
import type { ClientOptions, Environment } from "./index.js";

/** Options of a client. node-redis's own about a connection, such as `socket` and `pingInterval`, have no effect. */
export interface NodeRedisOptions extends Omit<ClientOptions, "automaticDeserialization" | "deserialize" | "bigint"> {
  /** URL and token. Default: those of the environment. */
  url?: string;
  token?: string;
  /** The environment of a Worker. */
  env?: Environment;
  /** Options of every call. A `typeMapping` is refused. */
  commandOptions?: CommandOptions;
  /** Has no effect, as node-redis's other options about a connection. */
  socket?: unknown;
  /** Has no effect. */
  name?: string;
  /** Has no effect: replies are those of RESP2. */
  RESP?: 2 | 3;
  /** Has no effect. */
  pingInterval?: number;
  /** Has no effect. */
  disableOfflineQueue?: boolean;
}

/** Options of calls. */
export interface CommandOptions {
  /** Ends the calls when it aborts. */
  abortSignal?: AbortSignal;
  /** Milliseconds that a call may take. */
  timeout?: number;
  /** Has no effect. */
  asap?: boolean;
}

/** A key, or a text. */
type Text = string | Uint8Array;
/** An argument. */
type Arg = string | number | Uint8Array;
/** One key, or several. */
type Many = Text | readonly Text[];

/** How long a value is there, and when it is set. */
export interface SetOptions {
  expiration?: { type: "EX" | "PX" | "EXAT" | "PXAT"; value: number } | { type: "KEEPTTL" } | "KEEPTTL";
  condition?: "NX" | "XX" | "IFEQ" | "IFNE" | "IFDEQ" | "IFDNE";
  /** What a condition that compares looks for. */
  matchValue?: Text;
  EX?: number;
  PX?: number;
  EXAT?: number;
  PXAT?: number;
  KEEPTTL?: true;
  NX?: true;
  XX?: true;
  GET?: true;
}

/** A member of a sorted set. */
export interface Scored {
  value: string;
  score: number;
}

/** When members are added, and what is counted. */
export interface ZAddOptions {
  condition?: "NX" | "XX";
  comparison?: "GT" | "LT";
  NX?: true;
  XX?: true;
  GT?: true;
  LT?: true;
  /** Counts members whose score changed too. */
  CH?: true;
}

/** How a range of a sorted set is meant. A `LIMIT` needs `BY`. */
export interface ZRangeOptions {
  BY?: "SCORE" | "LEX";
  REV?: true;
  LIMIT?: { offset: number; count: number };
}

/** Which keys or members a scan returns. */
export interface ScanOptions {
  MATCH?: string;
  COUNT?: number;
}

/** Replies as promises, or collected. */
interface Commands<P extends boolean> {
  /** Returns the value, or null. */
  get(key: Text): Reply<P, string | null>;
  /** Stores a value. Returns `"OK"`, or null if the condition does not hold; with `GET` the old value. */
  set(key: Text, value: Arg, options?: SetOptions): Reply<P, string | null>;
  /** Stores a value for a number of seconds. */
  setEx(key: Text, seconds: number, value: Arg): Reply<P, string>;
  /** Deletes a key. Returns its value, or null. */
  getDel(key: Text): Reply<P, string | null>;
  /** Deletes keys. Returns how many there were. */
  del(keys: Many): Reply<P, number>;
  /** Deletes keys and frees their memory later. Returns how many there were. */
  unlink(keys: Many): Reply<P, number>;
  /** Returns how many of the keys there are; a key counts each time it is named. */
  exists(keys: Many): Reply<P, number>;
  /** Sets the time to live in seconds. Returns 1, or 0 if there is no such key. */
  expire(key: Text, seconds: number): Reply<P, number>;
  /** Sets the time to live in milliseconds. Returns 1, or 0 if there is no such key. */
  pExpire(key: Text, milliseconds: number): Reply<P, number>;
  /** Returns the time to live in seconds: -1 if the key does not expire, -2 if there is none. */
  ttl(key: Text): Reply<P, number>;
  /** Returns the time to live in milliseconds: -1 if the key does not expire, -2 if there is none. */
  pTTL(key: Text): Reply<P, number>;
  /** Adds 1. Returns the sum. */
  incr(key: Text): Reply<P, number>;
  /** Adds a number. Returns the sum. */
  incrBy(key: Text, by: number): Reply<P, number>;
  /** Subtracts 1. Returns the difference. */
  decr(key: Text): Reply<P, number>;
  /** Returns the values in the order of their keys, null for a missing one. */
  mGet(keys: readonly Text[]): Reply<P, (string | null)[]>;
  /** Returns a field's value, or null. */
  hGet(key: Text, field: Text): Reply<P, string | null>;
  /** Sets fields. Returns how many are new. */
  hSet(key: Text, field: Text | number, value: Arg): Reply<P, number>;
  /** Sets the fields of an object, a Map or an array of pairs. Returns how many are new. */
  hSet(key: Text, fields: Record<string, Arg> | Map<Arg, Arg> | readonly (Arg | readonly Arg[])[]): Reply<P, number>;
  /** Returns all fields with their values; an empty object if there is no such key. */
  hGetAll(key: Text): Reply<P, Record<string, string>>;
  /** Returns the values in the order of their fields, null for a missing one. */
  hmGet(key: Text, fields: Many): Reply<P, (string | null)[]>;
  /** Stores values by pairs, a flat array or an object: `"OK"`. */
  mSet(values: readonly Text[] | readonly (readonly [Text, Text])[] | Record<string, Text>): Reply<P, string>;
  /** Adds members to a set. Returns how many are new. */
  sAdd(key: Text, members: Many): Reply<P, number>;
  /** The members of a set. */
  sMembers(key: Text): Reply<P, string[]>;
  /** 1 if the set has the member. */
  sIsMember(key: Text, member: Text): Reply<P, number>;
  /** Removes members of a set. Returns how many there were. */
  sRem(key: Text, members: Many): Reply<P, number>;
  /** Adds members, or sets their scores. Returns how many are new. */
  zAdd(key: Text, members: { score: number; value: Text } | readonly { score: number; value: Text }[], options?: ZAddOptions): Reply<P, number>;
  /** The score of a member, or null. */
  zScore(key: Text, member: Text): Reply<P, number | null>;
  /** Members between two places, scores or names. */
  zRange(key: Text, from: number | Text, to: number | Text, options?: ZRangeOptions): Reply<P, string[]>;
  /** The same with their scores. */
  zRangeWithScores(key: Text, from: number | Text, to: number | Text, options?: ZRangeOptions): Reply<P, Scored[]>;
  /** One page of keys, from a cursor on; a new scan begins with `"0"`, and ends when it returns. */
  scan(cursor: string | number, options?: ScanOptions & { TYPE?: string }): Reply<P, { cursor: string; keys: string[] }>;
  /** Runs a script by its text. */
  eval(script: string, options?: { keys?: readonly string[]; arguments?: readonly string[] }): Reply<P, any>;
  /** Runs a script by its hash. Rejects with `NOSCRIPT` if the server does not know it. */
  evalSha(hash: string, options?: { keys?: readonly string[]; arguments?: readonly string[] }): Reply<P, any>;
  /** Stores a script at the server. Returns its hash. */
  scriptLoad(script: string): Reply<P, string>;
  /** The other commands, by node-redis's names. */
  [command: string]: any;
}
/** A promise of the reply, or the transaction that collects it. */
type Reply<P extends boolean, T> = P extends true ? Promise<T> : Multi;

/** Commands that run together, as MULTI and EXEC have it. */
export interface Multi extends Commands<false> {
  /** Adds any command by its words. */
  addCommand(words: readonly Text[], transformReply?: (reply: any) => unknown): Multi;
  /** Sends them in one request: their replies in order. Rejects with a {@link MultiErrorReply} if one of them failed. */
  exec(asPipeline?: boolean): Promise<any[]>;
  /** The same. */
  execTyped(asPipeline?: boolean): Promise<any[]>;
  /** Sends them in one request, without a transaction. Rejects with the first error. */
  execAsPipeline(): Promise<any[]>;
  /** The same. */
  execAsPipelineTyped(): Promise<any[]>;
}

/** A client in the shape of node-redis. */
export interface Client extends Commands<true> {
  /** False after `close`, `quit`, `disconnect` and `destroy`. */
  readonly isOpen: boolean;
  /** The same. */
  readonly isReady: boolean;
  /** Sends any command by its words. The reply is as the server sent it. */
  sendCommand(words: readonly Text[], options?: CommandOptions): Promise<any>;
  /** Begins a transaction. */
  multi(): Multi;
  /** Pages of keys. */
  scanIterator(options?: ScanOptions & { TYPE?: string; cursor?: string }): AsyncGenerator<string[], void>;
  /** Pages of fields with their values. */
  hScanIterator(key: Text, options?: ScanOptions & { cursor?: string }): AsyncGenerator<{ field: string; value: string }[], void>;
  /** Pages of fields. */
  hScanNoValuesIterator(key: Text, options?: ScanOptions & { cursor?: string }): AsyncGenerator<string[], void>;
  /** Pages of members of a set. */
  sScanIterator(key: Text, options?: ScanOptions & { cursor?: string }): AsyncGenerator<string[], void>;
  /** Pages of members of a sorted set. */
  zScanIterator(key: Text, options?: ScanOptions & { cursor?: string }): AsyncGenerator<Scored[], void>;
  /** The same client, whose calls have these options. */
  withCommandOptions(options: CommandOptions): Client;
  /** The same client, whose calls end when the signal aborts. */
  withAbortSignal(signal: AbortSignal): Client;
  /** Opens the client again after it was closed. Emits `connect` and `ready`. No request. */
  connect(): Promise<this>;
  /** Closes the client: later calls reject with a {@link ClientClosedError}. Emits `end`. */
  close(): Promise<void>;
  /** The same: `"OK"`. */
  quit(): Promise<string>;
  /** The same. */
  disconnect(): Promise<void>;
  /** The same, at once. */
  destroy(): void;
  /** Another client of the same options. */
  duplicate(overrides?: NodeRedisOptions): Client;
  /** Calls the listener at each `connect`, `ready` and `end`. A failed command rejects its own promise and emits nothing. */
  on(event: string, listener: (...args: any[]) => void): this;
  /** The same, for the next event only. */
  once(event: string, listener: (...args: any[]) => void): this;
  /** Removes a listener. */
  off(event: string, listener: (...args: any[]) => void): this;
}

/** An error of Redis. Its message begins with the code, as in `NOSCRIPT No matching script`, which `code` has alone. */
export class ErrorReply extends ServerError {}

/** Errors among the replies of a transaction. */
export class MultiErrorReply extends ErrorReply {
  /** Every reply in its place, errors too. */
  readonly replies: any[];
  /** The places of the errors. */
  readonly errorIndexes: number[];
  /** The errors. */
  errors(): Generator<ErrorReply, void>;
}

/** A call on a client that was closed. */
export class ClientClosedError extends RedisError {}

/** Creates a client in the shape of node-redis, from options or the environment. No request. */
export function createClient(options?: NodeRedisOptions): Client;
