// `restis/node-redis` beside the real node-redis over TCP, on one server: the same calls, the same replies and the same errors;
// and the libraries that take such a client.

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, test } from "node:test";
import { inspect } from "node:util";
import * as real from "redis";
import { RedisStore as RateLimitStore } from "rate-limit-redis";
import { ConfigError, RedisError, ServerError } from "restis";
import { ClientClosedError, createClient, ErrorReply, MultiErrorReply } from "restis/node-redis";
import { rejection, token, url } from "./support.mjs";

const tcp = process.env.RESTIS_TEST_REDIS;
if (!tcp) throw new Error("set RESTIS_TEST_REDIS to the redis:// URL of the server behind RESTIS_TEST_URL");

const theirs = await real.createClient({ url: tcp, RESP: 2 }).connect();
const ours = createClient({ url, token });
after(async () => {
  await clean();
  await theirs.close();
});

const prefix = `node-redis-${crypto.randomUUID()}:`;
/** The names of keys, which are the same for both clients. */
const k = (name) => prefix + name;
const a = k("a");
const b = k("b");
const c = k("c");
const { h, l, s, z, g, x } = Object.fromEntries([..."hlszgx"].map((name) => [name, k(name)]));
const soon = new Date(Date.now() + 100_000);
const sum = "return redis.call('INCRBY', KEYS[1], ARGV[1])";
const libraryName = `lib_${prefix.replaceAll(/\W/g, "")}`;
const library = `#!lua name=${libraryName}\nredis.register_function{function_name='mine_${libraryName}', callback=function(keys, args) return args[1] end, flags={'no-writes'}}`;
const sumHash = "a3a5a1d1fd3e1a3c2fb7e6f9f0d0a2a4b6c8d0e2"; // Of no script.

async function clean() {
  const keys = await theirs.keys(`${prefix}*`);
  if (keys.length > 0) await theirs.del(keys);
}

/** What a call comes to, as something to compare. */
async function outcome(client, [name, ...args]) {
  try {
    return { reply: await client[name](...args) };
  } catch (error) {
    // The server's errors by their code. Each client has its own words for a mistake that it finds itself.
    const fromServer = error instanceof real.ErrorReply || error instanceof ErrorReply;
    return { error: fromServer ? error.message.split(" ")[0] : "refused by the client" };
  }
}

/** Makes each call with both clients, from the same state. */
async function compare(calls) {
  const outcomes = [];
  for (const client of [theirs, ours]) {
    await clean();
    const own = [];
    for (const call of calls) own.push(await outcome(client, call));
    outcomes.push(own);
  }
  calls.forEach((call, i) => {
    const [expected, found] = outcomes.map((list) => list[i]);
    assert.deepStrictEqual(found, expected, `${i}: ${inspect(call)}`);
  });
  for (const [name] of calls) named.add(name);
  compared += calls.length;
}

let compared = 0;
const named = new Set();

