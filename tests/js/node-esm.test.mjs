// The package imported by Node: the small program and every group of commands against a real server.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import * as restis from "restis";
import { expected, program } from "./program.mjs";
import { rejection, token, url } from "./support.mjs";

const { Redis, RedisError, ServerError } = restis;
const redis = new Redis({ url, token });
// Tests of other files use the same server at the same time.
const prefix = `node-esm-${process.version}-${Date.now()}`;
let keys = 0;
const fresh = () => `${prefix}:${(keys += 1)}`;

after(async () => {
  for await (const key of redis.scanIterator({ match: `${prefix}:*`, count: 1000 })) await redis.del(key);
});

test("the small program", async () => {
  assert.deepEqual(await program(restis, { url, token, prefix: fresh() }), expected);
});

test("connection and server", async () => {
  assert.equal(await redis.ping(), "PONG");
  assert.equal(await redis.ping(["hi"]), "hi");
  assert.equal(await redis.echo("hi"), "hi");
  assert.equal(typeof (await redis.dbsize()), "number");
  const [seconds, microseconds] = await redis.time();
  assert.ok(Math.abs(seconds - Date.now() / 1000) < 60 && microseconds < 1e6);
  const info = await redis.info("server", "clients");
  assert.deepEqual(Object.keys(info).sort(), ["clients", "server"]);
  assert.equal(typeof info.clients.connected_clients, "number");
  assert.equal(typeof (await redis.slowlogLen()), "number");
  for (const entry of await redis.slowlogGet(2)) assert.ok(Array.isArray(entry.args) && typeof entry.duration === "number");
});

test("keys", async () => {
  const [a, b] = [fresh(), fresh()];
  await redis.mset({ [a]: 1, [b]: "text" });
  assert.equal(await redis.exists(a, b, fresh()), 2);
  assert.equal(await redis.touch([a, b]), 2);
  assert.equal(await redis.type(a), "string");
  assert.equal(await redis.ttl(a), -1);
  assert.equal(await redis.expire(a, 100), 1);
  assert.equal(await redis.expire(a, 50, "GT"), 0);
  assert.ok((await redis.pttl(a)) > 99_000);
  const end = Math.round(Date.now() / 1000) + 500;
  assert.equal(await redis.expireat(a, end), 1);
  assert.equal(await redis.expiretime(a), end);
  assert.equal(await redis.pexpireat(a, end * 1000 + 1), 1);
  assert.equal(await redis.pexpiretime(a), end * 1000 + 1);
  assert.equal(await redis.persist(a), 1);
  assert.equal(await redis.pexpire(a, 1e5), 1);
  assert.equal(await redis.copy(a, b), "NOT_COPIED");
  assert.equal(await redis.copy(a, b, { replace: true }), "COPIED");
  assert.equal(await redis.rename(a, `${a}:new`), "OK");
  assert.equal(await redis.renamenx(`${a}:new`, b), 0);
  assert.deepEqual(await redis.keys(`${a}:*`), [`${a}:new`]);
  assert.notEqual(await redis.randomkey(), null);
  // No seconds are not a missing argument: the key ends now.
  assert.equal(await redis.expire(b, 0), 1);
  assert.equal(await redis.exists(b), 0);
  assert.equal(await redis.unlink(`${a}:new`), 1);
});

test("scans find everything", async () => {
  const prefix = fresh();
  await redis.mset(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`${prefix}:${i}`, i])));
  const found = new Set();
  let cursor = "0";
  do {
    const [next, keys] = await redis.scan(cursor, { match: `${prefix}:*`, count: 10, type: "string" });
    for (const key of keys) found.add(key);
    cursor = next;
  } while (cursor !== "0");
  assert.equal(found.size, 50);
  assert.deepEqual(await all(redis.scanIterator({ match: `${prefix}:*` })).then((keys) => new Set(keys)), found);

  const key = fresh();
  await redis.hset(key, { a: 1, b: "x", c: { d: 1 } });
  assert.deepEqual(Object.fromEntries(await all(redis.hscanIterator(key))), { a: 1, b: "x", c: { d: 1 } });
  assert.deepEqual(await redis.hscan(key, 0, { match: "a" }), ["0", ["a", 1]]);
  const set = fresh();
  await redis.sadd(set, 1, "b", { c: 1 });
  assert.deepEqual(new Set((await all(redis.sscanIterator(set))).map((member) => JSON.stringify(member))), new Set(["1", '"b"', '{"c":1}']));
  const scores = fresh();
  await redis.zadd(scores, { score: 1.5, member: "a" }, { score: Infinity, member: "b" });
  assert.deepEqual(await all(redis.zscanIterator(scores)), [{ member: "a", score: 1.5 }, { member: "b", score: Infinity }]);
  // A loop that is left early asks for no further page.
  for await (const key of redis.scanIterator({ count: 1 })) {
    assert.equal(typeof key, "string");
    break;
  }
});

