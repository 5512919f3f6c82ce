// Every command, once: how the arguments of its method become words, and how its reply is read where the usual way
// will not do. Redis and Pipeline both have these methods.

import { index, structures } from "./structures.js";
import { array, decode, fieldsAndValues, infoSections, score, scored, valuesOf } from "./text.js";
import { atLeast, clause, counted, each, keys, leadingOptions, list, ofMembers, optional, options, pairs, scripted, unlessEmpty } from "./words.js";

const identity = (reply) => reply;

const TTL = { ex: 1, px: 1, exat: 1, pxat: 1 };
const SCAN = { match: 1, count: 1 };

const commands = {};

/** Commands whose arguments are their words; the number says how many they need, and the last of them may be optional. */
function plain(table, { decode, more = (words) => words } = {}) {
  for (const [name, needed] of Object.entries(table)) {
    const word = name.toUpperCase();
    commands[name] = (...args) => ({
      words: [word, ...atLeast(needed, args.slice(0, needed)), ...more(args.slice(needed))],
      decode,
    });
  }
}

plain({
  // Connection and server
  echo: 1, dbsize: 0, randomkey: 0,
  // Keys
  expiretime: 1, pexpiretime: 1, ttl: 1, pttl: 1, persist: 1,
  rename: 2, renamenx: 2, keys: 1,
  // Strings
  get: 1, getdel: 1, getrange: 3, getset: 2, setrange: 3, append: 2, strlen: 1, setex: 3, psetex: 3, setnx: 2,
  incr: 1, incrby: 2, incrbyfloat: 2, decr: 1, decrby: 2,
  // Hashes
  hget: 2, hexists: 2, hincrby: 3, hincrbyfloat: 3, hkeys: 1, hvals: 1, hlen: 1, hstrlen: 2, hsetnx: 3,
  // Lists
  lpush: 2, rpush: 2, lpushx: 2, rpushx: 2, llen: 1, lrange: 3, lindex: 2, linsert: 4, lset: 3,
  lrem: 3, ltrim: 3, lmove: 4, rpoplpush: 2,
  // Bitmaps, counts of distinct values, channels, streams
  bitcount: 1, bitpos: 2, getbit: 2, setbit: 3, pfadd: 1, pfmerge: 2, publish: 2, xlen: 1,
  // Arrays
  arcount: 1, ardel: 2, arget: 2, argetrange: 3, armget: 2, arseek: 2, arset: 3,
  // Sets
  smembers: 1, sismember: 2, scard: 1, smove: 3,
  // Sorted sets
  zcard: 1, zcount: 3, zlexcount: 3, zrank: 2, zrevrank: 2,
  zremrangebyrank: 3, zremrangebyscore: 3, zremrangebylex: 3,
});
plain({ type: 1 }, { decode: identity });
// Positions go up to 2^64, so they are text.
plain({ arinsert: 2, arlen: 1, arnext: 1, arring: 3 }, { decode: index });
plain({ zscore: 2, zincrby: 3 }, { decode: score });
plain({ time: 0 }, { decode: (reply) => array(reply).map(Number) });
plain({ expire: 2, pexpire: 2, expireat: 2, pexpireat: 2, lpop: 1, rpop: 1, spop: 1, srandmember: 1 }, { more: (args) => optional(...args) });
plain({ zpopmin: 1, zpopmax: 1 }, { more: (args) => optional(...args), decode: scored });

/** Commands on any number of keys. */
for (const name of ["sdiff", "sinter", "sunion", "sdiffstore", "sinterstore", "sunionstore"]) {
  const word = name.toUpperCase();
  commands[name] = (...args) => ({ words: [word, ...atLeast(1, keys(args))] });
}

/** Those to which no keys are nothing to do. */
for (const [name, nothing] of Object.entries({ del: 0, unlink: 0, exists: 0, touch: 0, pfcount: 0, mget: [] })) {
  const word = name.toUpperCase();
  commands[name] = (...args) => {
    const given = keys(args);
    if (given.includes(null)) throw new TypeError(`${word}: a key is null`);
    return unlessEmpty(given, nothing, { words: [word, ...given] });
  };
}

// An array is a value like others here.
for (const name of ["sadd", "srem", "zrem"]) commands[name] = ofMembers(name.toUpperCase(), 0, identity);