test("strings: the replies and errors of node-redis", () =>
  compare([
    ["set", a, "1"], ["get", a], ["set", a, 2], ["get", k("none")], ["set", a, Buffer.from("bytes ü")], ["get", a],
    ["set", a, "3", { EX: 60 }], ["ttl", a], ["set", a, "4", { PX: 60_000 }], ["set", a, "5", { KEEPTTL: true }], ["ttl", a],
    ["set", a, "6", { EXAT: Math.floor(+soon / 1000) }], ["expireTime", a], ["set", a, "7", { PXAT: +soon }], ["pExpireTime", a],
    ["set", a, "8", { NX: true }], ["set", b, "8", { NX: true }], ["set", a, "9", { XX: true, GET: true }], ["set", c, "1", { XX: true }],
    ["set", a, "1", { expiration: { type: "EX", value: 60 } }], ["set", a, "2", { expiration: { type: "KEEPTTL" } }], ["ttl", a],
    ["set", a, "3", { expiration: "KEEPTTL", condition: "XX" }], ["ttl", a], ["set", a, "4", { condition: "NX", GET: true }],
    ["set", c, "5", { condition: "NX", expiration: { type: "PX", value: 100_000 } }], ["set", a, "1", { EX: 0 }], ["set", a, "1", { EX: 1.5 }],
    ["set", a, undefined], ["set", a, null], ["set", a, true], ["set", a, {}], ["set", 1, "a"], ["set", a, "1", { EX: undefined, NX: false }],
    ["SET", a, "10"], ["GET", a], ["getDel", a], ["getDel", a], ["set", a, "1"], ["getEx", a, { EX: 50 }], ["getEx", a, { type: "PX", value: 50_000 }],
    ["ttl", a], ["getEx", a, { type: "PERSIST" }], ["ttl", a], ["getEx", a, { PERSIST: true }], ["getEx", a, { EXAT: soon }], ["getEx", a, { type: "PXAT", value: soon }],
    ["getSet", a, "old"], ["append", a, "er"], ["strLen", a], ["getRange", a, 0, 2], ["setRange", a, 1, "LD"], ["get", a], ["lcs", a, b], ["lcsLen", a, b],
    ["set", b, "xLDy"], ["lcsIdx", a, b], ["lcsIdx", a, b, { MINMATCHLEN: 3 }], ["lcsIdxWithMatchLen", a, b], ["incr", a], ["set", a, "1"], ["incr", a],
    ["incrBy", a, 10], ["incrByFloat", a, 0.5], ["decr", b], ["set", a, "9007199254740993"], ["incr", a], ["decrBy", a, 1], ["decr", a], ["incrBy", a, "5"],
    ["mSet", [["m1", "1"], ["m2", "2"]].map(([name, value]) => [k(name), value])], ["mSet", [k("m3"), "3", k("m4"), "4"]], ["mSet", { [k("m5")]: "5" }],
    ["mGet", [k("m1"), k("m3"), k("m5"), k("none")]], ["mSetNX", [[k("m1"), "x"], [k("m9"), "x"]]], ["mSetNX", { [k("m8")]: "x" }],
    ["mGet", k("m1")], ["exists", k("m9")], ["mSet", [k("odd")]], ["mSet", []], ["mSet", {}], ["mSetNX", [[k("m1")]]], ["mSet", { [k("m1")]: 5 }], ["setEx", a, 50, "v"], ["pSetEx", a, 50_000, "v"],
    ["ttl", a], ["setNX", a, "w"], ["setNX", k("new"), "w"], ["setEx", a, 0, "v"], ["get", l], ["lPush", l, "x"], ["get", l], ["incr", l], ["getRange", l, 0, 1],
    ["setBit", k("bits"), 7, 1], ["getBit", k("bits"), 7], ["bitCount", k("bits")], ["bitCount", k("bits"), { start: 0, end: 0, mode: "BYTE" }],
    ["bitPos", k("bits"), 1], ["bitPos", k("bits"), 1, 0, -1, "BIT"], ["bitOp", "NOT", k("not"), k("bits")], ["bitOp", "AND", k("and"), [k("bits"), k("not")]],
    ["bitField", k("bits"), [{ operation: "SET", encoding: "u8", offset: 0, value: 200 }, { operation: "OVERFLOW", behavior: "SAT" }, { operation: "INCRBY", encoding: "u8", offset: 0, increment: 100 }, { operation: "GET", encoding: "u8", offset: 0 }]],
    ["bitFieldRo", k("bits"), [{ encoding: "u4", offset: 0 }]], ["pfAdd", k("hll"), ["a", "b"]], ["pfAdd", k("hll"), "a"], ["pfCount", k("hll")],
    ["pfMerge", k("hll2"), [k("hll")]], ["pfCount", [k("hll"), k("hll2")]],
  ]));

test("keys: the replies and errors of node-redis", () =>
  compare([
    ["set", a, "1"], ["exists", a], ["exists", [a, a, b]], ["expire", a, 100], ["expire", a, 200, "GT"], ["expire", a, 100, "GT"], ["expire", b, 1], ["ttl", a], ["ttl", b],
    ["pExpire", a, 100_000], ["pExpire", a, 90_000, "LT"], ["expireAt", a, soon], ["expireAt", a, Math.floor(+soon / 1000)], ["pExpireAt", a, soon, "XX"], ["expireTime", a], ["pExpireTime", a],
    ["persist", a], ["persist", a], ["ttl", a], ["pTTL", a], ["pTTL", b], ["expire", a, "x"], ["type", a], ["type", b], ["rename", a, b], ["rename", a, b], ["renameNX", b, a], ["set", b, "2"],
    ["renameNX", a, b], ["copy", a, c], ["copy", a, c], ["copy", a, c, { REPLACE: true }], ["touch", [a, b]], ["touch", a], ["keys", a], ["unlink", c], ["unlink", [c, a]], ["del", b], ["del", [a, b]],
    ["del", []], ["set", a, "1"], ["objectEncoding", a], ["objectRefCount", a], ["objectEncoding", b], ["objectFreq", a], ["expireTime", b], ["sort", l], ["rPush", l, ["3", "1", "2"]], ["sort", l],
    ["sort", l, { DIRECTION: "DESC", LIMIT: { offset: 0, count: 2 } }], ["sortRo", l, { ALPHA: true }], ["sort", l, { GET: ["#", k("none*")], BY: "nosort" }], ["sortStore", l, k("sorted")], ["move", a, 0], ["ping"], ["ping", "hi"], ["echo", "text"],
    ["dump", k("none")], ["publish", k("channel"), "m"], ["scan", "0", { MATCH: k("none"), COUNT: 100_000 }],
  ]));

