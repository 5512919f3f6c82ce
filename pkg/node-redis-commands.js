// The commands of `restis/node-redis`: how node-redis's arguments become the words of a command, and how its replies are read.
// Replies are those of node-redis over RESP2 with its default transforms.

import { ErrorReply } from "./node-redis-errors.js";
import { named as flatToObject } from "./text.js";

/** Several values, or one. */
const many = (value) => (Array.isArray(value) ? value : [value]);
const sized = (value) => [String(many(value).length), ...many(value)];
/** A number as text. What is neither text nor a number stays, and is refused by `checkWords`. */
const number = (value) => (typeof value === "number" || typeof value === "bigint" ? String(value) : value);
/** A score, or the end of a range. */
const edge = (value) => (Math.abs(value) === Infinity && typeof value === "number" ? (value > 0 ? "+inf" : "-inf") : number(value));
const seconds = (time) => (time instanceof Date ? String(Math.floor(time.getTime() / 1000)) : number(time));
const milliseconds = (time) => (time instanceof Date ? String(time.getTime()) : number(time));

/** How a kind of argument is written: t text, n number, e end of a range, m several, c several with their count, s and p times. */
const KINDS = { t: (v) => [v], n: (v) => [number(v)], e: (v) => [edge(v)], m: many, c: sized, s: (v) => [seconds(v)], p: (v) => [milliseconds(v)] };

/** Words of a command by the kinds of its arguments; those after a `?` may be missing. */
function written(words, kinds) {
  const [needed, optional = ""] = kinds.split("?");
  return (...args) => {
    const all = [...words];
    for (let i = 0; i < needed.length; i += 1) all.push(...KINDS[needed[i]](args[i]));
    for (let i = 0; i < optional.length; i += 1) {
      const value = args[needed.length + i];
      if (value !== undefined && value !== null && value !== "") all.push(...KINDS[optional[i]](value));
    }
    return all;
  };
}

/** Options of a command, of which a misspelt one would otherwise have no effect: a key would never expire. */
function known(command, given, names) {
  if (given === undefined || given === null) return {};
  if (typeof given !== "object") throw new TypeError(`${command}: options must be an object such as { ${names[0]}: … }`);
  for (const name of Object.keys(given)) {
    if (!names.includes(name)) throw new TypeError(`${command} has no option ${name}; it has ${names.join(", ")}`);
  }
  return given;
}

const word = (name, value, write = number) => (value === undefined ? [] : [name, write(value)]);
const flag = (name, value) => (value ? [name] : []);
const limit = (value) => (value ? ["LIMIT", number(value.offset), number(value.count)] : []);
const TIMES = { EX: number, PX: number, EXAT: seconds, PXAT: milliseconds };

/** `{ type: "EX", value: 5 }`, `{ type: "KEEPTTL" }` or the word alone. */
function expiration(command, given) {
  if (typeof given === "string") return [given];
  const { type, value } = known(command, given, ["type", "value"]);
  return Object.hasOwn(TIMES, type) ? [type, TIMES[type](value)] : [type];
}

/** `{ EX: 5 }`: the first of these that is set. */
function expiryByName(given) {
  const name = Object.keys(TIMES).find((one) => given[one] !== undefined);
  return name === undefined ? [] : [name, TIMES[name](given[name])];
}

const SET = ["expiration", "condition", "matchValue", "EX", "PX", "EXAT", "PXAT", "KEEPTTL", "NX", "XX", "GET"];

function setOptions(options) {
  const given = known("SET", options, SET);
  let words = expiryByName(given);
  if (given.expiration) words = expiration("SET", given.expiration);
  else if (words.length === 0) words = flag("KEEPTTL", given.KEEPTTL);
  const condition = given.condition ? [given.condition, ...many(given.matchValue ?? [])] : given.NX ? ["NX"] : flag("XX", given.XX);
  return [...words, ...condition, ...flag("GET", given.GET)];
}

