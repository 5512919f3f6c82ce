// One kind of work after the other, by the npm package or by @upstash/redis: CPU and wall time of one, and how much larger
// it made the process. `cargo xtask bench` runs it: node values-bench.mjs restis|upstash WHAT ROUNDS, with the two UPSTASH
// variables exported.

const [who, what, digits] = process.argv.slice(2);
const rounds = Number(digits);
// The package is beside these tests in the repository.
const { Redis } = await import(who === "restis" ? "../../pkg/node.js" : "@upstash/redis");
const redis = Redis.fromEnv();
await redis.ping();
const keys = Array.from({ length: 100 }, (_, n) => `key:${n}`);

const works = {
  set: () => redis.set("set", "a value of usual size"),
  pipeline: () => {
    const pipeline = redis.pipeline();
    for (let n = 0; n < 1_000; n += 1) pipeline.set("set", "a value of usual size");
    return pipeline.exec();
  },
  lrange: () => redis.lrange("list", 0, -1),
  mget: () => redis.mget(...keys),
  text: () => redis.get("text"),
  base64: () => redis.with({ bytes: true }).get("bytes"),
};

const work = works[what];
const size = () => process.resourceUsage().maxRSS;
const before = size();
for (let warm = 0; warm <= rounds / 10; warm += 1) await work();
const cpu = process.cpuUsage();
const wall = performance.now();
for (let n = 0; n < rounds; n += 1) await work();
const used = process.cpuUsage(cpu);
console.log(JSON.stringify({
  cpu_us: (used.user + used.system) / rounds,
  wall_us: ((performance.now() - wall) * 1000) / rounds,
  larger_kb: size() - before,
}));