test("hashes: the replies and errors of node-redis", () =>
  compare([
    ["hSet", h, "f", "1"], ["hSet", h, "f", 2], ["hSet", h, { a: "1", b: 2 }], ["hSet", h, [["x", "1"]]], ["hSet", h, ["y", "2", "z", "3"]], ["hSet", h, new Map([["m", "1"], [5, 6]])],
    ["hSet", h, "f", true], ["hSet", h, "f"], ["hGet", h, "f"], ["hGet", h, "none"], ["hGet", k("none"), "f"], ["hGetAll", k("none")], ["hGetAll", h], ["HGETALL", h],
    ["hmGet", h, ["a", "none"]], ["hmGet", h, "a"], ["hExists", h, "a"], ["hExists", h, "none"], ["hLen", h], ["hStrLen", h, "a"], ["hKeys", h], ["hVals", h], ["hSetNX", h, "a", "9"], ["hSetNX", h, "n", "9"],
    ["hIncrBy", h, "a", 5], ["hIncrByFloat", h, "a", 0.25], ["hIncrBy", h, "a", 1], ["hDel", h, "a"], ["hDel", h, ["x", "y", "none"]], ["hDel", h, []], ["hSet", h, {}], ["hSet", h, ["a", "1", "b"]], ["hSet", h, []], ["hSetEx", h, ["a"]], ["hSetEx", h, {}], ["hRandFieldCount", h, 0], ["hRandField", k("none")],
    ["del", h], ["hSet", h, { only: "1" }], ["hRandField", h], ["hRandFieldCount", h, 5], ["hRandFieldCountWithValues", h, 5], ["HRANDFIELD_COUNT_WITHVALUES", h, -2], ["hScan", h, "0"], ["hScan", h, "0", { MATCH: "on*", COUNT: 10 }],
    ["hScanNoValues", h, "0"], ["hExpire", h, "only", 100], ["hTTL", h, "only"], ["hTTL", h, ["only", "none"]], ["hpTTL", h, ["none"]], ["hpExpire", h, ["only"], 90_000, "LT"], ["hExpireAt", h, "only", soon], ["hExpireTime", h, "only"],
    ["hpExpireAt", h, "only", soon], ["hpExpireTime", h, "only"], ["hPersist", h, "only"], ["hPersist", k("none"), "f"], ["hGetEx", h, "only", { expiration: { type: "EX", value: 50 } }], ["hGetEx", h, ["only"], { expiration: "PERSIST" }],
    ["hSetEx", h, { e: "1" }, { expiration: { type: "EX", value: 50 }, mode: "FNX" }], ["hSetEx", h, ["e2", "2"]], ["hTTL", h, ["e", "e2"]], ["hGetDel", h, ["e2"]], ["set", a, "1"], ["hGet", a, "f"], ["hSet", a, "f", "v"],
    ["hGetAll", a],
  ]));

test("lists: the replies and errors of node-redis", () =>
  compare([
    ["lPush", l, "a"], ["lPush", l, ["b", "c"]], ["rPush", l, ["d"]], ["rPush", l, 5], ["lPushX", k("none"), "a"], ["rPushX", l, "e"], ["lLen", l], ["lRange", l, 0, -1], ["lRange", k("none"), 0, -1], ["lIndex", l, 0], ["lIndex", l, 99],
    ["lInsert", l, "BEFORE", "a", "x"], ["lInsert", l, "AFTER", "none", "x"], ["lSet", l, 0, "C"], ["lSet", l, 99, "C"], ["lRem", l, 1, "x"], ["lTrim", l, 0, 3], ["lPos", l, "a"], ["lPos", l, "none"], ["lPos", l, "a", { RANK: -1, MAXLEN: 0 }],
    ["lPosCount", l, "a", 2], ["lPosCount", l, "a", 0, { RANK: 1 }], ["lMove", l, k("l2"), "LEFT", "RIGHT"], ["lMove", k("none"), l, "LEFT", "LEFT"], ["rPopLPush", l, k("l2")], ["lRange", k("l2"), 0, -1], ["lPop", l], ["lPopCount", l, 2], ["lPop", l], ["lPopCount", k("none"), 2],
    ["rPush", l, ["1", "2", "3"]], ["rPop", l], ["rPopCount", l, 1], ["rPop", k("none")], ["lmPop", [k("none"), l], "LEFT"], ["lmPop", l, "LEFT", { COUNT: 2 }], ["rPush", k("l3"), ["1", "2"]], ["lmPop", [k("l3")], "RIGHT", { COUNT: 5 }], ["LPOP_COUNT", k("l3"), 1],
    ["set", a, "1"], ["lPush", a, "x"], ["lLen", a], ["rPop", a],
  ]));

