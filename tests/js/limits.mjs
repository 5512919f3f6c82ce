// Plays @upstash/ratelimit and @upstash/lock for tests/processes: each line in is a request, each line out its answer. Where
// the server is says the environment.

import { Lock } from "@upstash/lock";
import { MultiRegionRatelimit, Ratelimit } from "@upstash/ratelimit";
import { Redis } from "@upstash/redis";
import { play } from "./play.mjs";

const redis = Redis.fromEnv({ enableTelemetry: false });
const limiters = new Map();
const locks = new Map();

/** One limiter for each way to set it, as a program keeps it. */
function limiter({ prefix, algorithm, limit, window, cache = false, timeout = 5000 }) {
  const name = JSON.stringify([prefix, algorithm, limit, window, cache, timeout]);
  const known = limiters.get(name);
  if (known) return known;
  const common = { prefix, ephemeralCache: cache ? new Map() : false, analytics: false, timeout };
  const regional = {
    fixed: () => Ratelimit.fixedWindow(limit, window),
    sliding: () => Ratelimit.slidingWindow(limit, window),
    bucket: () => Ratelimit.tokenBucket(limit, window, limit),
    cached: () => Ratelimit.cachedFixedWindow(limit, window),
  }[algorithm];
  const made = regional
    ? new Ratelimit({
        ...common,
        redis,
        limiter: regional(),
        // It does not work without.
        ...(algorithm === "cached" ? { ephemeralCache: new Map() } : {}),
      })
    : new MultiRegionRatelimit({
        ...common,
        redis: [redis],
        limiter: MultiRegionRatelimit.fixedWindow(limit, window),
      });
  limiters.set(name, made);
  return made;
}

const plays = {
  async limit(words) {
    const answer = await limiter(words).limit(words.key, { rate: words.rate ?? 1 });
    await answer.pending;
    const { success, remaining, reset, reason } = answer;
    return { success, remaining, reset, reason };
  },
  /** So many calls one after the other, with a pause: how many are let in. */
  async load(words) {
    let success = 0;
    const begun = Date.now();
    for (let call = 0; call < words.calls; call += 1) {
      const wait = begun + call * words.pause - Date.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      const answer = await limiter(words).limit(words.key);
      success += Number(answer.success);
    }
    return success;
  },
  async reset(words) {
    await limiter(words).resetUsedTokens(words.key);
  },
  async dynamic(words) {
    const { prefix, value } = words;
    const limiter = new Ratelimit({
      redis,
      prefix,
      limiter: Ratelimit.fixedWindow(10, "60 s"),
      dynamicLimits: true,
    });
    await limiter.setDynamicLimit({ limit: value });
  },
  async acquire({ slot, name, lease, attempts = 1, uuid }) {
    const lock = new Lock({ id: name, redis, lease, retry: { attempts, delay: 100 } });
    locks.set(slot, lock);
    return await lock.acquire(uuid === undefined ? undefined : { uuid });
  },
  async extend({ slot, by }) {
    try {
      return await locks.get(slot).extend(by);
    } catch (error) {
      return error.name;
    }
  },
  async release({ slot }) {
    return await locks.get(slot).release();
  },
  async status({ slot, name }) {
    const lock = locks.get(slot) ?? new Lock({ id: name, redis });
    return await lock.getStatus();
  },
  /** So many contenders, each of whom works for some time. */
  async crowd({ name, crowd, hold }) {
    const one = async () => {
      const lock = new Lock({ id: name, redis, lease: 10_000, retry: { attempts: 100, delay: 50 } });
      if (!(await lock.acquire())) return 0;
      await new Promise((resolve) => setTimeout(resolve, hold));
      await lock.release();
      return 1;
    };
    const all = await Promise.all(Array.from({ length: crowd }, one));
    return all.reduce((sum, one) => sum + one, 0);
  },
};

await play(plays);
