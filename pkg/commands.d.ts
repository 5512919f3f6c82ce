/**
 * Every command, once: its arguments and what comes back. `Redis` gives it as a promise, a pipeline collects it.
 *
 * An integer that is too large for a number arrives as a string of its digits. A score is a number, `Infinity` included.
 *
 * A command on a list of keys, fields or members that is empty returns 0, `[]` or `null` without a request.
 */

import type { Structures } from "./structures.js";

export type * from "./structures.js";

/** Says how a reply is handed over: `in` is the reply's type, `out` what the method gives. */
export interface Kind {
  readonly in: unknown;
  readonly out: unknown;
}

/** What a method gives for a reply of type `T`. */
export type Give<F extends Kind, T> = (F & { readonly in: T })["out"];

/** A key. */
export type Key = string | number | bigint;
/**
 * What can be stored: text as it is, numbers as their digits, a Uint8Array as its bytes, all else as JSON. Bytes that are
 * not UTF-8 go in a request of their own, in which only one option with a value can follow them. What JSON would write as `{}` or
 * leave out (promises, Maps, Sets, Errors, functions, symbols, bytes inside of an object) is a TypeError.
 */
export type Value = string | number | bigint | boolean | null | object;
/** An argument of any command. */
export type Argument = Value;
/** A bound of a range of scores: `5`, `"(5"`, `"-inf"`. */
export type Score = number | bigint | string;

/** One of these, or none: never two. */
type OneOf<T> = { [K in keyof T]: { [P in K]: T[K] } & { [P in Exclude<keyof T, K>]?: never } }[keyof T] | { [K in keyof T]?: never };

/** When a key ends, by one of four clocks. */
type Expiry = {
  /** Seconds to live. */
  ex: number;
  /** Milliseconds to live. */
  px: number;
  /** The end, in seconds since 1970. */
  exat: number;
  /** The end, in milliseconds since 1970. */
  pxat: number;
};

/** Only if the key is absent, or only if it is there. */
export type SetCondition = OneOf<{ nx: true; xx: true }>;
/** What SET takes behind the value; at most one end, at most one condition. */
export type SetOptions = OneOf<Expiry & { keepTtl: true }> & SetCondition & { get?: boolean };
/** A new end of what is read, or none at all. */
export type GetExOptions = OneOf<Expiry & { persist: true }>;
/** On which condition fields are set, and when they end. */
export type HSetExOptions = { conditional?: "FNX" | "FXX"; expiration?: OneOf<Expiry & { keepttl: true }> };
/** When an expiry is set: absent, present, later, sooner. */
export type ExpireOption = "NX" | "nx" | "XX" | "xx" | "GT" | "gt" | "LT" | "lt";
/** Which names a step gives, and how many the server looks at for it. */
export type CursorOptions = { match?: string; count?: number };
/** As {@link CursorOptions}, and of which type the keys are. */
export type ScanOptions = CursorOptions & { type?: string };
/** From which match on it counts, and how many elements are compared. */
export type LPosOptions = { rank?: number; maxLen?: number };
/** An end of a list. */
export type Side = "left" | "right" | "LEFT" | "RIGHT";
/** A member of a sorted set with its score. */
export type ScoreMember<T = Value> = { score: Score; member: T };
/** On which conditions a score is set, and whether changes are counted. */
export type ZAddOptions = OneOf<{ nx: true; xx: true }> & OneOf<{ lt: true; gt: true }> & { ch?: true };
/** A part of what was found: how many are passed over, how many are given. */
export type Page = { offset: number; count: number } | { offset?: never; count?: never };
/** What the bounds are, the order, and a part of it; a part needs `byScore` or `byLex`. */
export type ZRangeOptions = OneOf<{ byScore: true; byLex: true }> & { rev?: boolean } & Page;
/** How the scores of one member are combined, and what each set counts. */
export type CombineOptions = { aggregate?: "sum" | "min" | "max" } & OneOf<{ weight: number; weights: readonly number[] }>;
/** Whether the answer waits until memory is free. */
export type Flush = OneOf<{ async: true; sync: true }>;
/** The text of INFO by section, as `info.memory.used_memory`. */
export type Info = Record<string, Record<string, InfoValue>>;
/** A value of INFO: numbers and objects where the text is one. */
export type InfoValue = string | number | boolean | null | object;
/** A slow command: `timestamp` in seconds since 1970, `duration` in µs. */
export type SlowLogEntry = { id: number; timestamp: number; duration: number; args: string[]; client: string; name: string };

