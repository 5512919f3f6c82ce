/** Commands of bitmaps, places, streams, JSON documents, functions and arrays. */

import type { Argument, Give, Key, Kind, Value } from "./commands.js";

/** A unit of length. */
type Unit = "M" | "KM" | "FT" | "MI" | "m" | "km" | "ft" | "mi";
/** Nearest first, or farthest. */
type Order = "ASC" | "DESC" | "asc" | "desc";
/** Where a search is centered: on a member, or on a coordinate. */
export type GeoCenter =
  | { type: "FROMMEMBER" | "frommember"; member: Value; coordinate?: never }
  | { type: "FROMLONLAT" | "fromlonlat"; coordinate: { lon: number; lat: number }; member?: never };
/** What a search covers: a circle, or a box. */
export type GeoShape =
  | { type: "BYRADIUS" | "byradius"; radius: number; radiusType: Unit; rect?: never }
  | { type: "BYBOX" | "bybox"; rect: { width: number; height: number }; rectType: Unit; radius?: never };
/** A member with its place, in degrees. */
export type GeoMember<T = Value> = { longitude: number; latitude: number; member: T };
/** On which condition a place is set, and whether changes are counted. */
export type GeoAddOptions = { ch?: boolean } & ({ nx: true; xx?: never } | { nx?: never; xx: true } | { nx?: never; xx?: never });
/** At most so many; with `any` the first that are found. */
type GeoCount = { count?: { limit: number; any?: boolean } };
/** How many, and what is told of each. */
export type GeoSearchOptions = GeoCount & { withCoord?: boolean; withDist?: boolean; withHash?: boolean };
/** A member that was found, with what the options asked for. The hash is text: it has more digits than a number. */
export type GeoFound<T, O> = { member: T } & (O extends { withDist: true } ? { dist: number } : {}) &
  (O extends { withHash: true } ? { hash: string } : {}) &
  (O extends { withCoord: true } ? { coord: { long: number; lat: number } } : {});

/** How long a stream may be, or which ids it keeps. */
type StreamBound = { type: "MAXLEN" | "maxlen"; threshold: number } | { type: "MINID" | "minid"; threshold: string };
/** How a stream is cut: exactly (`=`), or about so (`~`), which is cheaper and takes a limit. */
export type StreamTrim = StreamBound & ({ comparison: "~"; limit?: number } | { comparison: "="; limit?: never });
/** Whether a stream is made, and how it is cut. */
export type XAddOptions = { nomkStream?: boolean; trim?: StreamTrim };
/** How a stream is cut. */
export type XTrimOptions = { strategy: "MAXLEN" | "MINID"; exactness?: "~" | "="; threshold: number | string; limit?: number };
/** What XGROUP does. */
export type XGroupCommand =
  | { type: "CREATE"; group: string; id: string; options?: { MKSTREAM?: boolean; ENTRIESREAD?: number } }
  | { type: "CREATECONSUMER" | "DELCONSUMER"; group: string; consumer: string }
  | { type: "DESTROY"; group: string }
  | { type: "SETID"; group: string; id: string; options?: { ENTRIESREAD?: number } };
/** What XINFO tells of. */
export type XInfoCommand = { type: "GROUPS"; group?: never } | { type: "CONSUMERS"; group: string };
/** What is said of the entries that change hands. */
export type XClaimOptions = {
  idleMS?: number;
  timeMS?: number;
  retryCount?: number;
  force?: boolean;
  justId?: boolean;
  lastId?: string;
};
/** What becomes of references to an entry in consumer groups. */
export type StreamPolicy = "KEEPREF" | "keepref" | "DELREF" | "delref" | "ACKED" | "acked";
/** Entries by their id, in the stream's order. */
export type StreamEntries<T = Record<string, unknown>> = Record<string, T>;