async function all(items) {
  const found = [];
  for await (const item of items) found.push(item);
  return found;
}

test("strings", async () => {
  const key = fresh();
  assert.equal(await redis.set(key, { a: [1, "é", null] }, { ex: 100 }), "OK");
  assert.deepEqual(await redis.get(key), { a: [1, "é", null] });
  assert.equal(await redis.set(key, "new", { nx: true }), null);
  assert.equal(await redis.set(key, "new", { xx: true, keepTtl: true }), "OK");
  assert.ok((await redis.ttl(key)) > 90);
  assert.equal(await redis.set(key, 5, { get: true }), "new");
  assert.equal(await redis.getset(key, 6), 5);
  assert.equal(await redis.incr(key), 7);
  assert.equal(await redis.incrby(key, 2n ** 53n), "9007199254740999");
  assert.equal(await redis.decrby(key, 2n ** 53n), 7);
  assert.equal(await redis.decr(key), 6);
  assert.equal(await redis.incrbyfloat(key, 0.5), 6.5);
  assert.equal(await redis.append(key, "x"), 4);
  assert.equal(await redis.strlen(key), 4);
  assert.equal(await redis.getrange(key, 0, 1), "6.");
  assert.equal(await redis.setrange(key, 1, "yy"), 4);
  assert.equal(await redis.getex(key, { px: 50_000 }), "6yyx");
  assert.ok((await redis.ttl(key)) > 40);
  assert.equal(await redis.getex(key, { persist: true }), "6yyx");
  assert.equal(await redis.getdel(key), "6yyx");
  assert.equal(await redis.get(key), null);
  assert.equal(await redis.setex(key, 100, 1), "OK");
  assert.equal(await redis.psetex(key, 100_000, 1), "OK");
  assert.equal(await redis.setnx(key, 2), 0);
  assert.equal(await redis.msetnx({ [key]: 3, [fresh()]: 1 }), 0);
  assert.deepEqual(await redis.mget(key, fresh()), [1, null]);
  const long = "é".repeat(500_000);
  await redis.set(key, long);
  assert.equal(await redis.get(key), long);
  await redis.set("", "the empty key");
  assert.equal(await redis.getdel(""), "the empty key");
});

test("hashes", async () => {
  const key = fresh();
  assert.equal(await redis.hset(key, { a: 1, b: "x", c: { d: [1] } }), 3);
  assert.equal(await redis.hmset(key, { e: 1.5 }), "OK");
  assert.deepEqual(await redis.hgetall(key), { a: 1, b: "x", c: { d: [1] }, e: 1.5 });
  assert.equal(await redis.hgetall(fresh()), null);
  assert.equal(await redis.hget(key, "b"), "x");
  assert.deepEqual(await redis.hmget(key, "a", "none"), { a: 1, none: null });
  assert.equal(await redis.hmget(key, "none"), null);
  assert.equal(await redis.hsetnx(key, "a", 2), 0);
  assert.equal(await redis.hexists(key, "a"), 1);
  assert.equal(await redis.hincrby(key, "a", 2), 3);
  assert.equal(await redis.hincrbyfloat(key, "e", 0.25), 1.75);
  assert.deepEqual((await redis.hkeys(key)).sort(), ["a", "b", "c", "e"]);
  assert.deepEqual(await redis.hvals(key), [3, "x", { d: [1] }, 1.75]);
  assert.equal(await redis.hlen(key), 4);
  assert.equal(await redis.hstrlen(key, "b"), 1);
  assert.ok(["a", "b", "c", "e"].includes(await redis.hrandfield(key)));
  assert.equal((await redis.hrandfield(key, 2)).length, 2);
  assert.equal(Object.keys(await redis.hrandfield(key, 3, true)).length, 3);
  assert.equal(await redis.hdel(key, "a", "none"), 1);
});

