// 1,000 GETs at a time by @upstash/redis: what one takes of this process's CPU, and of the clock.
// `cargo xtask bench` runs it: node bench.mjs ROUNDS, with the two UPSTASH variables exported.

import { Redis } from "@upstash/redis";

const rounds = Number(process.argv[2]);
const redis = Redis.fromEnv();
const keys = Array.from({ length: 1000 }, (_, n) => `bench:${n}`);
await redis.mset(Object.fromEntries(keys.map((key) => [key, "a value of usual size"])));

async function round() {
  const values = await Promise.all(keys.map((key) => redis.get(key)));
  if (values.some((value) => value !== "a value of usual size")) throw new Error("a value is another key's");
}

for (let warm = 0; warm < 20; warm += 1) await round();
const cpu = process.cpuUsage();
const wall = performance.now();
for (let n = 0; n < rounds; n += 1) await round();
const used = process.cpuUsage(cpu);
const commands = rounds * keys.length;
console.log(JSON.stringify({ cpu_us: (used.user + used.system) / commands, wall_us: ((performance.now() - wall) * 1000) / commands }));