/** Names and values as pairs, a flat array, a Map or an object. The server refuses a name without a value. */
function pairs(command, given, write = (value) => value) {
  if (given === null || typeof given !== "object") throw new TypeError(`${command}: names and values must be an object, an array or a Map`);
  const flat = given instanceof Map ? [...given] : Array.isArray(given) ? given : Object.entries(given);
  return flat.flat(Infinity).map(write);
}

/** Keys and values. */
function keyValues(command, given) {
  const words = pairs(command, given);
  if (words.length % 2 > 0 || (words.length === 0 && Array.isArray(given))) throw new TypeError(`${command}: keys and values must be in pairs, at least one`);
  return words;
}

const isText = (value) => typeof value === "string" || value instanceof Uint8Array;

const hashFields = (field, value) => (isText(field) || typeof field === "number" ? [number(field), number(value)] : pairs("HSET", field, number));

const members = (command, given) =>
  many(given).flatMap((member) => {
    const { score, value } = known(command, member, ["score", "value"]);
    return [edge(score), value];
  });

function adding(given) {
  const { condition, NX, XX, comparison, LT, GT, CH } = known("ZADD", given, ["condition", "NX", "XX", "comparison", "LT", "GT", "CH"]);
  return [
    ...(condition ? [condition] : NX ? ["NX"] : flag("XX", XX)),
    ...(comparison ? [comparison] : LT ? ["LT"] : flag("GT", GT)),
    ...flag("CH", CH),
  ];
}

function range(command, min, max, given) {
  const { BY, REV, LIMIT } = known(command, given, ["BY", "REV", "LIMIT"]);
  // Upstash answers this, Redis does not.
  if (LIMIT && !BY) throw new ErrorReply('ERR syntax error: LIMIT needs BY: "SCORE" or BY: "LEX"', { code: "ERR", command });
  return [edge(min), edge(max), ...(BY ? [`BY${BY}`] : []), ...flag("REV", REV), ...limit(LIMIT)];
}

const byValue = (command) => (key, min, max, given) => [command, key, edge(min), edge(max), ...limit(known(command, given, ["LIMIT"]).LIMIT)];

/** Keys of sorted sets, each with a weight or none. */
function weighted(keys) {
  const all = many(keys);
  if (isText(all[0]) || all.length === 0) return sized(keys);
  return [String(all.length), ...all.map(({ key }) => key), "WEIGHTS", ...all.map(({ weight }) => edge(weight))];
}

const combined = (command) => (keys, given) => [command, ...weighted(keys), ...word("AGGREGATE", known(command, given, ["AGGREGATE"]).AGGREGATE)];
const combinedStore = (command) => (target, ...rest) => {
  const [, ...words] = combined(command)(...rest);
  return [command, target, ...words];
};

function scanOptions(command, given, more = []) {
  const { MATCH, COUNT, TYPE } = known(command, given, ["MATCH", "COUNT", ...more]);
  return [...word("MATCH", MATCH), ...(COUNT ? ["COUNT", number(COUNT)] : []), ...(TYPE ? ["TYPE", TYPE] : [])];
}
const scanKey = (command) => (key, cursor, given) => [command, key, number(cursor), ...scanOptions(command, given)];

const scripted = (command) => (script, given) => {
  const { keys = [], arguments: args = [] } = known(command, given, ["keys", "arguments"]);
  // Text would become one key for each of its letters.
  if (!Array.isArray(keys) || !Array.isArray(args)) throw new TypeError(`${command}: keys and arguments must be arrays`);
  return [command, script, String(keys.length), ...keys, ...args];
};

const cardinality = (command) => (keys, given) => {
  const count = typeof given === "number" ? given : known(command, given, ["LIMIT"]).LIMIT;
  return [command, ...sized(keys), ...word("LIMIT", count)];
};

const popped = (command) => (keys, side, given) => [command, ...sized(keys), side, ...word("COUNT", known(command, given, ["COUNT"]).COUNT)];