test("sets: the replies and errors of node-redis", () =>
  compare([
    ["sAdd", s, ["a", "b"]], ["sAdd", s, "a"], ["sAdd", s, 5], ["sCard", s], ["sMembers", k("none")], ["sIsMember", s, "a"], ["sIsMember", s, "none"], ["smIsMember", s, ["a", "none"]], ["smIsMember", s, "a"], ["sRem", s, ["a", "none"]], ["sRem", s, "none"], ["sMembers", s],
    ["sAdd", k("s2"), ["b", "c"]], ["sInter", [s, k("s2")]], ["sInter", s], ["sDiff", [k("s2"), s]], ["sInterCard", [s, k("s2")]], ["sInterCard", [s, k("s2")], { LIMIT: 1 }], ["sInterCard", s, 1], ["sUnionStore", k("s3"), [s, k("s2")]], ["sInterStore", k("s4"), [s, k("s2")]],
    ["sDiffStore", k("s5"), [k("s2"), s]], ["sUnion", [k("s5")]], ["sMove", k("s2"), s, "c"], ["sMove", k("s2"), s, "none"], ["sRandMember", k("none")], ["sRandMemberCount", k("s5"), 3], ["sRandMember", k("s5")], ["sPop", k("none")], ["sPop", k("s5")], ["sPopCount", k("s4"), 2], ["sScan", k("s2"), "0"],
    ["sScan", k("none"), "0", { MATCH: "*", COUNT: 5 }], ["set", a, "1"], ["sAdd", a, "x"], ["sMembers", a],
  ]));

test("sorted sets: scores are numbers, as in node-redis", () =>
  compare([
    ["zAdd", z, { score: 1, value: "a" }], ["zAdd", z, [{ score: 2.5, value: "b" }, { score: -Infinity, value: "low" }, { score: Infinity, value: "high" }]], ["zAdd", z, { score: 5, value: "a" }, { condition: "NX" }], ["zAdd", z, { score: 5, value: "new" }, { condition: "XX" }],
    ["zAdd", z, { score: 0, value: "a" }, { comparison: "GT" }], ["zAdd", z, [{ score: 3, value: "a" }, { score: 4, value: "d" }], { CH: true }], ["zAdd", z, { score: 3, value: "a" }, { NX: true, CH: true }], ["zAdd", z, { score: 9, value: "d" }, { GT: true, CH: true }],
    ["zAdd", z, { score: "x", value: "a" }], ["zAdd", z, { score: 1, value: 5 }], ["zAdd", z, []], ["zAddIncr", z, { score: 1.5, value: "a" }], ["zAddIncr", z, { score: 1, value: "a" }, { condition: "NX" }], ["zIncrBy", z, 0.5, "a"], ["zIncrBy", z, Infinity, "inf"],
    ["zScore", z, "a"], ["zScore", z, "none"], ["zScore", z, "low"], ["zScore", z, "high"], ["zmScore", z, ["a", "none", "high"]], ["zmScore", z, "a"], ["zCard", z], ["zCount", z, "-inf", 5], ["zCount", z, -Infinity, Infinity], ["zRank", z, "a"], ["zRank", z, "none"], ["zRevRank", z, "a"],
    ["zRankWithScore", z, "a"], ["zRankWithScore", z, "none"], ["zRevRankWithScore", z, "b"], ["zRange", z, 0, -1], ["zRange", z, 0, 0, { REV: true }], ["zRange", z, 1, 5, { BY: "SCORE" }], ["zRange", z, "(1", "+inf", { BY: "SCORE", LIMIT: { offset: 1, count: 2 } }],
    ["zRange", z, Infinity, -Infinity, { BY: "SCORE", REV: true, LIMIT: { offset: 0, count: 2 } }], ["zRangeWithScores", z, 0, -1], ["zRangeWithScores", k("none"), 0, -1], ["ZRANGE_WITHSCORES", z, 0, 5, { BY: "SCORE", LIMIT: { offset: 0, count: 1 } }],
    ["zRangeByScore", z, 0, 10], ["zRangeByScore", z, "-inf", "+inf", { LIMIT: { offset: 1, count: 1 } }], ["zRangeByScoreWithScores", z, 0, 10, { LIMIT: { offset: 0, count: 2 } }], ["zRangeStore", k("z2"), z, 0, 1], ["zRangeStore", k("z3"), z, 0, 5, { BY: "SCORE", LIMIT: { offset: 0, count: 1 } }],
    ["zRange", k("z2"), 0, -1], ["zAdd", k("lex"), ["a", "b", "c"].map((value) => ({ score: 0, value }))], ["zRangeByLex", k("lex"), "[a", "(c"], ["zRangeByLex", k("lex"), "-", "+", { LIMIT: { offset: 1, count: 1 } }], ["zRange", k("lex"), "[b", "+", { BY: "LEX" }], ["zLexCount", k("lex"), "-", "[b"],
    ["zRemRangeByLex", k("lex"), "[a", "[a"], ["zRemRangeByRank", k("lex"), 0, 0], ["zRemRangeByScore", k("lex"), 0, 0], ["zRem", z, ["d", "none"]], ["zRem", z, "inf"], ["zUnion", [z, k("z2")]], ["zUnionWithScores", [z, k("z2")]], ["zUnionWithScores", [{ key: z, weight: 2 }, { key: k("z3"), weight: 0.5 }], { AGGREGATE: "MAX" }],
    ["zInter", [z, k("z3")]], ["zInterWithScores", [z, k("z3")], { AGGREGATE: "MIN" }], ["zInterCard", [z, k("z3")]], ["zInterCard", [z, k("z3")], { LIMIT: 1 }], ["zInterStore", k("z4"), [z, k("z3")]], ["zUnionStore", k("z5"), { key: z, weight: 3 }], ["zUnionStore", k("z5"), [z, k("z3")], { AGGREGATE: "SUM" }], ["zDiff", [z, k("z3")]], ["zDiffWithScores", [z, k("z3")]],
    ["zDiffStore", k("z6"), [z, k("z3")]], ["zDiff", z], ["zPopMin", z], ["zPopMax", z], ["zPopMin", k("none")], ["zPopMaxCount", z, 1], ["zPopMinCount", z, 2], ["zPopMinCount", k("none"), 2], ["zAdd", z, { score: 1, value: "a" }], ["zRandMember", z], ["zRandMember", k("none")], ["zRandMemberCount", z, 3], ["zRandMemberCountWithScores", z, 3],
    ["zmPop", [k("none"), z], "MIN"], ["zmPop", z, "MAX", { COUNT: 2 }], ["zAdd", z, [{ score: 1, value: "a" }]], ["zScan", z, "0"], ["zScan", z, "0", { MATCH: "b*" }], ["set", a, "1"], ["zAdd", a, { score: 1, value: "a" }], ["zScore", a, "a"], ["zRange", z, 0, -1, { LIMIT: { offset: 0, count: 1 } }],
  ]));