/** The expiry of hash fields: `hexpire(key, field or fields, …)`. */
for (const name of ["hexpire", "hpexpire", "hexpireat", "hpexpireat", "httl", "hpttl", "hexpiretime", "hpexpiretime", "hpersist"]) {
  const word = name.toUpperCase();
  const needed = /expire(at)?$/.test(name) ? 1 : 0;
  commands[name] = (key, fields, ...args) => {
    const when = [...atLeast(needed, args.slice(0, needed)), ...optional(...args.slice(needed))];
    return { words: [word, key, ...when, "FIELDS", ...counted(list(fields))] };
  };
}

/** Scripts: `eval(script, keys, args)`. */
for (const [name, word] of [["eval", "EVAL"], ["evalRo", "EVAL_RO"], ["evalsha", "EVALSHA"], ["evalshaRo", "EVALSHA_RO"]]) {
  commands[name] = scripted(word);
}

/** A cursor, which stays text, and what was found. */
export const page = (read = decode) => (reply) => [String(array(reply)[0]), read(array(reply[1]))];

const keysWithTypes = (found) => {
  const typed = [];
  for (let i = 0; i + 1 < found.length; i += 2) typed.push({ key: found[i], type: found[i + 1] });
  return typed;
};

for (const [name, read] of [["hscan"], ["sscan"], ["zscan", scored]]) {
  const word = name.toUpperCase();
  commands[name] = (key, cursor, given) => ({ words: [word, key, cursor, ...options(word, given, SCAN)], decode: page(read) });
}

const flush = (word) => (given) => ({ words: [word, ...options(word, list(given)[0], { async: 0, sync: 0 })] });

/** ZINTER and its relatives: `command destination? numkeys keys options`. */
function combine(command, target, count, sets, given = {}, more = {}) {
  const { weight, weights = weight, ...rest } = given;
  const found = weights === undefined ? [] : ["WEIGHTS", ...list(weights)];
  return { words: [command, ...target, count, ...list(sets), ...found, ...options(command, rest, { aggregate: 1, ...more })], decode: withScores(given) };
}

/** How a reply is read that has scores if they were asked for. */
const withScores = (given) => (given?.withScores ? scored : undefined);

const RANGE = { byScore: 0, byLex: 0, rev: 0 };

function range(command, words, { offset, count, ...given } = {}, more = {}) {
  if ((offset === undefined) !== (count === undefined)) throw new TypeError(`${command}: offset and count go together`);
  const limit = offset === undefined ? [] : ["LIMIT", offset, count];
  return { words: [command, ...words, ...options(command, given, { ...RANGE, ...more }), ...limit], decode: withScores(given) };
}

const popped = (command, count, sets, where, amount, decode) => ({
  words: [command, count, ...list(sets), where, ...clause("COUNT", amount)],
  decode,
});

/** Names and values, behind the key where the command has one. */
const ofPairs = (word, nothing) => (...args) => {
  const found = pairs(word, args.pop());
  return unlessEmpty(found, nothing, { words: [word, ...args, ...found] });
};