function positions(key, element, given) {
  const { RANK, MAXLEN } = known("LPOS", given, ["RANK", "MAXLEN"]);
  return ["LPOS", key, element, ...word("RANK", RANK), ...word("MAXLEN", MAXLEN)];
}

function sorted(command, key, given) {
  const { BY, LIMIT, GET = [], DIRECTION, ALPHA } = known(command, given, ["BY", "LIMIT", "GET", "DIRECTION", "ALPHA"]);
  const patterns = many(GET).flatMap((pattern) => ["GET", pattern]);
  return [command, key, ...word("BY", BY), ...limit(LIMIT), ...patterns, ...(DIRECTION ? [DIRECTION] : []), ...flag("ALPHA", ALPHA)];
}

const fieldsOf = (fields) => ["FIELDS", ...sized(fields)];
/** The expiry of hash fields. */
const expiring = (command, write) => (key, fields, time, mode) => [command, key, write(time), ...(mode ? [mode] : []), ...fieldsOf(fields)];
const withFields = (command) => (key, fields) => [command, key, ...fieldsOf(fields)];

function hashGetEx(key, fields, given) {
  const when = known("HGETEX", given, ["expiration"]).expiration;
  return ["HGETEX", key, ...(when ? expiration("HGETEX", when) : []), ...fieldsOf(fields)];
}

function hashSetEx(key, fields, given) {
  const { mode, expiration: when } = known("HSETEX", given, ["mode", "expiration"]);
  const flat = pairs("HSETEX", fields, number);
  if (flat.length === 0 || flat.length % 2 > 0) throw new TypeError("HSETEX: fields and values must be in pairs, at least one");
  return ["HSETEX", key, ...(mode ? [mode] : []), ...(when ? expiration("HSETEX", when) : []), "FIELDS", String(flat.length / 2), ...flat];
}

function getEx(key, given) {
  const options = known("GETEX", given, ["type", "value", "EX", "PX", "EXAT", "PXAT", "PERSIST"]);
  if ("type" in options) return ["GETEX", key, ...expiration("GETEX", options)];
  const words = expiryByName(options);
  return ["GETEX", key, ...(words.length > 0 ? words : ["PERSIST"])];
}

function bitFields(key, operations) {
  const words = operations.flatMap(({ operation, encoding, offset, value, increment, behavior }) => {
    if (operation === "OVERFLOW") return ["OVERFLOW", behavior];
    const place = [operation, encoding, number(offset)];
    return operation === "GET" ? place : [...place, number(operation === "SET" ? value : increment)];
  });
  return ["BITFIELD", key, ...words];
}

function geoFrom(from, by) {
  const start = isText(from) ? ["FROMMEMBER", from] : ["FROMLONLAT", number(from.longitude), number(from.latitude)];
  const area = "radius" in by ? ["BYRADIUS", number(by.radius), by.unit] : ["BYBOX", number(by.width), number(by.height), by.unit];
  return [...start, ...area];
}
function geoOptions(command, given, more = []) {
  const { SORT, COUNT } = known(command, given, ["SORT", "COUNT", ...more]);
  const count = typeof COUNT === "object" && COUNT !== null ? [number(COUNT.value), ...flag("ANY", COUNT.ANY)] : [number(COUNT)];
  return [...(SORT ? [SORT] : []), ...(COUNT ? ["COUNT", ...count] : [])];
}
const geoSearch = (key, from, by, given) => ["GEOSEARCH", key, ...geoFrom(from, by), ...geoOptions("GEOSEARCH", given)];

function geoAdd(key, places, given) {
  const { condition, NX, XX, CH } = known("GEOADD", given, ["condition", "NX", "XX", "CH"]);
  const words = many(places).flatMap(({ longitude, latitude, member }) => [number(longitude), number(latitude), member]);
  return ["GEOADD", key, ...(condition ? [condition] : NX ? ["NX"] : flag("XX", XX)), ...flag("CH", CH), ...words];
}