/** `{ name: value }` or a Map; an interface of yours will do. */
type Fields = object;
/** What a hash is read as. */
type Hash = object;

/** The commands by their names. */
export interface Commands<F extends Kind> extends Structures<F> {
  /** Any command by name, for what has no method here. */
  command<T = unknown>(name: string, ...args: Argument[]): Give<F, T>;

  // Connection and server

  /** `"PONG"`, or the message. */
  ping(message?: string | readonly [string?]): Give<F, string>;
  /** The message. */
  echo<T = unknown>(message: Value): Give<F, T>;
  /** How many keys there are. */
  dbsize(): Give<F, number>;
  /** What the server says of itself, by section. */
  info(...sections: string[]): Give<F, Info>;
  /** Deletes every key of the database. */
  flushdb(options?: Flush): Give<F, "OK">;
  /** Deletes every key of every database. */
  flushall(options?: Flush | readonly [Flush?]): Give<F, "OK">;
  /** The server's clock: seconds since 1970, and microseconds. */
  time(): Give<F, [seconds: number, microseconds: number]>;
  /** The slowest commands, newest first. */
  slowlogGet(count?: number): Give<F, SlowLogEntry[]>;
  /** How many commands the slow log holds. */
  slowlogLen(): Give<F, number>;
  /** Empties the slow log. */
  slowlogReset(): Give<F, "OK">;

  // Keys

  /** Deletes keys: how many there were. */
  del(...keys: Key[] | [readonly Key[]]): Give<F, number>;
  /** Deletes keys and frees their memory later: how many there were. */
  unlink(...keys: Key[] | [readonly Key[]]): Give<F, number>;
  /** How many of the keys there are. */
  exists(...keys: Key[] | [readonly Key[]]): Give<F, number>;
  /** Says that the keys were used: how many there are. */
  touch(...keys: Key[] | [readonly Key[]]): Give<F, number>;
  /** Gives a key so many seconds to live: 1 if that was set. 0 or less deletes it. */
  expire(key: Key, seconds: number, option?: ExpireOption): Give<F, 0 | 1>;
  /** Gives a key so many milliseconds to live: 1 if that was set. */
  pexpire(key: Key, milliseconds: number, option?: ExpireOption): Give<F, 0 | 1>;
  /** Ends a key at this second since 1970: 1 if that was set. */
  expireat(key: Key, seconds: number, option?: ExpireOption): Give<F, 0 | 1>;
  /** Ends a key at this millisecond since 1970: 1 if that was set. */
  pexpireat(key: Key, milliseconds: number, option?: ExpireOption): Give<F, 0 | 1>;
  /** When a key ends, in seconds since 1970: -1 never, -2 there is none. */
  expiretime(key: Key): Give<F, number>;
  /** When a key ends, in milliseconds since 1970: -1 never, -2 there is none. */
  pexpiretime(key: Key): Give<F, number>;
  /** Seconds left to live: -1 without end, -2 there is none. */
  ttl(key: Key): Give<F, number>;
  /** Milliseconds left to live: -1 without end, -2 there is none. */
  pttl(key: Key): Give<F, number>;
  /** Takes the end from a key: 1 if it had one. */
  persist(key: Key): Give<F, 0 | 1>;
  /** The type of a key: `"string"`, `"hash"`…, `"none"`. */
  type(key: Key): Give<F, string>;
  /** Renames a key, over one that has the new name. */
  rename(key: Key, newKey: Key): Give<F, "OK">;
  /** Renames a key unless the new name is taken: 1 if done. */
  renamenx(key: Key, newKey: Key): Give<F, 0 | 1>;
  /** Copies a key, over one that is there only with `replace`. */
  copy(source: Key, destination: Key, options?: { replace?: boolean }): Give<F, "COPIED" | "NOT_COPIED">;
  /** Some key, or null in an empty database. */
  randomkey<T = string>(): Give<F, T | null>;
  /** Every key of a pattern, in one go: it holds the server up. Rather use `scanIterator`. */
  keys<T = string>(pattern: string): Give<F, T[]>;
  /** One step through the keys with their types: the next cursor, `"0"` at the end, and what was found. */
  scan(cursor: string | number, options: ScanOptions & { withType: true }): Give<F, [cursor: string, { key: string; type: string }[]]>;
  /** One step through the keys: the next cursor, `"0"` at the end, and what was found. */
  scan<T = string>(cursor: string | number, options?: ScanOptions & { withType?: false }): Give<F, [cursor: string, T[]]>;