/** A place in an array; text and bigint for those beyond 2^53. */
export type ArrayIndex = number | string | bigint;
/** Which elements are found. */
export type ArGrepOptions = {
  /** How values are matched; several are joined by `combine`. */
  predicates: ({ exact: string } | { match: string } | { glob: string } | { re: string })[];
  combine?: "and" | "or" | "AND" | "OR";
  noCase?: boolean;
  withValues?: boolean;
  limit?: number;
};
/** What an operation makes of the elements. */
type ArOpWord = "SUM" | "MIN" | "MAX" | "AND" | "OR" | "XOR" | "USED";
/** An operation over elements, or how many match a value. */
export type ArOperation = ArOpWord | Lowercase<ArOpWord> | { match: Value };
/** What an array is like inside. */
export type ArInfo = {
  len: string;
  count: number;
  sliceSize: number;
  nextInsertIndex: string;
  [name: string]: number | string | null;
};

/** Operations on the bits of one key, which run in their order. */
export interface BitField<Out> {
  /** Reads an integer: `"u8"`, `"i5"` at a bit, or with `"#2"` at a multiple of its width. */
  get(encoding: string, offset: number | string): this;
  /** Writes an integer, and gives the one before. */
  set(encoding: string, offset: number | string, value: number): this;
  /** Adds to an integer, and gives the sum, or null where {@link overflow} is `"FAIL"`. */
  incrby(encoding: string, offset: number | string, increment: number): this;
  /** What the increments that follow do beyond the range. */
  overflow(overflow: "WRAP" | "SAT" | "FAIL"): this;
  /** In a pipeline: gives the pipeline. */
  exec(): Out;
}

/** JSON documents: `redis.json`. A path that begins with `$` answers by an array, one element for each match. */
export interface JsonCommands<F extends Kind> {
  /** Appends values: the new length at each match, null where it is no array. Text is sent as it is: `'"text"'` is a string. */
  arrappend(key: Key, path: string, ...values: Value[]): Give<F, (number | null)[]>;
  /** Where a value stands first, -1 where it does not. */
  arrindex(key: Key, path: string, value: Value, start?: number, stop?: number): Give<F, (number | null)[]>;
  /** Inserts before an index. */
  arrinsert(key: Key, path: string, index: number, ...values: Value[]): Give<F, (number | null)[]>;
  /** How many elements; of the whole document without a path. */
  arrlen(key: Key, path?: string): Give<F, (number | null)[]>;
  /** Removes and gives an element: the last, or the one at an index. */
  arrpop<T = unknown>(key: Key, path?: string, index?: number): Give<F, T[]>;
  /** Keeps elements from one index to another. */
  arrtrim(key: Key, path: string, start?: number, stop?: number): Give<F, (number | null)[]>;
  /** Empties arrays and objects, sets numbers to 0: how many. */
  clear(key: Key, path?: string): Give<F, number>;
  /** Deletes what matches: how many. */
  del(key: Key, path?: string): Give<F, number>;
  /** The same as `del`. */
  forget(key: Key, path?: string): Give<F, number>;
  /** What matches, of several paths an object by path; null without the key. */
  get<T = unknown>(key: Key, ...paths: string[] | [readonly string[]]): Give<F, T | null>;
  /** What matches, laid out by the server as `options` say, which is seen where text is not deserialized. */
  get<T = unknown>(
    key: Key,
    options: { indent?: string; newline?: string; space?: string },
    ...paths: string[] | [readonly string[]]
  ): Give<F, T | null>;
  /** Merges by RFC 7396: null removes. */
  merge(key: Key, path: string, value: Value): Give<F, "OK" | null>;
  /** What matches in each document; null for those that are not there. */
  mget<T = unknown[]>(keys: readonly Key[], path: string): Give<F, T>;
  /** Sets several documents as one. */
  mset(...documents: { key: Key; path: string; value: Value }[]): Give<F, "OK" | null>;
  /** Adds to numbers. */
  numincrby(key: Key, path: string, value: number): Give<F, (number | null)[]>;
  /** Multiplies numbers. */
  nummultby(key: Key, path: string, value: number): Give<F, (number | null)[]>;
  /** The names in objects. */
  objkeys(key: Key, path?: string): Give<F, (string[] | null)[]>;
  /** How many names objects have. */
  objlen(key: Key, path?: string): Give<F, (number | null)[]>;
  /** The document in the types of RESP. */
  resp<T = unknown>(key: Key, path?: string): Give<F, T>;
  /** Sets what matches; null where `nx` or `xx` forbids it. */
  set(
    key: Key,
    path: string,
    value: Value,
    options?: { nx: true; xx?: never } | { nx?: never; xx: true } | { nx?: never; xx?: never },
  ): Give<F, "OK" | null>;
  /** Appends to strings; the value is JSON: `'"text"'`. */
  strappend(key: Key, path: string, value: string): Give<F, (number | null)[]>;
  /** How long strings are. */
  strlen(key: Key, path?: string): Give<F, (number | null)[]>;
  /** Turns true into false and the reverse. */
  toggle(key: Key, path: string): Give<F, (0 | 1 | null)[]>;
  /** The types of what matches. */
  type(key: Key, path?: string): Give<F, string[]>;
}