test("expiry of fields, where the server has it", async (context) => {
  const key = fresh();
  await redis.hset(key, { a: 1, b: 2 });
  const first = await redis.hexpire(key, "a", 100).catch((error) => error);
  if (first instanceof ServerError) return context.skip("this server has no HEXPIRE");
  assert.deepEqual(first, [1]);
  assert.deepEqual(await redis.httl(key, ["a", "b", "none"]), [100, -1, -2]);
  assert.deepEqual(await redis.hpersist(key, ["a", "b"]), [1, -1]);
});

test("lists", async () => {
  const [key, other] = [fresh(), fresh()];
  assert.equal(await redis.rpush(key, "a", { b: 1 }, 3), 3);
  assert.equal(await redis.lpush(key, [0]), 4);
  assert.deepEqual(await redis.lrange(key, 0, -1), [[0], "a", { b: 1 }, 3]);
  assert.equal(await redis.lpushx(other, 1), 0);
  assert.equal(await redis.rpushx(key, "z"), 5);
  assert.equal(await redis.llen(key), 5);
  assert.deepEqual(await redis.lindex(key, 2), { b: 1 });
  assert.equal(await redis.lindex(key, 99), null);
  assert.equal(await redis.linsert(key, "before", "a", "A"), 6);
  assert.equal(await redis.lpos(key, "a"), 2);
  assert.deepEqual(await redis.lpos(key, "a", { count: 0, maxLen: 10 }), [2]);
  assert.equal(await redis.lset(key, 0, "first"), "OK");
  assert.equal(await redis.lrem(key, 0, "z"), 1);
  assert.equal(await redis.lpop(key), "first");
  assert.deepEqual(await redis.lpop(key, 2), ["A", "a"]);
  assert.equal(await redis.rpop(key), 3);
  assert.equal(await redis.rpop(fresh(), 2), null);
  assert.deepEqual(await redis.lmove(key, other, "left", "right"), { b: 1 });
  assert.deepEqual(await redis.rpoplpush(other, key), { b: 1 });
  assert.deepEqual(await redis.lmpop(2, [other, key], "LEFT", 5), [key, [{ b: 1 }]]);
  await redis.rpush(key, 1, 2, 3);
  assert.equal(await redis.ltrim(key, 1, 1), "OK");
  assert.deepEqual(await redis.lrange(key, 0, -1), [2]);
});

test("sets", async () => {
  const [a, b, c] = [fresh(), fresh(), fresh()];
  assert.equal(await redis.sadd(a, 1, 2, "x", { o: 1 }), 4);
  assert.equal(await redis.sadd(b, 2, "x"), 2);
  assert.deepEqual((await redis.smembers(b)).map(String).sort(), ["2", "x"]);
  assert.equal(await redis.sismember(a, { o: 1 }), 1);
  assert.deepEqual(await redis.smismember(a, [1, 9]), [1, 0]);
  assert.equal(await redis.scard(a), 4);
  assert.deepEqual((await redis.sinter(a, b)).map(String).sort(), ["2", "x"]);
  assert.equal((await redis.sunion([a, b])).length, 4);
  assert.equal((await redis.sdiff(a, b)).length, 2);
  assert.equal(await redis.sintercard([a, b], { limit: 1 }), 1);
  assert.equal(await redis.sinterstore(c, a, b), 2);
  assert.equal(await redis.sunionstore(c, a, b), 4);
  assert.equal(await redis.sdiffstore(c, a, b), 2);
  assert.equal(await redis.smove(a, b, 1), 1);
  assert.equal(await redis.srem(b, 1, 99), 1);
  assert.equal((await redis.srandmember(b, 5)).length, 2);
  assert.ok([2, "x"].includes(await redis.srandmember(b)));
  assert.equal((await redis.spop(b, 1)).length, 1);
  assert.notEqual(await redis.spop(b), null);
  assert.equal(await redis.spop(b), null);
});