  // Strings

  /** The value of a key, or null. */
  get<T = unknown>(key: Key): Give<F, T | null>;
  /** Sets a key. With `nx` or `xx` null says that it was not set; with `get` the value before comes back. */
  set<T = unknown>(key: Key, value: Value, options: SetOptions & { get: true }): Give<F, T | null>;
  /** Stores a value if the condition holds: `"OK"`, or null. */
  set(key: Key, value: Value, options: SetOptions & { get?: false } & ({ nx: true } | { xx: true })): Give<F, "OK" | null>;
  /** Stores a value. One that is there keeps its end only with `keepTtl`. */
  set(key: Key, value: Value, options?: OneOf<Expiry & { keepTtl: true }> & { get?: false; nx?: never; xx?: never }): Give<F, "OK">;
  /** Stores a value, by options that are known when it runs. */
  set<T = unknown>(key: Key, value: Value, options: SetOptions): Give<F, T | "OK" | null>;
  /** The value of a key, whose end is set or taken away. */
  getex<T = unknown>(key: Key, options?: GetExOptions): Give<F, T | null>;
  /** The value of a key, which is deleted. */
  getdel<T = unknown>(key: Key): Give<F, T | null>;
  /** A part of a text, by the places of its first and last byte. */
  getrange<T = string>(key: Key, start: number, end: number): Give<F, T>;
  /** Sets a key and gives the value before. */
  getset<T = unknown>(key: Key, value: Value): Give<F, T | null>;
  /** Writes over a part of a text, from this byte on: its new length. */
  setrange(key: Key, offset: number, value: Value): Give<F, number>;
  /** Appends to a text: its new length. */
  append(key: Key, value: Value): Give<F, number>;
  /** The length of a text in bytes. */
  strlen(key: Key): Give<F, number>;
  /** Sets a key that lives so many seconds. */
  setex(key: Key, seconds: number, value: Value): Give<F, "OK">;
  /** Sets a key that lives so many milliseconds. */
  psetex(key: Key, milliseconds: number, value: Value): Give<F, "OK">;
  /** Sets a key unless it is there: 1 if set. */
  setnx(key: Key, value: Value): Give<F, 0 | 1>;
  /** Adds 1. Not repeated when the answer is lost, so that nothing counts twice. */
  incr(key: Key): Give<F, number>;
  /** Adds a whole number. */
  incrby(key: Key, increment: number | bigint): Give<F, number>;
  /** Adds a number. */
  incrbyfloat(key: Key, increment: number): Give<F, number>;
  /** Takes 1 away. */
  decr(key: Key): Give<F, number>;
  /** Takes a whole number away. */
  decrby(key: Key, decrement: number | bigint): Give<F, number>;
  /** The values of several keys, null for each that is absent. */
  mget<T extends unknown[] = unknown[]>(...keys: Key[] | [readonly Key[]]): Give<F, T>;
  /** Sets several keys at once. */
  mset(values: Fields): Give<F, "OK">;
  /** Sets several keys at once, if none of them is there: 1 if set. */
  msetnx(values: Fields): Give<F, 0 | 1>;