function streamAdd(key, id, message, given, ...first) {
  const { TRIM: trim } = known("XADD", given, ["TRIM"]);
  const words = trim
    ? [trim.strategy, ...(trim.strategyModifier ? [trim.strategyModifier] : []), number(trim.threshold), ...word("LIMIT", trim.limit)]
    : [];
  return ["XADD", key, ...first, ...words, id, ...Object.entries(message).flat()];
}

function streamTrim(key, strategy, threshold, given) {
  const { strategyModifier: how, LIMIT } = known("XTRIM", given, ["strategyModifier", "LIMIT"]);
  return ["XTRIM", key, strategy, ...(how ? [how] : []), number(threshold), ...(how === "~" ? word("LIMIT", LIMIT) : [])];
}

const streamRange = (command) => (key, start, end, given) => [command, key, start, end, ...word("COUNT", known(command, given, ["COUNT"]).COUNT)];

function streamsOf(command, streams, given, more = []) {
  const { COUNT, BLOCK, NOACK } = known(command, given, ["COUNT", "BLOCK", ...more]);
  if (BLOCK !== undefined) throw new TypeError(`${command}: BLOCK is not offered over HTTP, where a request cannot wait for data; leave it out and poll`);
  const all = many(streams);
  return [...word("COUNT", COUNT), ...flag("NOACK", NOACK), "STREAMS", ...all.map(({ key }) => key), ...all.map(({ id }) => id)];
}

// Replies

/** An integer that a number cannot hold exactly arrives as its digits; node-redis rounds it. */
const integer = (reply) => (typeof reply === "string" ? Number(reply) : reply);
const SIGNED = { inf: Infinity, "+inf": Infinity, "-inf": -Infinity, nan: NaN };
const double = (reply) => (reply === null ? null : Object.hasOwn(SIGNED, reply) ? SIGNED[reply] : Number(reply));
const named = (reply) => flatToObject(reply);
const inPairs = (reply, make) => Array.from({ length: reply.length / 2 }, (_, i) => make(reply[2 * i], reply[2 * i + 1]));
const scored = (reply) => inPairs(reply, (value, score) => ({ value, score: double(score) }));
const fieldValues = (reply) => inPairs(reply, (field, value) => ({ field, value }));
const popOne = (reply) => (reply.length === 0 ? null : { value: reply[0], score: double(reply[1]) });
const ranked = (reply) => (reply === null ? null : { rank: reply[0], score: Number(reply[1]) });
const page = (name, read = (found) => found) => ([cursor, found]) => ({ cursor: String(cursor), [name]: read(found) });
const message = (entry) => entry && { id: entry[0], message: named(entry[1]) };
const messages = (reply) => reply && reply.map(message);
const readStreams = (reply) => reply && reply.map(([name, found]) => ({ name, messages: messages(found) }));
const poppedSets = (reply) => reply && { key: reply[0], members: reply[1].map(([value, score]) => ({ value, score: double(score) })) };
const matches = (reply) => ({ matches: reply[1], len: reply[3] });
const WITH = ["WITHDIST", "WITHHASH", "WITHCOORD"];
/** Members of a search with what was asked for beside them, in the order the server has. */
const placed = (reply, [, , , parts]) =>
  reply.map(([member, ...rest]) => {
    const item = { member };
    for (const part of WITH) {
      if (!parts.includes(part)) continue;
      const value = rest.shift();
      if (part === "WITHDIST") item.distance = double(value);
      else if (part === "WITHHASH") item.hash = value;
      else item.coordinates = { longitude: double(value[0]), latitude: double(value[1]) };
    }
    return item;
  });
const streamInfo = (reply) => {
  const info = named(reply);
  for (const name of ["first-entry", "last-entry"]) info[name] = message(info[name]);
  return info;
};
const pending = ([count, firstId, lastId, consumers]) => ({
  pending: count,
  firstId,
  lastId,
  consumers: consumers && consumers.map(([name, deliveries]) => ({ name, deliveriesCounter: Number(deliveries) })),
});

/** Every command by its name: `[how its words are made, how its reply is read]`. */
export const commands = Object.create(null);