test("places and streams: the replies and errors of node-redis", () =>
  compare([
    ["geoAdd", g, [{ longitude: 13.361389, latitude: 38.115556, member: "Palermo" }, { longitude: 15.087269, latitude: 37.502669, member: "Catania" }]], ["geoAdd", g, { longitude: 13, latitude: 38, member: "Palermo" }, { condition: "NX" }], ["geoDist", g, "Palermo", "Catania"], ["geoDist", g, "Palermo", "Catania", "km"],
    ["geoDist", g, "Palermo", "none"], ["geoHash", g, ["Palermo", "none"]], ["geoPos", g, ["Palermo", "none"]], ["geoSearch", g, { longitude: 15, latitude: 37 }, { radius: 200, unit: "km" }, { SORT: "ASC" }], ["geoSearch", g, "Palermo", { width: 400, height: 400, unit: "km" }, { SORT: "DESC", COUNT: 1 }],
    ["geoSearchWith", g, { longitude: 15, latitude: 37 }, { radius: 200, unit: "km" }, ["WITHDIST", "WITHCOORD"], { SORT: "ASC" }], ["geoSearchWith", g, "Palermo", { radius: 1, unit: "m" }, ["WITHHASH"], { COUNT: { value: 1, ANY: true } }], ["geoSearchStore", k("g2"), g, "Palermo", { radius: 200, unit: "km" }, { STOREDIST: true }],
    ["xAdd", x, "1-1", { f: "v" }], ["xAdd", x, "2-1", { f: "v2", g: "w" }], ["xAdd", x, "1-1", { f: "v" }], ["xAddNoMkStream", k("none"), "*", { f: "v" }], ["xAdd", x, "3-1", { f: "v" }, { TRIM: { strategy: "MAXLEN", threshold: 3 } }], ["xLen", x], ["xRange", x, "-", "+"], ["xRange", x, "-", "+", { COUNT: 1 }], ["xRevRange", x, "+", "-"],
    ["xRead", { key: x, id: "1-1" }, { COUNT: 1 }], ["xRead", [{ key: x, id: "9-9" }]], ["xGroupCreate", x, "group", "0"], ["xGroupCreate", x, "group", "0"], ["xGroupCreate", k("made"), "group", "$", { MKSTREAM: true }], ["xReadGroup", "group", "me", { key: x, id: ">" }, { COUNT: 2 }], ["xPending", x, "group"], ["xAck", x, "group", "1-1"],
    ["xAck", x, "group", ["1-1", "2-1"]], ["xPending", k("made"), "group"], ["xGroupCreateConsumer", x, "group", "you"], ["xGroupDelConsumer", x, "group", "you"], ["xGroupSetId", x, "group", "0"], ["xReadGroup", "group", "me", { key: x, id: ">" }, { NOACK: true }], ["xInfoStream", x], ["xInfoGroups", x],
    ["xClaim", x, "group", "you", 0, "1-1"], ["xAutoClaim", x, "group", "you", 0, "0"], ["xAutoClaimJustId", x, "group", "you", 0, "0", { COUNT: 1 }], ["xDel", x, "1-1"], ["xTrim", x, "MAXLEN", 1], ["xGroupDestroy", x, "group"], ["xReadGroup", "group", "me", { key: x, id: ">" }],
  ]));

