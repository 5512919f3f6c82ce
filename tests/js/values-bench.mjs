// One kind of work after the other, by the npm package or by @upstash/redis: CPU and wall time of one, and how much larger
// it made the process. `cargo xtask bench` runs it: node values-bench.mjs restis|upstash node|workerd WHAT ROUNDS, with the
// two UPSTASH variables exported.

import { bundled, started } from "./bench-worker.mjs";

const [who, where, what, digits] = process.argv.slice(2);
const rounds = Number(digits);

/** Each stands alone, since a Worker gets its text. */
const once = {
  set: (redis) => redis.set("set", "a value of usual size"),
  pipeline: (redis) => {
    const pipeline = redis.pipeline();
    for (let n = 0; n < 1_000; n += 1) pipeline.set("set", "a value of usual size");
    return pipeline.exec();
  },
  lrange: (redis) => redis.lrange("list", 0, -1),
  mget: (redis) => redis.mget(...Array.from({ length: 100 }, (_, n) => `key:${n}`)),
  text: (redis) => redis.get("text"),
  base64: (redis) => redis.with({ bytes: true }).get("bytes"),
}[what];

/** Where it runs: doing it some times, the µs of CPU until now, and the largest size in KB. */
const places = {
  async node() {
    // The package is beside these tests in the repository.
    const { Redis } = await import(who === "restis" ? "../../pkg/node.js" : "@upstash/redis");
    const redis = Redis.fromEnv();
    await redis.ping();
    return {
      async run(rounds) {
        for (let n = 0; n < rounds; n += 1) await once(redis);
      },
      cpu() {
        const { user, system } = process.cpuUsage();
        return user + system;
      },
      size: () => process.resourceUsage().maxRSS,
      dispose() {},
    };
  },
  async workerd() {
    const worker = await started(await bundled(who, {
      ping: "(redis) => redis.ping()",
      once: `async (redis, rounds) => { for (let n = 0; n < rounds; n += 1) await (${once})(redis); }`,
    }));
    await worker.call("ping", 1);
    return { run: (rounds) => worker.call("once", rounds), cpu: worker.cpu, size: worker.size, dispose: worker.dispose };
  },
};

const place = await places[where]();
const before = place.size();
await place.run(Math.floor(rounds / 10) + 1);
const cpu = place.cpu();
const wall = performance.now();
await place.run(rounds);
console.log(JSON.stringify({
  wall_us: ((performance.now() - wall) * 1000) / rounds,
  cpu_us: (place.cpu() - cpu) / rounds,
  larger_kb: place.size() - before,
}));
await place.dispose();