function add(names, words, read) {
  for (const name of names.split(" ")) commands[name] = [words, read];
}

/** Commands whose words are their arguments. */
function plain(table, read) {
  for (const [name, kinds] of Object.entries(table)) {
    const [words, alias = words.replaceAll(" ", "_")] = (kinds.split("=")[1] ?? name.toUpperCase()).split("/");
    add(`${name} ${alias}`, written(words.split(" "), kinds.split("=")[0]), read);
  }
}

plain({
  append: "tt", dbSize: "", del: "m", dump: "t", echo: "t", exists: "m", expire: "tn?t", expireAt: "ts?t", expireTime: "t",
  flushAll: "?t", flushDb: "?t", functionDelete: "t=FUNCTION DELETE", functionFlush: "?t=FUNCTION FLUSH", geoHash: "tm", get: "t", getBit: "tn",
  getDel: "t", getRange: "tnn", getSet: "tt", hDel: "tm", hExists: "tt", hGet: "tt", hIncrByFloat: "ttn", hKeys: "t", hLen: "t", hmGet: "tm",
  hRandField: "t", hRandFieldCount: "tn=HRANDFIELD/HRANDFIELD_COUNT", hSetNX: "ttt", hStrLen: "tt", hVals: "t", incrByFloat: "tn", info: "?t",
  keys: "t", lcs: "tt", lIndex: "tn", lInsert: "tttt", lLen: "t", lMove: "tttt", lPop: "t", lPopCount: "tn=LPOP/LPOP_COUNT", lPush: "tm",
  lPushX: "tm", lRange: "tnn", lRem: "tnt", lSet: "tnt", lTrim: "tnn", mGet: "m", move: "tn",
  objectEncoding: "t=OBJECT ENCODING", objectFreq: "t=OBJECT FREQ", objectIdleTime: "t=OBJECT IDLETIME", objectRefCount: "t=OBJECT REFCOUNT",
  persist: "t", pExpire: "tn?t", pExpireAt: "tp?t", pExpireTime: "t", pfAdd: "t?m", pfCount: "m", pfMerge: "t?m", ping: "?t", pSetEx: "tnt",
  pTTL: "t", publish: "tt", randomKey: "", rename: "tt", renameNX: "tt", rPop: "t", rPopCount: "tn=RPOP/RPOP_COUNT", rPopLPush: "tt",
  rPush: "tm", rPushX: "tm", sAdd: "tm", sCard: "t", scriptExists: "m=SCRIPT EXISTS", scriptFlush: "?t=SCRIPT FLUSH", scriptLoad: "t=SCRIPT LOAD",
  sDiff: "m", sDiffStore: "tm", setBit: "tnn", setEx: "tnt", setNX: "tt", setRange: "tnt", sInter: "m", sInterStore: "tm", sIsMember: "tt",
  sMembers: "t", smIsMember: "tm", sMove: "ttt", sPop: "t", sPopCount: "tn=SPOP/SPOP_COUNT", sRandMember: "t",
  sRandMemberCount: "tn=SRANDMEMBER/SRANDMEMBER_COUNT", sRem: "tm", strLen: "t", sUnion: "m", sUnionStore: "tm", time: "", touch: "m", ttl: "t",
  type: "t", unlink: "m", xAck: "ttm", xDel: "tm", xGroupCreateConsumer: "ttt=XGROUP CREATECONSUMER", xGroupDelConsumer: "ttt=XGROUP DELCONSUMER",
  xGroupDestroy: "tt=XGROUP DESTROY", xLen: "t", zCard: "t", zCount: "tee", zDiff: "c", zDiffStore: "tc", zLexCount: "ttt", zRandMember: "t",
  zRandMemberCount: "tn=ZRANDMEMBER/ZRANDMEMBER_COUNT", zRank: "tt", zRem: "tm", zRemRangeByLex: "tee", zRemRangeByRank: "tnn",
  zRemRangeByScore: "tee", zRevRank: "tt",
});
plain({ decr: "t", decrBy: "tn", hIncrBy: "ttn", incr: "t", incrBy: "tn" }, integer);
plain({ zIncrBy: "tet", zScore: "tt" }, double);
plain({ zmScore: "tm" }, (reply) => reply.map(double));
plain({ hGetAll: "t" }, named);
plain({ zPopMax: "t", zPopMin: "t" }, popOne);
plain({ zPopMaxCount: "tn=ZPOPMAX/ZPOPMAX_COUNT", zPopMinCount: "tn=ZPOPMIN/ZPOPMIN_COUNT" }, scored);
plain({ geoDist: "ttt?t" }, double);
plain({ geoPos: "tm" }, (reply) => reply.map((place) => place && { longitude: place[0], latitude: place[1] }));
plain({ xInfoConsumers: "tt=XINFO CONSUMERS", xInfoGroups: "t=XINFO GROUPS" }, (reply) => reply.map((one) => named(one)));
plain({ xInfoStream: "t=XINFO STREAM" }, streamInfo);
plain({ xPending: "tt" }, pending);