test("scripts, and any command by its words", () =>
  compare([
    ["eval", "return {KEYS[1], ARGV[1], 1, false}", { keys: ["k"], arguments: ["v"] }], ["eval", "return 1"], ["eval", sum, { keys: [a], arguments: ["5"] }], ["evalRo", "return redis.call('GET', KEYS[1])", { keys: [a] }], ["eval", "return redis.error_reply('MINE of my own')"], ["eval", "return {1, {2, 'x'}, redis.status_reply('FINE')}"], ["eval", "nonsense("],
    ["eval", sum, { keys: [a], arguments: [5] }], ["evalSha", sumHash, { keys: [a], arguments: ["1"] }], ["scriptLoad", sum], ["scriptExists", sumHash], ["scriptExists", [sumHash, sumHash]], ["EVALSHA", sumHash], ["fCall", "none_such", { keys: [a] }], ["sendCommand", ["GET", a]], ["sendCommand", ["STRLEN", a]],
    ["sendCommand", ["HGETALL", k("none")]], ["sendCommand", ["ZSCORE", a, "x"]], ["sendCommand", ["NONSENSE"]], ["sendCommand", ["GET"]], ["sendCommand", ["SET", a, 5]], ["sendCommand", ["MGET", a, b]], ["sendCommand", ["SET", a, "x", "EX", "60"]],
  ]));

test("replies that differ from call to call have the shape of node-redis's", async () => {
  const shapes = [];
  for (const client of [theirs, ours]) {
    await clean();
    await client.xAdd(x, "1-1", { f: "v" });
    await client.xGroupCreate(x, "group", "0");
    await client.xReadGroup("group", "me", { key: x, id: ">" });
    const [waiting] = await client.xPendingRange(x, "group", "-", "+", 5, { consumer: "me" });
    const [consumer] = await client.xInfoConsumers(x, "group");
    for (const time of [waiting.millisecondsSinceLastDelivery, consumer.idle, consumer.inactive]) assert.ok(time < 60_000, `${time}`);
    const [first, second] = await client.time();
    assert.ok(Math.abs(Number(first) - Date.now() / 1000) < 60 && /^\d+$/.test(second));
    for (const size of [await client.dbSize(), await client.memoryUsage(x), await client.memoryUsage(x, { SAMPLES: 0 }), await client.objectIdleTime(x)]) assert.equal(typeof size, "number");
    assert.equal(typeof (await client.randomKey()), "string");
    assert.match(await client.info("server"), /redis_version/);
    assert.match(await client.dump(x), /^[^]+$/);
    shapes.push([
      { ...waiting, millisecondsSinceLastDelivery: 0 }, { ...consumer, idle: 0, inactive: 0 }, await client.xClaimJustId(x, "group", "you", 0, ["1-1"]),
      await client.functionLoad(library), await client.functionLoad(library, { REPLACE: true }),
      await client.fCall(`mine_${libraryName}`, { keys: [a], arguments: ["v"] }), await client.fCallRo(`mine_${libraryName}`, { keys: [a], arguments: ["v"] }), await client.functionDelete(libraryName),
      await client.evalShaRo(await client.scriptLoad("return ARGV[1]"), { arguments: ["v"] }),
    ]);
  }
  assert.deepStrictEqual(shapes[1], shapes[0]);
  for (const name of ["xPendingRange", "xInfoConsumers", "time", "dbSize", "memoryUsage", "objectIdleTime", "randomKey", "info", "xClaimJustId", "functionLoad", "fCallRo", "functionDelete", "evalShaRo"]) {
    named.add(name);
  }
});

test("at least 200 calls are compared, and every command that is offered is among them", () => {
  assert.ok(compared >= 200, `${compared}`);
  const offered = (name) => {
    try {
      ours.multi()[name]();
    } catch (error) {
      return !(error instanceof ConfigError);
    }
    return true;
  };
  const own = ["constructor", "addCommand", "exec", "execTyped", "execAsPipeline", "execAsPipelineTyped"];
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(ours.multi())).filter((name) => /^[a-z]/.test(name) && !own.includes(name));
  const untried = names.filter((name) => offered(name) && !named.has(name));
  assert.deepEqual(untried.sort(), ["flushAll", "flushDb", "functionFlush", "scriptFlush"]);
});

test("commands that would delete what other tests keep on this server are sent as node-redis sends them", async () => {
  const sent = [];
  const fetching = async (_, { body }) => {
    sent.push(JSON.parse(typeof body === "string" ? body : new TextDecoder().decode(body)).join(" "));
    return Response.json({ result: "OK" });
  };
  const client = createClient({ url, token, fetch: fetching });
  for (const name of ["flushAll", "flushDb", "functionFlush", "scriptFlush"]) {
    assert.deepEqual([await client[name](), await client[name]("ASYNC")], ["OK", "OK"]);
  }
  const commands = ["FLUSHALL", "FLUSHDB", "FUNCTION FLUSH", "SCRIPT FLUSH"];
  assert.deepEqual(sent, commands.flatMap((words) => [words, `${words} ASYNC`]));
});