  // Hashes

  /** Sets fields: how many are new. */
  hset(key: Key, values: Fields): Give<F, number>;
  /** Sets fields. */
  hmset(key: Key, values: Fields): Give<F, "OK">;
  /** Sets fields and their end: 1 if all were set. */
  hsetex(key: Key, options: HSetExOptions, values: Fields): Give<F, 0 | 1>;
  /** Sets a field unless it is there: 1 if set. */
  hsetnx(key: Key, field: Key, value: Value): Give<F, 0 | 1>;
  /** The value of a field, or null. */
  hget<T = unknown>(key: Key, field: Key): Give<F, T | null>;
  /** The values of fields by their names; null if there is none of them. */
  hmget<T extends Hash = Hash>(key: Key, ...fields: Key[] | [readonly Key[]]): Give<F, T | null>;
  /** All fields; null if there is no such hash. */
  hgetall<T extends Hash = Hash>(key: Key): Give<F, T | null>;
  /** The values of fields, which are deleted. */
  hgetdel<T extends Hash = Hash>(key: Key, ...fields: Key[] | [readonly Key[]]): Give<F, T | null>;
  /** The values of fields, whose end is set or taken away. */
  hgetex<T extends Hash = Hash>(key: Key, options: GetExOptions, ...fields: Key[] | [readonly Key[]]): Give<F, T | null>;
  /** Deletes fields: how many there were. */
  hdel(key: Key, ...fields: Key[] | [readonly Key[]]): Give<F, number>;
  /** 1 if the field is there. */
  hexists(key: Key, field: Key): Give<F, 0 | 1>;
  /** Adds a whole number to a field. */
  hincrby(key: Key, field: Key, increment: number | bigint): Give<F, number>;
  /** Adds a number to a field. */
  hincrbyfloat(key: Key, field: Key, increment: number): Give<F, number>;
  /** The names of all fields. */
  hkeys<T = string>(key: Key): Give<F, T[]>;
  /** The values of all fields. */
  hvals<T extends unknown[] = unknown[]>(key: Key): Give<F, T>;
  /** How many fields there are. */
  hlen(key: Key): Give<F, number>;
  /** The length of a field's value in bytes. */
  hstrlen(key: Key, field: Key): Give<F, number>;
  /** Some fields, without their values or with them. */
  hrandfield<T = string>(key: Key): Give<F, T | null>;
  /** Some fields: so many that differ, or with a negative count so many that may be equal. */
  hrandfield<T = string>(key: Key, count: number, withValues?: false): Give<F, T[]>;
  /** As many fields with their values; null without the key. */
  hrandfield<T extends Hash = Hash>(key: Key, count: number, withValues: true): Give<F, T | null>;
  /** One step through a hash: the next cursor, `"0"` at the end, and fields and values in turn. */
  hscan(key: Key, cursor: string | number, options?: CursorOptions): Give<F, [cursor: string, unknown[]]>;
  /** Gives fields so many seconds to live. For each: 1 set, 0 not, 2 deleted, -2 there is none. */
  hexpire(key: Key, fields: Key | readonly Key[], seconds: number, option?: ExpireOption): Give<F, (-2 | 0 | 1 | 2)[]>;
  /** Gives fields so many milliseconds to live. */
  hpexpire(key: Key, fields: Key | readonly Key[], milliseconds: number, option?: ExpireOption): Give<F, (-2 | 0 | 1 | 2)[]>;
  /** Ends fields at this second since 1970. */
  hexpireat(key: Key, fields: Key | readonly Key[], seconds: number, option?: ExpireOption): Give<F, (-2 | 0 | 1 | 2)[]>;
  /** Ends fields at this millisecond since 1970. */
  hpexpireat(key: Key, fields: Key | readonly Key[], milliseconds: number, option?: ExpireOption): Give<F, (-2 | 0 | 1 | 2)[]>;
  /** When fields end, in seconds since 1970. */
  hexpiretime(key: Key, fields: Key | readonly Key[]): Give<F, number[]>;
  /** When fields end, in milliseconds since 1970. */
  hpexpiretime(key: Key, fields: Key | readonly Key[]): Give<F, number[]>;
  /** Seconds that fields have left: -1 without end, -2 there is none. */
  httl(key: Key, fields: Key | readonly Key[]): Give<F, number[]>;
  /** Milliseconds that fields have left. */
  hpttl(key: Key, fields: Key | readonly Key[]): Give<F, number[]>;
  /** Takes the end from fields: 1 taken, -1 it had none, -2 there is none. */
  hpersist(key: Key, fields: Key | readonly Key[]): Give<F, (-2 | -1 | 1)[]>;