/** The command with a last word, which changes the reply. */
const ending = (name, last) => (...args) => [...commands[name][0](...args), last];

add("hRandFieldCountWithValues HRANDFIELD_COUNT_WITHVALUES", ending("hRandFieldCount", "WITHVALUES"), fieldValues);
add("set SET", (key, value, options) => ["SET", key, number(value), ...setOptions(options)]);
add("getEx GETEX", getEx);
for (const [name, command] of [["mSet", "MSET"], ["mSetNX", "MSETNX"]]) add(`${name} ${command}`, (values) => [command, ...keyValues(command, values)]);
add("copy COPY", (source, target, given) => {
  const { DB, REPLACE } = known("COPY", given, ["DB", "REPLACE"]);
  return ["COPY", source, target, ...word("DB", DB), ...flag("REPLACE", REPLACE)];
});
add("lcsLen LCS_LEN", ending("lcs", "LEN"));
add("lcsIdx LCS_IDX", (first, second, given) => ["LCS", first, second, "IDX", ...word("MINMATCHLEN", known("LCS", given, ["MINMATCHLEN"]).MINMATCHLEN)], matches);
add("lcsIdxWithMatchLen LCS_IDX_WITHMATCHLEN", ending("lcsIdx", "WITHMATCHLEN"), matches);
add("memoryUsage MEMORY_USAGE", (key, given) => ["MEMORY", "USAGE", key, ...word("SAMPLES", known("MEMORY USAGE", given, ["SAMPLES"]).SAMPLES)]);
add("bitCount BITCOUNT", (key, given) => {
  if (given === undefined || given === null) return ["BITCOUNT", key];
  const { start, end, mode } = known("BITCOUNT", given, ["start", "end", "mode"]);
  return ["BITCOUNT", key, number(start), number(end), ...(mode ? [mode] : [])];
});
add("bitPos BITPOS", written(["BITPOS"], "tn?nnt"));
add("bitOp BITOP", written(["BITOP"], "ttm"));
add("bitField BITFIELD", bitFields);
add("bitFieldRo BITFIELD_RO", (key, reads) => ["BITFIELD_RO", key, ...reads.flatMap(({ encoding, offset }) => ["GET", encoding, number(offset)])]);
add("sort SORT", (key, given) => sorted("SORT", key, given));
add("sortRo SORT_RO", (key, given) => sorted("SORT_RO", key, given));
add("sortStore SORT_STORE", (key, target, given) => [...sorted("SORT", key, given), "STORE", target]);

add("hSet HSET", (key, field, value) => ["HSET", key, ...hashFields(field, value)]);
add("hGetEx HGETEX", hashGetEx);
add("hSetEx HSETEX", hashSetEx);
for (const [name, write] of [["hExpire", number], ["hpExpire", number], ["hExpireAt", seconds], ["hpExpireAt", milliseconds]]) {
  add(`${name} ${name.toUpperCase()}`, expiring(name.toUpperCase(), write));
}
for (const name of ["hExpireTime", "hpExpireTime", "hTTL", "hpTTL", "hPersist", "hGetDel"]) add(`${name} ${name.toUpperCase()}`, withFields(name.toUpperCase()));

