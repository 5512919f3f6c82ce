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

export interface NodeRedisOptions extends Omit<ClientOptions, "automaticDeserialization" | "deserialize" | "bigint"> {
  /** URL and token. Default: those of the environment. */
  url?: string;
  token?: string;
  /** The environment of a Worker. */
  env?: Environment;
}

type Text = string | Uint8Array;
type Arg = string | number | Uint8Array;
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
  get(key: Text): Reply<P, string | null>;
  set(key: Text, value: Arg, options?: SetOptions): Reply<P, string | null>;
  setEx(key: Text, seconds: number, value: Arg): Reply<P, string>;
  getDel(key: Text): Reply<P, string | null>;
  del(keys: Many): Reply<P, number>;
  unlink(keys: Many): Reply<P, number>;
  exists(keys: Many): Reply<P, number>;
  expire(key: Text, seconds: number): Reply<P, number>;
  pExpire(key: Text, milliseconds: number): Reply<P, number>;
  ttl(key: Text): Reply<P, number>;
  pTTL(key: Text): Reply<P, number>;
  incr(key: Text): Reply<P, number>;
  incrBy(key: Text, by: number): Reply<P, number>;
  decr(key: Text): Reply<P, number>;
  mGet(keys: readonly Text[]): Reply<P, (string | null)[]>;
  hGet(key: Text, field: Text): Reply<P, string | null>;
  hSet(key: Text, field: Text | Record<string, Arg>, value?: Arg): Reply<P, number>;
  hGetAll(key: Text): Reply<P, Record<string, string>>;
  hmGet(key: Text, fields: Many): Reply<P, (string | null)[]>;
  zAdd(key: Text, members: { score: number; value: Arg } | { score: number; value: Arg }[]): Reply<P, number>;
  zRange(key: Text, from: number | string, to: number | string, options?: { REV?: true; BY?: "SCORE" | "LEX" }): Reply<P, string[]>;
  eval(script: string, options?: { keys?: readonly string[]; arguments?: readonly string[] }): Reply<P, any>;
  evalSha(hash: string, options?: { keys?: readonly string[]; arguments?: readonly string[] }): Reply<P, any>;
  scriptLoad(script: string): Reply<P, string>;
  sendCommand(words: readonly Arg[]): Reply<P, any>;
  /** The other commands of one key or several, by their names in camelCase. */
  [command: string]: any;
}
type Reply<P extends boolean, T> = P extends true ? Promise<T> : Multi;

export interface Multi extends Commands<false> {
  exec(): Promise<any[]>;
}

export interface Client extends Commands<true> {
  readonly isOpen: true;
  readonly isReady: true;
  multi(): Multi;
  scanIterator(options?: { MATCH?: string; COUNT?: number; TYPE?: string }): AsyncGenerator<string[], void>;
  connect(): Promise<this>;
  close(): Promise<void>;
  quit(): Promise<void>;
  disconnect(): Promise<void>;
  destroy(): void;
  duplicate(): this;
  on(event: string, listener: (...args: any[]) => void): this;
  once(event: string, listener: (...args: any[]) => void): this;
  off(event: string, listener: (...args: any[]) => void): this;
}

export function createClient(options?: NodeRedisOptions): Client;