test("sorted sets", async () => {
  const [key, other, target] = [fresh(), fresh(), fresh()];
  assert.equal(await redis.zadd(key, { score: 1, member: "a" }, { score: 2, member: { b: 1 } }, { score: 3.5, member: "c" }), 3);
  assert.equal(await redis.zadd(key, { xx: true, gt: true, ch: true }, { score: 0, member: "a" }), 0);
  assert.equal(await redis.zadd(key, { incr: true }, { score: 1, member: "c" }), 4.5);
  assert.equal(await redis.zadd(key, { nx: true, incr: true }, { score: 1, member: "c" }), null);
  assert.deepEqual(await redis.zrange(key, 0, -1, { withScores: true }), ["a", 1, { b: 1 }, 2, "c", 4.5]);
  assert.deepEqual(await redis.zrange(key, "(1", "+inf", { byScore: true, offset: 0, count: 1 }), [{ b: 1 }]);
  assert.deepEqual(await redis.zrange(key, "+inf", "(1", { byScore: true, rev: true, withScores: true }), ["c", 4.5, { b: 1 }, 2]);
  assert.deepEqual(await redis.zrange(key, "-", "+", { byLex: true, offset: 0, count: 1 }), ["a"]);
  assert.equal(await redis.zscore(key, "c"), 4.5);
  assert.equal(await redis.zscore(key, "none"), null);
  assert.deepEqual(await redis.zmscore(key, ["a", "none"]), [1, null]);
  assert.equal(await redis.zincrby(key, 0.5, "a"), 1.5);
  assert.equal(await redis.zcard(key), 3);
  assert.equal(await redis.zcount(key, "-inf", 2), 2);
  assert.equal(await redis.zlexcount(key, "-", "+"), 3);
  assert.equal(await redis.zrank(key, "c"), 2);
  assert.equal(await redis.zrevrank(key, "c"), 0);
  assert.equal(await redis.zrank(key, "none"), null);
  await redis.zadd(other, { score: 10, member: "a" });
  assert.deepEqual(await redis.zinter(2, [key, other], { weights: [2, 1], withScores: true }), ["a", 13]);
  assert.equal((await redis.zunion(2, [key, other], { aggregate: "max" })).length, 3);
  assert.deepEqual(await redis.zdiff(2, [key, other]), [{ b: 1 }, "c"]);
  assert.equal(await redis.zintercard([key, other]), 1);
  assert.equal(await redis.zinterstore(target, 2, [key, other]), 1);
  assert.equal(await redis.zunionstore(target, 2, [key, other], { weights: [1, 0] }), 3);
  assert.equal(await redis.zdiffstore(target, 2, key, other), 2);
  assert.equal(await redis.zrangestore(target, key, 0, 1, { rev: true }), 2);
  assert.equal((await redis.zrandmember(key, 2, true)).length, 4);
  assert.deepEqual(await redis.zmpop(2, [fresh(), other], "MIN"), [other, [["a", 10]]]);
  assert.deepEqual(await redis.zpopmin(key), ["a", 1.5]);
  assert.deepEqual(await redis.zpopmax(key, 1), ["c", 4.5]);
  assert.equal(await redis.zremrangebyrank(target, 0, 0), 1);
  assert.equal(await redis.zremrangebyscore(target, "-inf", "+inf"), 1);
  assert.equal(await redis.zremrangebylex(target, "-", "+"), 0);
  assert.equal(await redis.zrem(key, { b: 1 }), 1);
});