Object.assign(commands, {
  ping: (message) => ({ words: ["PING", ...optional(...list(message))] }),
  info: (...sections) => ({ words: ["INFO", ...sections], decode: infoSections }),
  flushdb: flush("FLUSHDB"),
  flushall: flush("FLUSHALL"),
  slowlogGet: (count) => ({
    words: ["SLOWLOG", "GET", ...optional(count)],
    decode: (reply) =>
      array(reply).map(([id, timestamp, duration, args, client, name]) => ({ id, timestamp, duration, args, client, name })),
  }),
  slowlogLen: () => ({ words: ["SLOWLOG", "LEN"] }),
  slowlogReset: () => ({ words: ["SLOWLOG", "RESET"] }),

  copy: (source, destination, given) => ({
    words: ["COPY", source, destination, ...options("COPY", given, { replace: 0 })],
    decode: (reply) => (reply > 0 ? "COPIED" : "NOT_COPIED"),
  }),
  scan: (cursor, given) => ({
    words: ["SCAN", cursor, ...options("SCAN", given, { ...SCAN, type: 1, withType: 0 })],
    decode: page(given?.withType ? keysWithTypes : decode),
  }),

  set: (key, value, given) => ({
    words: ["SET", key, value, ...options("SET", given, { nx: 0, xx: 0, get: 0, ...TTL, keepTtl: 0 })],
  }),
  getex: (key, given) => ({ words: ["GETEX", key, ...options("GETEX", given, { ...TTL, persist: 0 })] }),
  mset: ofPairs("MSET", "OK"),
  msetnx: ofPairs("MSETNX", 0),

  hset: ofPairs("HSET", 0),
  hmset: ofPairs("HMSET", "OK"),
  hgetall: (key) => ({ words: ["HGETALL", key], decode: fieldsAndValues }),
  hdel: ofMembers("HDEL", 0, keys),
  hmget: (key, ...args) => {
    const fields = keys(args);
    return unlessEmpty(fields, null, { words: ["HMGET", key, ...fields], decode: valuesOf(fields) });
  },
  hgetdel: (key, ...args) => {
    const fields = keys(args);
    return unlessEmpty(fields, null, { words: ["HGETDEL", key, "FIELDS", ...counted(fields)], decode: valuesOf(fields) });
  },
  hgetex: (key, given, ...args) => {
    const fields = keys(args);
    const words = ["HGETEX", key, ...options("HGETEX", given, { ...TTL, persist: 0 }), "FIELDS", ...counted(fields)];
    return unlessEmpty(fields, null, { words, decode: valuesOf(fields) });
  },
  hsetex: (key, { conditional, expiration, ...unknown } = {}, values) => {
    options("HSETEX", unknown, { conditional: 1, expiration: 1 });
    const flat = pairs("HSETEX", values);
    const words = ["HSETEX", key, ...optional(conditional), ...options("HSETEX", expiration, { ...TTL, keepttl: 0 })];
    return { words: [...words, "FIELDS", flat.length / 2, ...flat] };
  },
  hrandfield: (key, count, withValues) => ({
    words: ["HRANDFIELD", key, ...optional(count), ...(withValues ? ["WITHVALUES"] : [])],
    decode: withValues ? fieldsAndValues : undefined,
  }),

  lpos: (key, element, given) => ({
    words: ["LPOS", key, element, ...options("LPOS", given, { rank: 1, count: 1, maxLen: 1 })],
  }),
  lmpop: (count, sets, where, amount) => popped("LMPOP", count, sets, where, amount),

  smismember: ofMembers("SMISMEMBER", [], keys),
  sintercard: (sets, given) => ({
    words: ["SINTERCARD", ...counted(list(sets)), ...options("SINTERCARD", given, { limit: 1 })],
  }),

  zadd: (key, ...args) => {
    const given = options("ZADD", leadingOptions(args), { nx: 0, xx: 0, ch: 0, incr: 0, lt: 0, gt: 0 });
    const members = each("ZADD", args, ["score", "member"]);
    return unlessEmpty(members, given.includes("INCR") ? null : 0, { words: ["ZADD", key, ...given, ...members], decode: score });
  },
  zmscore: ofMembers("ZMSCORE", [], keys, (reply) => array(reply).map(score)),
  zrange: (key, min, max, given) => range("ZRANGE", [key, min, max], given, { withScores: 0 }),
  zrangestore: (target, key, min, max, given) => range("ZRANGESTORE", [target, key, min, max], given),
  zrandmember: (key, count, withScores) => ({
    words: ["ZRANDMEMBER", key, ...optional(count), ...(withScores ? ["WITHSCORES"] : [])],
    decode: withScores ? scored : undefined,
  }),
  zmpop: (count, sets, where, amount) =>
    popped("ZMPOP", count, sets, where, amount, (reply) => reply && [decode(reply[0]), array(reply[1]).map(([member, points]) => [decode(member), score(points)])]),
  zunion: (count, sets, given) => combine("ZUNION", [], count, sets, given, { withScores: 0 }),
  zinter: (count, sets, given) => combine("ZINTER", [], count, sets, given, { withScores: 0 }),
  zdiff: (count, sets, given) => ({ words: ["ZDIFF", count, ...list(sets), ...options("ZDIFF", given, { withScores: 0 })], decode: withScores(given) }),
  zunionstore: (target, count, sets, given) => combine("ZUNIONSTORE", [target], count, sets, given),
  zinterstore: (target, count, sets, given) => combine("ZINTERSTORE", [target], count, sets, given),
  zdiffstore: (target, count, ...sets) => ({ words: ["ZDIFFSTORE", target, count, ...keys(sets)] }),
  zintercard: (sets, given) => ({
    words: ["ZINTERCARD", ...counted(list(sets)), ...options("ZINTERCARD", given, { limit: 1 })],
  }),

  scriptLoad: (script) => ({ words: ["SCRIPT", "LOAD", script], decode: identity }),
  scriptExists: (...args) => unlessEmpty(keys(args), [], { words: ["SCRIPT", "EXISTS", ...keys(args)] }),
  scriptFlush: (given) => ({ words: ["SCRIPT", "FLUSH", ...options("SCRIPT FLUSH", given, { async: 0, sync: 0 })] }),

  ...structures,

  /** Any command, by name. */
  command: (name, ...args) => ({ words: [name, ...args] }),
});

export { commands };