  // Lists

  /** Puts values before the first: the new length. */
  lpush(key: Key, ...values: Value[]): Give<F, number>;
  /** Puts values after the last: the new length. */
  rpush(key: Key, ...values: Value[]): Give<F, number>;
  /** As `lpush`, if the list is there. */
  lpushx(key: Key, ...values: Value[]): Give<F, number>;
  /** As `rpush`, if the list is there. */
  rpushx(key: Key, ...values: Value[]): Give<F, number>;
  /** Takes the first value, or so many. */
  lpop<T = unknown>(key: Key): Give<F, T | null>;
  /** Takes so many from the left; null without the key. */
  lpop<T = unknown>(key: Key, count: number): Give<F, T[] | null>;
  /** Takes the last value, or so many. */
  rpop<T = unknown>(key: Key): Give<F, T | null>;
  /** Takes so many from the right; null without the key. */
  rpop<T = unknown>(key: Key, count: number): Give<F, T[] | null>;
  /** How many values there are. */
  llen(key: Key): Give<F, number>;
  /** The values from one place to another, counted from the end where negative. */
  lrange<T = unknown>(key: Key, start: number, end: number): Give<F, T[]>;
  /** The value at a place, or null. */
  lindex<T = unknown>(key: Key, index: number): Give<F, T | null>;
  /** Puts a value beside another: the new length, -1 if that other is not there. */
  linsert(key: Key, where: "before" | "after" | "BEFORE" | "AFTER", pivot: Value, value: Value): Give<F, number>;
  /** Sets the value at a place. */
  lset(key: Key, index: number, value: Value): Give<F, "OK">;
  /** Deletes so many of a value, from the end where negative, all for 0: how many. */
  lrem(key: Key, count: number, value: Value): Give<F, number>;
  /** Keeps the values from one place to another. */
  ltrim(key: Key, start: number, end: number): Give<F, "OK">;
  /** Where a value is, or null; with `count` all the places. */
  lpos(key: Key, value: Value, options: LPosOptions & { count: number }): Give<F, number[]>;
  /** The place of an element, or null. */
  lpos(key: Key, value: Value, options?: LPosOptions & { count?: undefined }): Give<F, number | null>;
  /** Moves a value from an end of one list to an end of another. */
  lmove<T = unknown>(source: Key, destination: Key, from: Side, to: Side): Give<F, T | null>;
  /** Takes values of the first list that has some. */
  lmpop<T = unknown>(numkeys: number, keys: readonly Key[], side: Side, count?: number): Give<F, [key: string, T[]] | null>;
  /** Moves the last value of one list before the first of another. */
  rpoplpush<T = unknown>(source: Key, destination: Key): Give<F, T | null>;

  // Sets