test("scripts", async () => {
  const key = fresh();
  const text = `return {KEYS[1], ARGV[1], #ARGV, '${key}'}`;
  assert.deepEqual(await redis.eval(text, [key], [{ a: 1 }, 2]), [key, { a: 1 }, 2, key]);
  assert.equal(await redis.evalRo("return 7"), 7);
  const script = redis.createScript(text);
  assert.equal(await redis.scriptLoad(text), await script.hash());
  assert.deepEqual(await redis.scriptExists(await script.hash(), "0".repeat(40)), [1, 0]);
  assert.deepEqual(await script.evalsha([key], ["x"]), [key, "x", 1, key]);
  const unknown = redis.createScript(`return '${key} was not known'`);
  assert.equal((await rejection(unknown.evalsha())).code, "NOSCRIPT");
  assert.equal(await unknown.exec(), `${key} was not known`);
  assert.equal(await unknown.exec(), `${key} was not known`);
  const reads = redis.createScript("return redis.call('GET', KEYS[1])", { readonly: true });
  assert.equal(await reads.exec([key]), null);
  const writes = redis.createScript("return redis.call('SET', KEYS[1], 1)", { readonly: true });
  assert.ok((await rejection(writes.exec([key]))) instanceof ServerError);
});

test("any command, by name", async () => {
  const key = fresh();
  await redis.set(key, 1);
  assert.equal(await redis.command("OBJECT", "ENCODING", key), "int");
  assert.equal(await redis.exec(["object", "encoding", key]), "int");
  assert.deepEqual(await redis.pipeline().command("OBJECT", "ENCODING", key).get(key).exec(), ["int", 1]);
});

test("pipelines: each command its own outcome", async () => {
  const key = fresh();
  const pipeline = redis.pipeline().set(key, "text").incr(key).hgetall(key).get(key);
  assert.equal(pipeline.length(), 4);
  const [set, incr, hash, get] = await pipeline.exec({ keepErrors: true });
  assert.deepEqual([set, get], [{ result: "OK" }, { result: "text" }]);
  assert.ok(incr.error instanceof ServerError);
  assert.deepEqual([incr.error.code, incr.error.command, incr.error.index], ["ERR", "INCR", 1]);
  assert.equal(hash.error.code, "WRONGTYPE");
  // Without keepErrors the first error is thrown, and what was in the request has run all the same.
  const error = await rejection(redis.pipeline().incr(key).set(key, "other").exec());
  assert.deepEqual([error.command, error.index], ["INCR", 0]);
  assert.equal(await redis.get(key), "other");
  assert.deepEqual(await redis.pipeline().exec(), []);
});

test("transactions: one command after the other, and none if one is refused", async () => {
  const key = fresh();
  assert.deepEqual(await redis.multi().set(key, 1).incrby(key, 2).get(key).exec(), ["OK", 3, 3]);
  const error = await rejection(redis.multi().set(key, "lost").command("NO_SUCH_COMMAND", "secret").exec());
  assert.ok(error instanceof ServerError);
  assert.ok(!error.message.includes("secret"));
  assert.equal(await redis.get(key), 3);
});

test("errors of the server", async () => {
  const key = fresh();
  await redis.set(key, "text");
  const wrong = await rejection(redis.lpush(key, "secret-value"));
  assert.deepEqual([wrong.kind, wrong.code, wrong.command, wrong.ambiguous, wrong.retryable], ["server", "WRONGTYPE", "LPUSH", false, false]);
  assert.ok(!wrong.message.includes("secret-value") && !wrong.message.includes(key), wrong.message);
  const unknown = await rejection(redis.command("NO_SUCH_COMMAND", "secret-value"));
  assert.equal(unknown.code, "ERR");
  assert.ok(!unknown.message.includes("secret-value"), unknown.message);
  assert.equal((await rejection(redis.command("GET"))).command, "GET");
  const refused = await rejection(new Redis({ url, token: "not-the-token" }).get("k"));
  assert.ok(refused instanceof RedisError && refused.auth && refused.status === 401, refused.message);
  assert.ok(!refused.message.includes("not-the-token"), refused.message);
});

test("an environment in place of URL and token", async () => {
  for (const env of [
    { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token, KV_REST_API_URL: "https://elsewhere.example" },
    { KV_REST_API_URL: url, KV_REST_API_TOKEN: token },
  ]) {
    assert.equal(await Redis.fromEnv(env).ping(), "PONG");
  }
  class Mine extends Redis {}
  assert.ok(Mine.fromEnv({ KV_REST_API_URL: url, KV_REST_API_TOKEN: token }) instanceof Mine);
});
