// Plays BentoCache for tests/processes: each line in is a request, each line out its answer, as the words of
// tests/processes/src/cache.rs have them. Redis is reached over TCP, by ioredis.
//
// What BentoCache sets otherwise than the words have it:
// - `grace` counts from the writing, not from the end of the time to live, so it is both together.
// - With `swr` a stale value is served at once (`timeout: 0`); with `stale_if_error` alone the loader is waited for.
// - Memory has no time to live of its own: `memory_ttl` turns it on, and values stay there as long as in Redis.
// - `clock_offset` moves Date.now, by which it tells the time.
// - It knows no leases, no early refreshes and no negative values; its loader cannot be dropped.

import { createInterface } from "node:readline";
import { connect } from "node:net";
import { BentoCache, bentostore } from "bentocache";
import { memoryDriver } from "bentocache/drivers/memory";
import { redisBusDriver, redisDriver } from "bentocache/drivers/redis";
import { Redis } from "ioredis";

const { now } = Date;

let source;
let settings;
let cache;
let loads = 0;

/** Says one line to the source, and reads its answer. */
function ask(line) {
  const [host, port] = source.split(":");
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host, () => socket.write(`${line}\n`));
    let told = "";
    socket.on("data", (data) => (told += data));
    socket.on("error", reject);
    socket.on("close", () => {
      if (!told.endsWith("\n")) return reject(new Error("the source does not answer"));
      const { value, error } = JSON.parse(told);
      if (error === undefined) resolve(value);
      else reject(new Error(error));
    });
  });
}

function load(key) {
  loads += 1;
  return ask(key);
}

async function open(words) {
  await cache?.disconnect();
  ({ source, settings } = words);
  const { clock_offset = 0, ttl, swr, stale_if_error, error_backoff, loader_timeout } = settings;
  Date.now = () => now() + clock_offset;
  const [host, port] = words.redis.split(":");
  const address = { host, port: Number(port) };
  const connection = new Redis(address);
  const stale = Math.max(swr ?? 0, stale_if_error ?? 0);
  let store = bentostore().useL2Layer(redisDriver({ connection }));
  if (settings.memory_ttl) store = store.useL1Layer(memoryDriver({ maxSize: "10mb" }));
  if (settings.bus) store = store.useBus(redisBusDriver({ connection: address }));
  const given = {
    prefix: settings.namespace ?? "bento",
    ttl,
    grace: stale ? ttl + stale : false,
    graceBackoff: error_backoff,
    hardTimeout: loader_timeout,
  };
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  cache = new BentoCache({ default: "cache", stores: { cache: store }, ...Object.fromEntries(set) });
  cache.use();
  await connection.ping();
  return null;
}

async function crowd({ key, tags, callers = 1 }) {
  const before = loads;
  // Only where there is no `swr`: the option's default, 0, is what serves stale values at once.
  const waits = settings.swr ? {} : { timeout: settings.loader_timeout ?? null };
  const call = async () => {
    const began = performance.now();
    let ours = false;
    const factory = () => {
      ours = true;
      return load(key);
    };
    let got;
    try {
      got = { value: await cache.getOrSet({ key, tags, factory, ...waits }), status: ours ? "loaded" : "found" };
    } catch (error) {
      got = { error };
    }
    return { ...got, time: Math.floor(performance.now() - began) };
  };
  const calls = await Promise.all(Array.from({ length: callers }, call));
  const told = { values: {}, errors: 0, error: null, statuses: {}, loads: loads - before };
  for (const { value, status, error } of calls) {
    if (error) {
      told.errors += 1;
      told.error = String(error.cause ?? error);
    } else {
      told.values[value] = (told.values[value] ?? 0) + 1;
      told.statuses[status] = (told.statuses[status] ?? 0) + 1;
    }
  }
  const times = calls.map(({ time }) => time).sort((a, b) => a - b);
  const rank = (percent) => times[Math.ceil((times.length * percent) / 100) - 1] ?? 0;
  return { ...told, p50: rank(50), p99: rank(99), max: rank(100) };
}

const plays = {
  open,
  get_or_set: crowd,
  lead: async ({ key }) => {
    crowd({ key });
    return null;
  },
  get: async ({ key }) => (await cache.get({ key })) ?? null,
  set: async ({ key, value, tags }) => {
    await cache.set({ key, value, tags });
    return null;
  },
  update: async ({ key, value, tags }) => {
    await ask(`set ${key} ${value}`);
    await cache.set({ key, value, tags });
    return null;
  },
  delete: async ({ key }) => {
    await cache.delete({ key });
    return null;
  },
  invalidate_tag: async ({ tag }) => {
    await cache.deleteByTag({ tags: [tag] });
    return null;
  },
  clear: async () => {
    await cache.clear();
    return null;
  },
  stats: async () => ({}),
};

async function answer(request) {
  const play = plays[request.do];
  if (!play) throw new Error(`this cache cannot do that: ${request.do}`);
  return play(request);
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  answer(request).then(
    (answer) => ({ id: request.id, answer }),
    (error) => ({ id: request.id, error: String(error?.stack ?? error) }),
  ).then((told) => process.stdout.write(`${JSON.stringify(told)}\n`));
}
// The driver is gone.
process.exit();
