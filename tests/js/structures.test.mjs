// Bitmaps, places, streams and functions on a real server: what a program gets back, alone and in a pipeline.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Redis } from "restis";
import { token, url } from "./support.mjs";

const redis = new Redis({ url, token });
const at = `structures-${process.version}-${Date.now()}`;

after(async () => {
  for await (const key of redis.scanIterator({ match: `${at}*`, count: 1000 })) await redis.unlink(key);
});

test("bitmaps and counts", async () => {
  const key = `${at}:bits`;
  assert.equal(await redis.setbit(key, 7, 1), 0);
  assert.equal(await redis.getbit(key, 7), 1);
  assert.deepEqual(await redis.bitfield(key).get("u8", 0).incrby("u8", 0, 2).exec(), [1, 3]);
  assert.equal(await redis.bitcount(key), 2);
  assert.equal(await redis.bitpos(key, 1), 6);
  assert.equal(await redis.bitop("not", `${at}:other`, key), 1);
  assert.deepEqual(await redis.pipeline().pfadd(`${at}:hll`, "a", "b").pfcount(`${at}:hll`).exec(), [1, 2]);
  assert.equal(await redis.publish(`${at}:channel`, { nobody: "hears" }), 0);
});

test("places", async () => {
  const key = `${at}:places`;
  const palermo = { longitude: 13.361389, latitude: 38.115556, member: "Palermo" };
  assert.equal(await redis.geoadd(key, palermo, { longitude: 15.087269, latitude: 37.502669, member: "Catania" }), 2);
  assert.equal(await redis.geoadd(key, { xx: true, ch: true }, palermo), 0);
  assert.equal(await redis.geodist(key, "Palermo", "Catania", "KM"), 166.2742);
  const [nobody, place] = await redis.geopos(key, "nobody", "Palermo");
  assert.equal(nobody, null);
  assert.ok(Math.abs(place.lng - 13.361389) < 1e-5);
  const [first, second] = await redis.geosearch(
    key,
    { type: "FROMLONLAT", coordinate: { lon: 15, lat: 37 } },
    { type: "BYRADIUS", radius: 200, radiusType: "KM" },
    "ASC",
    { withCoord: true, withDist: true, withHash: true },
  );
  assert.deepEqual([first.member, second.member, typeof first.hash], ["Catania", "Palermo", "string"]);
  assert.ok(first.dist < second.dist && first.coord.lat < second.coord.lat);
});

test("streams: added, read by a group, claimed, done", async () => {
  const key = `${at}:stream`;
  assert.equal(await redis.xadd(key, "*", { a: 1 }, { nomkStream: true }), null);
  assert.equal(await redis.xgroup(key, { type: "CREATE", group: "g", id: "$", options: { MKSTREAM: true } }), "OK");
  assert.equal(await redis.xadd(key, "1-0", { a: 1, b: { c: 2 } }), "1-0");
  assert.deepEqual(await redis.xrange(key, "-", "+"), { "1-0": { a: 1, b: { c: 2 } } });
  assert.deepEqual(await redis.xread(key, "0", { count: 1 }), [[key, [["1-0", ["a", 1, "b", { c: 2 }]]]]]);
  const [[, [[id]]]] = await redis.xreadgroup("g", "ada", key, ">", { count: 5 });
  assert.equal(id, "1-0");
  assert.equal((await redis.xpending(key, "g", "-", "+", 10, { consumer: "ada" }))[0][0], "1-0");
  assert.deepEqual(await redis.xclaim(key, "g", "eve", 0, ["1-0"], { justId: true }), ["1-0"]);
  assert.deepEqual(await redis.xautoclaim(key, "g", "ada", 0, "0-0", { justId: true }), ["0-0", ["1-0"], []]);
  assert.equal(await redis.xack(key, "g", "1-0"), 1);
  await redis.pipeline().xadd(key, "2-0", { a: 2 }).xadd(key, "3-0", { a: 3 }).exec();
  assert.equal(await redis.xtrim(key, { strategy: "MAXLEN", exactness: "=", threshold: 1 }), 2);
  assert.deepEqual([await redis.xlen(key), await redis.xdel(key, ["3-0"]), await redis.xlen(key)], [1, 1, 0]);
});

test("functions: loaded, listed, called", async () => {
  const library = `lib_${process.pid}_${Date.now()}`;
  const echo = `echo_${library}`;
  const code = `#!lua name=${library}\nserver.register_function{function_name='${echo}', callback=function(keys, args) return {keys[1], args[1]} end, flags={'no-writes'}}`;
  assert.equal(await redis.functions.load({ code, replace: true }), library);
  try {
    const [found] = await redis.functions.list({ libraryName: library, withCode: true });
    assert.equal(found.libraryCode, code);
    assert.deepEqual([found.libraryName, found.engine, found.functions[0].name, found.functions[0].flags], [library, "LUA", echo, ["no-writes"]]);
    assert.deepEqual(await redis.functions.call(echo, [at], [5]), [at, 5]);
    assert.deepEqual(await redis.pipeline().functions.callRo(echo, [at], ["x"]).exec(), [[at, "x"]]);
    const { engines } = await redis.functions.stats();
    assert.ok(engines.LUA.librariesCount >= 1 && engines.LUA.functionsCount >= 1);
  } finally {
    assert.equal(await redis.functions.delete(library), "OK");
  }
});