  /** Adds members: how many are new. */
  sadd(key: Key, ...members: Value[]): Give<F, number>;
  /** Removes members: how many there were. */
  srem(key: Key, ...members: Value[]): Give<F, number>;
  /** All members. */
  smembers<T extends unknown[] = unknown[]>(key: Key): Give<F, T>;
  /** 1 if it is a member. */
  sismember(key: Key, member: Value): Give<F, 0 | 1>;
  /** For each: 1 if it is a member. */
  smismember(key: Key, members: readonly Value[]): Give<F, (0 | 1)[]>;
  /** How many members there are. */
  scard(key: Key): Give<F, number>;
  /** Takes a random member, or so many. */
  spop<T = unknown>(key: Key): Give<F, T | null>;
  /** Takes so many members by chance. */
  spop<T = unknown>(key: Key, count: number): Give<F, T[]>;
  /** A random member, or so many. */
  srandmember<T = unknown>(key: Key): Give<F, T | null>;
  /** Some members: so many that differ, or with a negative count so many that may be equal. */
  srandmember<T = unknown>(key: Key, count: number): Give<F, T[]>;
  /** Moves a member to another set: 1 if it was there. */
  smove(source: Key, destination: Key, member: Value): Give<F, 0 | 1>;
  /** What the first set has and the others have not. */
  sdiff<T = unknown>(...keys: Key[] | [readonly Key[]]): Give<F, T[]>;
  /** What all sets have. */
  sinter<T = unknown>(...keys: Key[] | [readonly Key[]]): Give<F, T[]>;
  /** What any of the sets has. */
  sunion<T = unknown>(...keys: Key[] | [readonly Key[]]): Give<F, T[]>;
  /** Stores what `sdiff` gives: how many members. */
  sdiffstore(destination: Key, ...keys: Key[] | [readonly Key[]]): Give<F, number>;
  /** Stores what `sinter` gives: how many members. */
  sinterstore(destination: Key, ...keys: Key[] | [readonly Key[]]): Give<F, number>;
  /** Stores what `sunion` gives: how many members. */
  sunionstore(destination: Key, ...keys: Key[] | [readonly Key[]]): Give<F, number>;
  /** How many members all sets have in common. */
  sintercard(keys: readonly Key[], options?: { limit?: number }): Give<F, number>;
  /** One step through a set: the next cursor, `"0"` at the end, and members. */
  sscan(key: Key, cursor: string | number, options?: CursorOptions): Give<F, [cursor: string, unknown[]]>;

  // Sorted sets