/** Functions kept by the server: `redis.functions`. */
export interface FunctionCommands<F extends Kind> {
  /** Loads a library; with `replace` in place of one of the same name. Gives its name. */
  load(library: { code: string; replace?: boolean }): Give<F, string>;
  /** Libraries and their functions. */
  list(options?: { libraryName?: string; withCode?: boolean }): Give<
    F,
    {
      libraryName: string;
      engine: string;
      functions: { name: string; description?: string; flags: string[] }[];
      libraryCode?: string;
    }[]
  >;
  /** Deletes a library. */
  delete(name: string): Give<F, "OK">;
  /** Deletes all libraries. */
  flush(): Give<F, "OK">;
  /** How many there are. */
  stats(): Give<F, { engines: Record<string, { librariesCount: number; functionsCount: number }> }>;
  /** Runs a function. */
  call<T = unknown>(name: string, keys?: readonly Key[], args?: readonly Argument[]): Give<F, T>;
  /** Runs a function that only reads. */
  callRo<T = unknown>(name: string, keys?: readonly Key[], args?: readonly Argument[]): Give<F, T>;
}

/** The commands of bitmaps, places, streams, JSON documents, functions and arrays. */
export interface Structures<F extends Kind> {
  /** JSON documents. */
  readonly json: JsonCommands<F>;
  /** Functions kept by the server. */
  readonly functions: FunctionCommands<F>;

  // Bitmaps, counts of distinct values, channels

  /** How many bits are 1, of all or between two bytes. */
  bitcount(key: Key): Give<F, number>;
  /** How many bits are set in a part, whose bounds are bytes unless `unit` says bits. */
  bitcount(key: Key, start: number, end: number, unit?: "BYTE" | "BIT"): Give<F, number>;
  /** Operations on integers of any width. */
  bitfield(key: Key): BitField<Give<F, (number | null)[]>>;
  /** Combines bits into a key: how many bytes it has. */
  bitop(
    operation: "and" | "or" | "xor" | "not" | "diff" | "diff1" | "andor" | "one" | "AND" | "OR" | "XOR" | "NOT",
    destination: Key,
    ...sources: Key[] | [readonly Key[]]
  ): Give<F, number>;
  /** The first bit that is 0 or 1, -1 if there is none. */
  bitpos(key: Key, bit: 0 | 1, start?: number, end?: number): Give<F, number>;
  /** One bit. */
  getbit(key: Key, offset: number): Give<F, 0 | 1>;
  /** Sets one bit and gives the old. */
  setbit(key: Key, offset: number, value: 0 | 1): Give<F, 0 | 1>;
  /** Counts values in: 1 if the estimate changed. */
  pfadd(key: Key, ...values: Value[]): Give<F, 0 | 1>;
  /** About how many distinct values were counted in. */
  pfcount(...keys: Key[] | [readonly Key[]]): Give<F, number>;
  /** Joins counts into one. */
  pfmerge(destination: Key, ...sources: Key[]): Give<F, "OK">;
  /** Sends a message to a channel: how many heard it. */
  publish(channel: string, message: Value): Give<F, number>;
  /** Names the library of this connection. */
  clientSetinfo(attribute: "LIB-NAME" | "LIB-VER" | "lib-name" | "lib-ver", value: string): Give<F, "OK">;

