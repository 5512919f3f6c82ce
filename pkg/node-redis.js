// A client in the shape of node-redis 5, for libraries that are handed one: connect-redis, rate-limit-redis and others. The
// commands are ours by their camelCase names; replies are texts and numbers, as they are there.

import { named } from "./text.js";
import { pages, textClient } from "./text-client.js";

/** Commands whose arguments are the same. */
const SAME = [
  "get", "getDel", "getRange", "setRange", "setNX", "setEx", "pSetEx", "append", "strLen", "incr", "incrBy", "incrByFloat", "decr", "decrBy",
  "del", "unlink", "exists", "touch", "expire", "pExpire", "expireAt", "pExpireAt", "persist", "ttl", "pTTL", "expireTime", "pExpireTime",
  "type", "rename", "renameNX", "keys", "mGet", "mSet", "mSetNX", "hGet", "hDel", "hExists", "hIncrBy", "hIncrByFloat", "hKeys", "hVals", "hLen",
  "hSetNX", "lPush", "rPush", "lPop", "rPop", "lLen", "lRange", "lIndex", "lSet", "lTrim", "lRem", "sAdd", "sRem", "sMembers", "sIsMember", "sCard",
  "zRem", "zCard", "zScore", "zRank", "zCount", "zIncrBy", "zRemRangeByScore", "zRemRangeByRank", "publish", "ping", "echo", "dbSize", "flushDb", "flushAll",
  "time",
];

/** `{ EX: 5, NX: true }` and `{ expiration: { type: "EX", value: 5 }, condition: "NX" }` as options of ours. */
function setOptions({ expiration, condition, ...given } = {}) {
  const all = { ...given, ...(condition && { [condition]: true }) };
  if (typeof expiration === "string") all[expiration] = true;
  else if (expiration) all[expiration.type] = expiration.value ?? true;
  const names = { EX: "ex", PX: "px", EXAT: "exat", PXAT: "pxat", KEEPTTL: "keepTtl", NX: "nx", XX: "xx", GET: "get" };
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [names[name] ?? name, value]));
}

/** `[field, value, …]` as an object without a prototype. */
const fields = (flat) => Object.assign(Object.create(null), named(flat));

const scored = (members) => [members].flat().map(({ score, value }) => ({ score, member: value }));

/** Commands with arguments of node-redis's own: how they are called on ours, and what is made of the reply. */
const OWN = {
  set: [(key, value, options) => ["set", key, value, setOptions(options)]],
  hSet: [(key, field, value) => ["hset", key, typeof field === "object" ? field : { [field]: value }]],
  hGetAll: [(key) => ["hgetall", key], fields],
  hmGet: [(key, names) => ["command", "HMGET", key, ...[names].flat()]],
  zAdd: [(key, members) => ["zadd", key, ...scored(members)]],
  zRange: [(key, from, to, { REV: rev, BY: by } = {}) => ["zrange", key, from, to, { rev, byScore: by === "SCORE", byLex: by === "LEX" }]],
  eval: [(script, { keys = [], arguments: args = [] } = {}) => ["eval", script, keys, args]],
  evalSha: [(hash, { keys = [], arguments: args = [] } = {}) => ["evalsha", hash, keys, args]],
  scriptLoad: [(script) => ["scriptLoad", script]],
  sendCommand: [(words) => ["command", ...words]],
};
for (const name of SAME) OWN[name] = [(...args) => [name.toLowerCase(), ...args]];

const identity = (reply) => reply;

/** Defines these commands on a class. */
function define(Class, run) {
  for (const [name, [call, read = identity]] of Object.entries(OWN)) {
    Object.defineProperty(Class.prototype, name, { writable: true, value(...args) { return run(this, call(...args), read); } });
  }
}

/** Commands of one transaction. */
class Multi {
  #batch;
  #reads = [];

  constructor(batch) {
    this.#batch = batch;
  }

  static {
    define(this, (multi, [name, ...args], read) => {
      multi.#batch[name](...args);
      multi.#reads.push(read);
      return multi;
    });
  }

  async exec() {
    return (await this.#batch.exec()).map((reply, i) => this.#reads[i](reply));
  }
}

class Client {
  #redis;

  constructor(options) {
    this.#redis = textClient(options);
    // Libraries look at these before they call.
    this.isOpen = true;
    this.isReady = true;
  }

  static {
    define(this, async (client, [name, ...args], read) => read(await client.#redis[name](...args)));
  }

  multi() {
    return new Multi(this.#redis.multi());
  }

  /** Pages of keys, as node-redis 5 gives them. */
  scanIterator({ MATCH: match, COUNT: count, TYPE: type } = {}) {
    return pages(this.#redis, { match, count, type });
  }

  // There is no connection: nothing to open, to close, or to hear of.
  async connect() {
    return this;
  }

  async close() {}
  async quit() {}
  async disconnect() {}
  destroy() {}

  duplicate() {
    return this;
  }

  on() {
    return this;
  }

  once() {
    return this;
  }

  off() {
    return this;
  }
}

export const createClient = (options) => new Client(options);
