// The npm package beside @upstash/redis, in one run: the CPU of an awaited GET, of 1,000 at a time, of an LRANGE of 2,000 texts,
// in Node and in workerd, and that of a Worker from its start to its first command.
// `cargo xtask bench` runs it, with the two UPSTASH variables exported. It prints one line of JSON for each row.

import { bundled, started } from "./bench-worker.mjs";

const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = process.env;

/** What each client does in every row. */
const work = {
  get: async (redis, rounds) => {
    for (let n = 0; n < rounds; n += 1) if ((await redis.get("bench:k")) !== "a value of usual size") throw new Error("another value");
    return rounds;
  },
  crowd: async (redis, rounds) => {
    for (let n = 0; n < rounds; n += 1) await Promise.all(Array.from({ length: 1000 }, () => redis.get("bench:k")));
    return rounds * 1000;
  },
  range: async (redis, rounds) => {
    for (let n = 0; n < rounds; n += 1) if ((await redis.lrange("bench:l", 0, -1)).length !== 2000) throw new Error("not all of it");
    return rounds;
  },
};
/** How often in a turn. Turns are short and many, so that what else the machine does meets both sides alike. */
const ROUNDS = { get: 60, crowd: 1, range: 5 };

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** One row: µs of CPU for one, ours and theirs in alternation; the ratio is the median of those of neighbouring turns. */
async function row(where, name, turns, measure) {
  const used = { ours: [], theirs: [] };
  // The first turns fill caches and let the compiler see the code.
  for (let turn = -turns / 5; turn < turns; turn += 1) {
    for (const side of turn % 2 === 0 ? ["ours", "theirs"] : ["theirs", "ours"]) {
      const cost = await measure(side, name, ROUNDS[name]);
      if (turn >= 0) used[side].push(cost);
    }
  }
  const ratio = median(used.ours.map((ours, turn) => ours / used.theirs[turn]));
  console.log(JSON.stringify({ where, name, ours: median(used.ours), theirs: median(used.theirs), ratio }));
}

// Node.
const [{ Redis: Ours }, { Redis: Theirs }] = await Promise.all([import("../../pkg/node.js"), import("@upstash/redis")]);
const clients = { ours: new Ours({ url, token }), theirs: new Theirs({ url, token }) };
await clients.ours.set("bench:k", "a value of usual size");
await clients.ours.del("bench:l");
await clients.ours.rpush("bench:l", ...Array.from({ length: 2000 }, (_, n) => `entry number ${n} of a list`));

const inNode = async (side, name, rounds) => {
  const before = process.cpuUsage();
  const count = await work[name](clients[side], rounds);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
};
for (const name of ["get", "crowd", "range"]) await row("Node", name, 50, inNode);

// workerd: a process for each client, whose CPU the kernel counts.
const bundles = { ours: await bundled("restis", work), theirs: await bundled("upstash", work) };

const running = { ours: await started(bundles.ours), theirs: await started(bundles.theirs) };
const inWorkerd = async (side, name, rounds) => {
  const worker = running[side];
  // Its clock has ticks of 10 ms, so more at a time.
  const before = worker.cpu();
  const count = await worker.call(name, rounds * 10);
  return (worker.cpu() - before) / count;
};
for (const name of ["get", "crowd", "range"]) await row("workerd", name, 20, inWorkerd);
for (const worker of Object.values(running)) await worker.dispose();

// From the start of the process to the answer of the first command.
ROUNDS.start = 1;
await row("workerd", "start", 10, async (side) => {
  const worker = await started(bundles[side]);
  await worker.call("get", 1);
  const used = worker.cpu();
  await worker.dispose();
  return used;
});