for (const [name, command] of [["eval", "EVAL"], ["evalRo", "EVAL_RO"], ["evalSha", "EVALSHA"], ["evalShaRo", "EVALSHA_RO"], ["fCall", "FCALL"], ["fCallRo", "FCALL_RO"]]) {
  add(`${name} ${command}`, scripted(command));
}
add("functionLoad FUNCTION_LOAD", (code, given) => ["FUNCTION", "LOAD", ...flag("REPLACE", known("FUNCTION LOAD", given, ["REPLACE"]).REPLACE), code]);

add("lPos LPOS", positions);
add("lPosCount LPOS_COUNT", (key, element, count, given) => [...positions(key, element, given), "COUNT", number(count)]);
add("lmPop LMPOP", popped("LMPOP"));
add("sInterCard SINTERCARD", cardinality("SINTERCARD"));

add("zAdd ZADD", (key, given, options) => ["ZADD", key, ...adding(options), ...members("ZADD", given)], double);
add("zAddIncr ZADD_INCR", (key, given, options) => ["ZADD", key, ...adding(options), "INCR", ...members("ZADD", given)], double);
add("zRange ZRANGE", (key, min, max, given) => ["ZRANGE", key, ...range("ZRANGE", min, max, given)]);
add("zRangeWithScores ZRANGE_WITHSCORES", ending("zRange", "WITHSCORES"), scored);
add("zRangeStore ZRANGESTORE", (target, source, min, max, given) => ["ZRANGESTORE", target, source, ...range("ZRANGESTORE", min, max, given)]);
add("zRangeByLex ZRANGEBYLEX", byValue("ZRANGEBYLEX"));
add("zRangeByScore ZRANGEBYSCORE", byValue("ZRANGEBYSCORE"));
add("zRangeByScoreWithScores ZRANGEBYSCORE_WITHSCORES", ending("zRangeByScore", "WITHSCORES"), scored);
add("zRankWithScore ZRANK_WITHSCORE", ending("zRank", "WITHSCORE"), ranked);
add("zRevRankWithScore ZREVRANK_WITHSCORE", ending("zRevRank", "WITHSCORE"), ranked);
add("zRandMemberCountWithScores ZRANDMEMBER_COUNT_WITHSCORES", ending("zRandMemberCount", "WITHSCORES"), scored);
add("zDiffWithScores ZDIFF_WITHSCORES", ending("zDiff", "WITHSCORES"), scored);
for (const [name, command] of [["zInter", "ZINTER"], ["zUnion", "ZUNION"]]) {
  add(`${name} ${command}`, combined(command));
  add(`${name}WithScores ${command}_WITHSCORES`, ending(name, "WITHSCORES"), scored);
  add(`${name}Store ${command}STORE`, combinedStore(`${command}STORE`));
}
add("zInterCard ZINTERCARD", cardinality("ZINTERCARD"));
add("zmPop ZMPOP", popped("ZMPOP"), poppedSets);

add("geoAdd GEOADD", geoAdd);
add("geoSearch GEOSEARCH", geoSearch);
add("geoSearchWith GEOSEARCH_WITH", (key, from, by, parts, given) => [...geoSearch(key, from, by, given), ...parts], placed);
add("geoSearchStore GEOSEARCHSTORE", (target, source, from, by, given) => [
  "GEOSEARCHSTORE", target, source, ...geoFrom(from, by), ...geoOptions("GEOSEARCHSTORE", given, ["STOREDIST"]), ...flag("STOREDIST", given?.STOREDIST),
]);