test("a transaction replies as node-redis's does, with every error in its place", async () => {
  const outcomes = [];
  for (const client of [theirs, ours]) {
    await clean();
    await client.set(a, "text");
    const replies = await client.multi().set(b, "1").incr(b).hSet(h, { f: "1" }).hGetAll(h).zAdd(z, { score: 1.5, value: "m" }).zScore(z, "m").GET(b).addCommand(["STRLEN", a]).exec();
    const failed = await rejection(client.multi().incr(b).lPush(a, "x").hGet(a, "f").get(a).exec());
    const pipelined = await client.multi().get(a).zScore(z, "m").execAsPipeline();
    const first = await rejection(client.multi().get(a).lPush(a, "x").exec(true));
    outcomes.push({
      replies, pipelined, empty: await client.multi().exec(), typed: await client.multi().ping().execTyped(),
      failed: [failed.errorIndexes, failed.replies.map((one) => (one instanceof Error ? one.message.split(" ")[0] : one)), [...failed.errors()].length, failed.message],
      first: first.message.split(" ")[0], counted: await client.get(b),
      wrong: (await rejection(client.multi().sAdd(s, 5).exec())).constructor.name,
      refused: (await rejection(client.multi().addCommand(["GET"]).exec())).message.split(" ")[0],
    });
  }
  assert.deepStrictEqual(outcomes[1], outcomes[0]);
  assert.ok((await rejection(ours.multi().lPush(a, "x").exec())) instanceof MultiErrorReply);
});

test("iterators yield the pages of node-redis", async () => {
  const collected = [];
  for (const client of [theirs, ours]) {
    await clean();
    await client.mSet(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [k(`page:${i}`), "1"])));
    await client.hSet(h, { f: "1", g: "2" });
    await client.sAdd(s, ["a"]);
    await client.zAdd(z, [{ score: 1, value: "a" }, { score: 2.5, value: "b" }]);
    const keys = [];
    for await (const page of client.scanIterator({ MATCH: `${k("page:")}*`, COUNT: 10, TYPE: "string" })) {
      assert.ok(Array.isArray(page));
      keys.push(...page);
    }
    const all = async (pages) => {
      const found = [];
      for await (const page of pages) found.push(...page);
      return found;
    };
    collected.push([
      [...new Set(keys)].sort(), await all(client.hScanIterator(h)), await all(client.hScanNoValuesIterator(h)), await all(client.sScanIterator(s, { COUNT: 5 })),
      await all(client.zScanIterator(z)), await all(client.zScanIterator(k("none"))),
    ]);
  }
  assert.equal(collected[0][0].length, 50);
  assert.deepStrictEqual(collected[1], collected[0]);
});

test("errors of Redis begin with its code, whatever way they arrive", async () => {
  const hash = "0".repeat(40);
  const client = createClient({ url, token, enableAutoPipelining: true });
  const alone = await rejection(client.evalSha(hash));
  const together = await Promise.all([client.evalSha(hash, { keys: [a] }), client.evalSha(hash)].map(rejection));
  for (const error of [alone, ...together]) {
    assert.ok(error.message.startsWith("NOSCRIPT"), error.message);
    assert.ok(error instanceof ErrorReply && error instanceof ServerError && error instanceof RedisError);
    assert.deepEqual([error.code, error.name, error.command], ["NOSCRIPT", "ErrorReply", "EVALSHA"]);
  }
  await client.set(a, "text");
  assert.match((await rejection(client.hGet(a, "f"))).message, /^WRONGTYPE /);
});

test("a method that is not offered rejects with its name and what to do", async () => {
  const names = new Set();
  for (let object = theirs; !Object.hasOwn(object, "prependListener"); object = Object.getPrototypeOf(object)) {
    for (const name of Object.getOwnPropertyNames(object)) if (!name.startsWith("_")) names.add(name);
  }
  const internal = ["Multi", "socketEpoch", "clientSideCache", "reAuthenticate", "domain"];
  const properties = ["options", "isOpen", "isReady", "isPubSubActive", "isWatching", "isDirtyWatch", "json", "ft", "ts", "bf", "cf", "cms", "tDigest", "topK"];
  for (const name of names) {
    if (internal.includes(name)) continue;
    if (properties.includes(name)) assert.notEqual(ours[name], undefined, name);
    else assert.equal(typeof ours[name], "function", name);
  }
  for (const [name, advice] of [["blPop", /poll/], ["subscribe", /Redis client/], ["watch", /eval/], ["select", /connection/], ["configGet", /console/], ["vAdd", /sendCommand/], ["CLIENT_LIST", /connection/]]) {
    const error = await rejection(ours[name]("a", "b"));
    assert.ok(error instanceof ConfigError && error.message.includes(`client.${name} `), error.message);
    assert.match(error.message, advice);
    assert.throws(() => ours.multi()[name]("a"), (thrown) => thrown.message.includes(`multi().${name} `));
  }
  assert.match((await rejection(ours.json.set("a", "$", {}))).message, /client\.json\.set .*redis\.json/);
  assert.equal(ours.json.then, undefined);
  await assert.rejects(ours.xRead({ key: x, id: "$" }, { BLOCK: 100 }), /BLOCK/);
});