  /** Adds members or changes their scores: how many are new, or with `ch` changed. With `incr` the new score. */
  zadd(key: Key, options: ZAddOptions & { incr: true }, entry: ScoreMember): Give<F, number | null>;
  /** Adds members, or sets their scores, if the conditions hold: how many are new, with `ch` how many changed. */
  zadd(key: Key, options: ZAddOptions & { incr?: never }, ...entries: ScoreMember[] | [readonly ScoreMember[]]): Give<F, number>;
  /** Adds members, or sets their scores: how many are new. */
  zadd(key: Key, ...entries: ScoreMember[] | [readonly ScoreMember[]]): Give<F, number>;
  /** Removes members: how many there were. */
  zrem(key: Key, ...members: Value[]): Give<F, number>;
  /** The score of a member, or null. */
  zscore(key: Key, member: Value): Give<F, number | null>;
  /** The scores of members, null for each that is absent. */
  zmscore(key: Key, members: readonly Value[]): Give<F, (number | null)[]>;
  /** Adds to a score: the new one. */
  zincrby(key: Key, increment: number, member: Value): Give<F, number>;
  /** How many members there are. */
  zcard(key: Key): Give<F, number>;
  /** How many members have a score in this range. */
  zcount(key: Key, min: Score, max: Score): Give<F, number>;
  /** How many members are in this range of names: `"[a"`, `"(b"`, `"-"`, `"+"`. */
  zlexcount(key: Key, min: string, max: string): Give<F, number>;
  /** Members by place, score or name; with `withScores` members and scores in turn. */
  zrange<T extends unknown[] = unknown[]>(
    key: Key,
    min: Score,
    max: Score,
    options?: ZRangeOptions & { withScores?: boolean },
  ): Give<F, T>;
  /** Stores what `zrange` gives: how many members. */
  zrangestore(destination: Key, key: Key, min: Score, max: Score, options?: ZRangeOptions): Give<F, number>;
  /** The place of a member from the lowest score, or null. */
  zrank(key: Key, member: Value): Give<F, number | null>;
  /** The place of a member from the highest score, or null. */
  zrevrank(key: Key, member: Value): Give<F, number | null>;
  /** Takes the members with the lowest scores: members and scores in turn. */
  zpopmin<T = unknown>(key: Key, count?: number): Give<F, T[]>;
  /** Takes the members with the highest scores: members and scores in turn. */
  zpopmax<T = unknown>(key: Key, count?: number): Give<F, T[]>;
  /** Takes members of the first sorted set that has some. */
  zmpop<T = unknown>(numkeys: number, keys: readonly Key[], which: "MIN" | "MAX", count?: number): Give<F, [key: string, T[]] | null>;
  /** A random member, or so many; with scores members and scores in turn. */
  zrandmember<T = unknown>(key: Key): Give<F, T | null>;
  /** Some members: so many that differ, or with a negative count so many that may be equal; with their scores behind each. */
  zrandmember<T = unknown>(key: Key, count: number, withScores?: boolean): Give<F, T[]>;
  /** Removes members by place: how many. */
  zremrangebyrank(key: Key, start: number, end: number): Give<F, number>;
  /** Removes members by score: how many. */
  zremrangebyscore(key: Key, min: Score, max: Score): Give<F, number>;
  /** Removes members by name: how many. */
  zremrangebylex(key: Key, min: string, max: string): Give<F, number>;
  /** What any of the sorted sets has. */
  zunion<T extends unknown[] = unknown[]>(
    numkeys: number,
    keys: Key | readonly Key[],
    options?: CombineOptions & { withScores?: boolean },
  ): Give<F, T>;
  /** What all sorted sets have. */
  zinter<T extends unknown[] = unknown[]>(
    numkeys: number,
    keys: Key | readonly Key[],
    options?: CombineOptions & { withScores?: boolean },
  ): Give<F, T>;
  /** What the first sorted set has and the others have not. */
  zdiff<T extends unknown[] = unknown[]>(numkeys: number, keys: Key | readonly Key[], options?: { withScores?: boolean }): Give<F, T>;
  /** Stores what `zunion` gives: how many members. */
  zunionstore(destination: Key, numkeys: number, keys: Key | readonly Key[], options?: CombineOptions): Give<F, number>;
  /** Stores what `zinter` gives: how many members. */
  zinterstore(destination: Key, numkeys: number, keys: Key | readonly Key[], options?: CombineOptions): Give<F, number>;
  /** Stores what `zdiff` gives: how many members. */
  zdiffstore(destination: Key, numkeys: number, ...keys: Key[] | [readonly Key[]]): Give<F, number>;
  /** How many members all sorted sets have in common. */
  zintercard(keys: readonly Key[], options?: { limit?: number }): Give<F, number>;
  /** One step through a sorted set: the next cursor, `"0"` at the end, and members and scores in turn. */
  zscan(key: Key, cursor: string | number, options?: CursorOptions): Give<F, [cursor: string, unknown[]]>;

  // Scripting

  /** Runs a Lua script. */
  eval<T = unknown>(script: string, keys?: readonly Key[], args?: readonly Argument[]): Give<F, T>;
  /** Runs a Lua script that only reads. */
  evalRo<T = unknown>(script: string, keys?: readonly Key[], args?: readonly Argument[]): Give<F, T>;
  /** Runs a Lua script by its SHA-1; fails with `NOSCRIPT` where the server does not know it. */
  evalsha<T = unknown>(sha1: string, keys?: readonly Key[], args?: readonly Argument[]): Give<F, T>;
  /** Runs a Lua script that only reads by its SHA-1. */
  evalshaRo<T = unknown>(sha1: string, keys?: readonly Key[], args?: readonly Argument[]): Give<F, T>;
  /** Makes a script known to the server: its SHA-1. */
  scriptLoad(script: string): Give<F, string>;
  /** For each SHA-1: 1 if the server knows the script. */
  scriptExists(...hashes: string[] | [readonly string[]]): Give<F, (0 | 1)[]>;
  /** Makes the server forget all scripts. */
  scriptFlush(options?: Flush): Give<F, "OK">;
}
