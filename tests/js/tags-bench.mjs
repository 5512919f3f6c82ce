// The CPU time in ms of a hit of the cache in the npm package: node tags-bench.mjs TAGS ROUNDS, with the two UPSTASH variables
// exported. `cargo xtask compare cache` runs it.

// The package is beside these tests in the repository.
const { Cache, Redis } = await import("../../pkg/helpers-node.js");

const [tags, rounds] = process.argv.slice(2).map(Number);
const cache = new Cache(Redis.fromEnv(), { namespace: "shop", earlyRefresh: 0, redisTimeout: 30_000 });
const all = Array.from({ length: tags }, (_, tag) => `product:${tag}`);
const hit = () => cache.getOrSet("k", () => { throw new Error("it is no hit"); }, { tags: all });

for (let round = 0; round < Math.min(rounds, 20); round += 1) await hit();
const before = process.cpuUsage();
for (let round = 0; round < rounds; round += 1) await hit();
const { user, system } = process.cpuUsage(before);
console.log((user + system) / 1000 / rounds);