add("xAdd XADD", (key, id, entry, given) => streamAdd(key, id, entry, given));
add("xAddNoMkStream XADD_NOMKSTREAM", (key, id, entry, given) => streamAdd(key, id, entry, given, "NOMKSTREAM"));
add("xTrim XTRIM", streamTrim);
add("xRange XRANGE", streamRange("XRANGE"), messages);
add("xRevRange XREVRANGE", streamRange("XREVRANGE"), messages);
add("xRead XREAD", (streams, given) => ["XREAD", ...streamsOf("XREAD", streams, given)], readStreams);
add("xReadGroup XREADGROUP", (group, consumer, streams, given) => ["XREADGROUP", "GROUP", group, consumer, ...streamsOf("XREADGROUP", streams, given, ["NOACK"])], readStreams);
for (const [name, words] of [["xGroupCreate", "XGROUP CREATE"], ["xGroupSetId", "XGROUP SETID"]]) {
  add(`${name} ${words.replace(" ", "_")}`, (key, group, id, given) => {
    const { MKSTREAM, ENTRIESREAD } = known(words, given, ["MKSTREAM", "ENTRIESREAD"]);
    return [...words.split(" "), key, group, id, ...flag("MKSTREAM", MKSTREAM), ...word("ENTRIESREAD", ENTRIESREAD)];
  });
}
add("xPendingRange XPENDING_RANGE", (key, group, start, end, count, given) => {
  const { IDLE, consumer } = known("XPENDING", given, ["IDLE", "consumer"]);
  return ["XPENDING", key, group, ...word("IDLE", IDLE), start, end, number(count), ...(consumer ? [consumer] : [])];
}, (reply) => reply.map(([id, consumer, idle, count]) => ({ id, consumer, millisecondsSinceLastDelivery: idle, deliveriesCounter: count })));
add("xAutoClaim XAUTOCLAIM", (key, group, consumer, idle, start, given) => {
  const { COUNT } = known("XAUTOCLAIM", given, ["COUNT"]);
  return ["XAUTOCLAIM", key, group, consumer, number(idle), start, ...(COUNT ? ["COUNT", number(COUNT)] : [])];
}, ([nextId, found, deleted]) => ({ nextId, messages: messages(found), deletedMessages: deleted }));
add("xAutoClaimJustId XAUTOCLAIM_JUSTID", ending("xAutoClaim", "JUSTID"), ([nextId, found, deleted]) => ({ nextId, messages: found, deletedMessages: deleted }));
add("xClaim XCLAIM", (key, group, consumer, idle, ids, given) => {
  const { IDLE, TIME, RETRYCOUNT, FORCE, LASTID } = known("XCLAIM", given, ["IDLE", "TIME", "RETRYCOUNT", "FORCE", "LASTID"]);
  const options = [...word("IDLE", IDLE), ...word("TIME", TIME, milliseconds), ...word("RETRYCOUNT", RETRYCOUNT), ...flag("FORCE", FORCE), ...word("LASTID", LASTID)];
  return ["XCLAIM", key, group, consumer, number(idle), ...many(ids), ...options];
}, messages);
add("xClaimJustId XCLAIM_JUSTID", ending("xClaim", "JUSTID"));

add("scan SCAN", (cursor, given) => ["SCAN", number(cursor), ...scanOptions("SCAN", given, ["TYPE"])], page("keys"));
add("hScan HSCAN", scanKey("HSCAN"), page("entries", fieldValues));
add("hScanNoValues HSCAN_NOVALUES", ending("hScan", "NOVALUES"), page("fields"));
add("sScan SSCAN", scanKey("SSCAN"), page("members"));
add("zScan ZSCAN", scanKey("ZSCAN"), page("members", scored));

/** Refuses what node-redis cannot write: its commands take text and bytes, and numbers only where a number belongs. */
export function checkWords(words) {
  const wrong = words.findIndex((one) => !isText(one));
  if (wrong === -1) return words;
  const is = words[wrong] === null ? "null" : typeof words[wrong];
  throw new TypeError(`${String(words[0])}: argument ${wrong} must be a string or a Buffer, and is ${is}; convert it first`);
}