  // Places

  /** Adds or moves places: how many are new. */
  geoadd(key: Key, ...places: GeoMember[]): Give<F, number>;
  /** Adds members with their places, if the condition holds: how many are new, with `ch` how many changed. */
  geoadd(key: Key, options: GeoAddOptions, ...places: GeoMember[]): Give<F, number>;
  /** How far two are apart, in meters unless you say otherwise; null if one is not there. */
  geodist(key: Key, member1: Value, member2: Value, unit?: Unit): Give<F, number | null>;
  /** The geohash of each, null for those that are not there. */
  geohash(key: Key, ...members: Value[] | [readonly Value[]]): Give<F, (string | null)[]>;
  /** Where each is, in the order of the members; null for those that are not there. */
  geopos(key: Key, ...members: Value[] | [readonly Value[]]): Give<F, ({ lng: number; lat: number } | null)[]>;
  /** What is within a shape. */
  geosearch<T = unknown, O extends GeoSearchOptions = {}>(
    key: Key,
    center: GeoCenter,
    shape: GeoShape,
    order: Order,
    options?: O,
  ): Give<F, GeoFound<T, O>[]>;
  /** Stores what is within a shape: how many. */
  geosearchstore(
    destination: Key,
    key: Key,
    center: GeoCenter,
    shape: GeoShape,
    order: Order,
    options?: GeoCount & { storeDist?: boolean },
  ): Give<F, number>;

  // Streams

  /** Adds an entry; `*` lets the server make the id, which comes back. Null if `nomkStream` forbids it. */
  xadd(key: Key, id: string, fields: object, options?: XAddOptions): Give<F, string | null>;
  /** Marks entries as done: how many. */
  xack(key: Key, group: string, ...ids: string[] | [readonly string[]]): Give<F, number>;
  /** Marks entries as done and deletes them: for each 1, 2 if others still refer to it, -1 if it is not there. */
  xackdel(key: Key, group: string, policy: StreamPolicy, ...ids: string[]): Give<F, number[]>;
  /** Takes over entries that others left: the next id, the entries, ids that are gone. */
  xautoclaim(
    key: Key,
    group: string,
    consumer: string,
    minIdleTime: number,
    start: string,
    options?: { count?: number; justId?: boolean },
  ): Give<F, unknown[]>;
  /** Takes over these entries. */
  xclaim(
    key: Key,
    group: string,
    consumer: string,
    minIdleTime: number,
    ids: string | readonly string[],
    options?: XClaimOptions,
  ): Give<F, unknown[]>;
  /** Deletes entries: how many. */
  xdel(key: Key, ...ids: string[] | [readonly string[]]): Give<F, number>;
  /** Deletes entries by a policy on what refers to them. */
  xdelex(key: Key, policy: StreamPolicy, ...ids: string[]): Give<F, number[]>;
  /** Makes, changes and removes groups of consumers. */
  xgroup(key: Key, command: XGroupCommand): Give<F, "OK" | number>;
  /** What the server knows of groups, or of the consumers of one. */
  xinfo(key: Key, command: XInfoCommand): Give<F, unknown[]>;
  /** How many entries. */
  xlen(key: Key): Give<F, number>;
  /** Entries that were given out and are not done: id, consumer, milliseconds, deliveries. */
  xpending(
    key: Key,
    group: string,
    start: string,
    end: string,
    count: number,
    options?: { idleTime?: number; consumer?: string | readonly string[] },
  ): Give<F, unknown[]>;
  /** Entries from one id to another: `-` and `+` are the ends. */
  xrange<T = Record<string, unknown>>(key: Key, start: string, end: string, count?: number): Give<F, StreamEntries<T>>;
  /** The same from the end. */
  xrevrange<T = Record<string, unknown>>(key: Key, end: string, start: string, count?: number): Give<F, StreamEntries<T>>;
  /** Entries after an id, of one stream or several; null if there are none. The service does not wait for new ones. */
  xread<T = unknown[] | null>(
    streams: Key | readonly Key[],
    ids: string | readonly string[],
    options?: { count?: number; blockMS?: number },
  ): Give<F, T>;
  /** The same for a consumer of a group; `>` is what nobody has. */
  xreadgroup<T = unknown[] | null>(
    group: string,
    consumer: string,
    streams: Key | readonly Key[],
    ids: string | readonly string[],
    options?: { count?: number; blockMS?: number; NOACK?: boolean },
  ): Give<F, T>;
  /** Cuts a stream, about (`~`) unless you say `=`: how many entries went. */
  xtrim(key: Key, options: XTrimOptions): Give<F, number>;