test("promises, inspection and feature tests see an ordinary object", async () => {
  const client = createClient({ url, token });
  assert.equal(await Promise.resolve(client), client);
  for (const name of ["then", "toJSON", "masters", "nodeClient", "defineCommand", "nodeType", Symbol.toPrimitive, Symbol.iterator, Symbol.asyncIterator]) {
    assert.equal(client[name], undefined, String(name));
    assert.equal(name in client, false, String(name));
  }
  const shown = inspect(client, { depth: 5 }) + inspect(client.multi()) + JSON.stringify({ ...client });
  assert.ok(!shown.includes(token) || token === "local", shown);
  assert.throws(() => client.noSuchMethod(), TypeError);
});

test("a misspelt option is refused, and what only a connection has is ignored", async () => {
  const options = { url, token, socket: { reconnectStrategy: () => 0 }, name: "n", pingInterval: 1, disableOfflineQueue: true, RESP: 2, database: 0, commandOptions: { timeout: 5000 } };
  assert.equal(await createClient(options).ping(), "PONG");
  assert.throws(() => createClient({ url, token, tokn: "a" }), /there is no option tokn/);
  assert.throws(() => createClient({ url: "redis://localhost", token }), (error) => error instanceof ConfigError && /REST URL/.test(error.message));
  for (const refused of [{ database: 1 }, { password: "p" }, { keyPrefix: "p" }, { commandOptions: { typeMapping: { 36: Buffer } } }, { clientSideCache: { ttl: 1 } }, { scripts: { a: {} } }]) {
    assert.throws(() => createClient({ url, token, ...refused }), ConfigError, Object.keys(refused)[0]);
  }
  await assert.rejects(ours.set(a, "v", { ex: 5 }), /SET has no option ex/);
  await assert.rejects(ours.zRange(z, 0, -1, { rev: true }), /no option rev/);
  await assert.rejects(ours.zAdd(z, { score: 1, member: "a" }), /no option member/);
  await assert.rejects(ours.eval("return 1", { keys: "k" }), /must be arrays/);
  assert.throws(() => ours.withTypeMapping({ 36: Buffer }), /typeMapping/);
});

test("a client has the states and events of node-redis", async () => {
  const client = createClient({ url, token });
  const seen = [];
  for (const event of ["connect", "ready", "end"]) client.on(event, () => seen.push(event));
  const ready = once(client, "ready");
  assert.equal(await client.connect(), client);
  await ready;
  assert.equal(await client.connect(), client);
  assert.deepEqual([client.isOpen, client.isReady], [true, true]);
  const copy = client.duplicate();
  assert.notEqual(copy, client);
  assert.equal(await client.quit(), "OK");
  assert.deepEqual(seen, ["connect", "ready", "end"]);
  assert.deepEqual([client.isOpen, client.isReady, copy.isOpen], [false, false, true]);
  assert.ok((await rejection(client.get(a))) instanceof ClientClosedError);
  assert.ok((await rejection(client.multi().get(a).exec())) instanceof ClientClosedError);
  assert.ok((await rejection(client.close())) instanceof ClientClosedError);
  assert.throws(() => client.destroy(), ClientClosedError);
  assert.equal(await copy.ping(), "PONG");
  await client.connect();
  assert.equal(await client.ping(), "PONG");
  const listener = () => {};
  assert.equal(client.once("error", listener).listenerCount("error"), 1);
  assert.equal(client.off("error", listener).listenerCount("error"), 0);
  assert.throws(() => client.emit("error", new RangeError("mine")), RangeError);
});

test("a signal ends the calls of one view only", async () => {
  const controller = new AbortController();
  controller.abort(new RangeError("mine"));
  await assert.rejects(ours.withAbortSignal(controller.signal).get(a), RangeError);
  assert.equal(await ours.withCommandOptions({ asap: true }).ping(), "PONG");
});

test("rate-limit-redis counts, and loads its scripts again", async () => {
  const client = createClient({ url, token });
  // As on a server that has forgotten the scripts, once at each call.
  let forgets = false;
  const sendCommand = (...words) => {
    const unknown = forgets && words[0] === "EVALSHA";
    if (unknown) forgets = false;
    return client.sendCommand(unknown ? ["EVALSHA", "0".repeat(40), ...words.slice(2)] : words);
  };
  const store = new RateLimitStore({ prefix: k("limit:"), sendCommand });
  await store.init({ windowMs: 60_000 });
  for (let hits = 1; hits <= 3; hits += 1) assert.equal((await store.increment("ada")).totalHits, hits);
  forgets = true;
  const fourth = await store.increment("ada");
  assert.equal(fourth.totalHits, 4);
  assert.ok(fourth.resetTime > new Date());
  forgets = true;
  assert.equal((await store.get("ada")).totalHits, 4);
  assert.equal(forgets, false);
  await store.decrement("ada");
  await store.resetKey("ada");
  assert.equal((await store.increment("ada")).totalHits, 1);
});
