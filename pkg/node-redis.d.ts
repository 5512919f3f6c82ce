/**
 * A client in the shape of node-redis 5, for libraries that are handed one, such as connect-redis and rate-limit-redis.
 *
 * @example
 * import session from "express-session";
 * import { RedisStore } from "connect-redis";
 * import { createClient } from "restis/node-redis";
 *
 * app.use(session({ store: new RedisStore({ client: createClient() }), secret }));
 *
 * It has no connection, so `connect`, `quit` and events do nothing. Replies are texts and numbers. Blocking commands and
 * subscriptions are not in it: `Redis` has `subscribe`.
 */

import type { ClientOptions, Environment } from "./index.js";

/** Those of a client. */
export interface NodeRedisOptions extends Omit<ClientOptions, "automaticDeserialization" | "deserialize" | "bigint"> {
  /** URL and token. Default: those of the environment. */
  url?: string;
  token?: string;
  /** The environment of a Worker. */
  env?: Environment;
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
  condition?: "NX" | "XX";
  EX?: number;
  PX?: number;
  EXAT?: number;
  PXAT?: number;
  KEEPTTL?: true;
  NX?: true;
  XX?: true;
  GET?: true;
}

/** Replies as promises, or collected. */
interface Commands<P extends boolean> {
  /** The value, or null. */
  get(key: Text): Reply<P, string | null>;
  /** Stores a value: `"OK"`, or null where the condition does not hold. */
  set(key: Text, value: Arg, options?: SetOptions): Reply<P, string | null>;
  /** Stores a value for so many seconds. */
  setEx(key: Text, seconds: number, value: Arg): Reply<P, string>;
  /** The value, which is then gone. */
  getDel(key: Text): Reply<P, string | null>;
  /** Deletes keys: how many there were. */
  del(keys: Many): Reply<P, number>;
  /** Deletes keys and frees their memory later: how many there were. */
  unlink(keys: Many): Reply<P, number>;
  /** How many of the keys there are. */
  exists(keys: Many): Reply<P, number>;
  /** Gives a key so many seconds to live: 1 if that was set. */
  expire(key: Text, seconds: number): Reply<P, number>;
  /** Gives a key so many milliseconds to live: 1 if that was set. */
  pExpire(key: Text, milliseconds: number): Reply<P, number>;
  /** Seconds left to live: -1 without end, -2 there is none. */
  ttl(key: Text): Reply<P, number>;
  /** Milliseconds left to live: -1 without end, -2 there is none. */
  pTTL(key: Text): Reply<P, number>;
  /** Adds 1, and gives the sum. */
  incr(key: Text): Reply<P, number>;
  /** Adds a number, and gives the sum. */
  incrBy(key: Text, by: number): Reply<P, number>;
  /** Takes 1 away, and gives what is left. */
  decr(key: Text): Reply<P, number>;
  /** The values in the order of their keys, null where there is none. */
  mGet(keys: readonly Text[]): Reply<P, (string | null)[]>;
  /** A field's value, or null. */
  hGet(key: Text, field: Text): Reply<P, string | null>;
  /** Sets fields: how many are new. */
  hSet(key: Text, field: Text | Record<string, Arg>, value?: Arg): Reply<P, number>;
  /** All fields with their values; empty without the key. */
  hGetAll(key: Text): Reply<P, Record<string, string>>;
  /** The values in the order of their fields, null where there is none. */
  hmGet(key: Text, fields: Many): Reply<P, (string | null)[]>;
  /** Adds members, or sets their scores: how many are new. */
  zAdd(key: Text, members: { score: number; value: Arg } | { score: number; value: Arg }[]): Reply<P, number>;
  /** Members between two places, scores or names. */
  zRange(key: Text, from: number | string, to: number | string, options?: { REV?: true; BY?: "SCORE" | "LEX" }): Reply<P, string[]>;
  /** Runs a script by its text. */
  eval(script: string, options?: { keys?: readonly string[]; arguments?: readonly string[] }): Reply<P, any>;
  /** Runs a script by its hash. */
  evalSha(hash: string, options?: { keys?: readonly string[]; arguments?: readonly string[] }): Reply<P, any>;
  /** Stores a script at the server: its hash. */
  scriptLoad(script: string): Reply<P, string>;
  /** Any command, by its words. */
  sendCommand(words: readonly Arg[]): Reply<P, any>;
  /** The other commands of one key or several, by their names in camelCase. */
  [command: string]: any;
}
/** A promise of the reply, or the transaction that collects it. */
type Reply<P extends boolean, T> = P extends true ? Promise<T> : Multi;

/** Commands that run together, as MULTI and EXEC have it. */
export interface Multi extends Commands<false> {
  /** Sends them in one request: their replies in order. */
  exec(): Promise<any[]>;
}

/** A client in the shape of node-redis. */
export interface Client extends Commands<true> {
  readonly isOpen: true;
  readonly isReady: true;
  /** Begins a transaction. */
  multi(): Multi;
  /** The keys, a page at a time. */
  scanIterator(options?: { MATCH?: string; COUNT?: number; TYPE?: string }): AsyncGenerator<string[], void>;
  /** Nothing, since there is no connection. */
  connect(): Promise<this>;
  /** Nothing, since there is no connection. */
  close(): Promise<void>;
  /** Nothing, since there is no connection. */
  quit(): Promise<void>;
  /** Nothing, since there is no connection. */
  disconnect(): Promise<void>;
  /** Nothing, since there is no connection. */
  destroy(): void;
  /** A client of the same options. */
  duplicate(): this;
  /** Nothing, since what goes wrong is thrown. */
  on(event: string, listener: (...args: any[]) => void): this;
  /** Nothing, since what goes wrong is thrown. */
  once(event: string, listener: (...args: any[]) => void): this;
  /** Nothing, since what goes wrong is thrown. */
  off(event: string, listener: (...args: any[]) => void): this;
}

/** A client in the shape of node-redis, from options or the environment. No request. */
export function createClient(options?: NodeRedisOptions): Client;