  // Arrays. An index goes up to 2^64, so it comes back as text.

  /** How many slots are occupied. */
  arcount(key: Key): Give<F, number>;
  /** Empties slots: how many were occupied. */
  ardel(key: Key, ...indexes: ArrayIndex[]): Give<F, number>;
  /** Empties ranges of slots. */
  ardelrange(key: Key, ...ranges: (readonly [start: ArrayIndex, end: ArrayIndex])[]): Give<F, number>;
  /** One value, null where the slot is empty. */
  arget<T = unknown>(key: Key, index: ArrayIndex): Give<F, T | null>;
  /** A range of values. */
  argetrange<T = unknown>(key: Key, start: ArrayIndex, end: ArrayIndex): Give<F, (T | null)[]>;
  /** The indexes of values that match, with `withValues` each with its value. */
  argrep<O extends ArGrepOptions, T = unknown>(
    key: Key,
    start: ArrayIndex,
    end: ArrayIndex,
    options: O,
  ): Give<F, O extends { withValues: true } ? [index: string, value: T][] : string[]>;
  /** What the server knows of the array. */
  arinfo(key: Key, options?: { full?: boolean }): Give<F, ArInfo | null>;
  /** Inserts values at the next index: the last index. */
  arinsert(key: Key, ...values: Value[]): Give<F, string>;
  /** The last values, with `rev` the newest first. */
  arlastitems<T = unknown>(key: Key, count: number, options?: { rev?: boolean }): Give<F, (T | null)[]>;
  /** The highest index that is occupied, plus 1. */
  arlen(key: Key): Give<F, string>;
  /** Values at indexes. */
  armget<T = unknown>(key: Key, ...indexes: ArrayIndex[]): Give<F, (T | null)[]>;
  /** Sets values by index: how many slots are new. */
  armset(key: Key, values: object): Give<F, number>;
  /** Where the next `arinsert` writes. */
  arnext(key: Key): Give<F, string | null>;
  /** Reduces a range to one number; null if it is empty. */
  arop(key: Key, start: ArrayIndex, end: ArrayIndex, operation: ArOperation): Give<F, number | null>;
  /** Inserts values into a ring of this size: the last index. */
  arring(key: Key, size: number, ...values: Value[]): Give<F, string>;
  /** Occupied slots of a range: index and value. */
  arscan<T = unknown>(
    key: Key,
    start: ArrayIndex,
    end: ArrayIndex,
    options?: { limit?: number },
  ): Give<F, [index: string, value: T][]>;
  /** Says where the next `arinsert` writes. */
  arseek(key: Key, index: ArrayIndex): Give<F, 0 | 1>;
  /** Sets values from an index on: how many slots are new. */
  arset(key: Key, index: ArrayIndex, ...values: Value[]): Give<F, number>;
}
