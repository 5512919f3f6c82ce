// The npm package beside @upstash/redis, in one run: the CPU of an awaited GET, of 1,000 at a time, of an LRANGE of 2,000 texts,
// in Node and in workerd, and that of a Worker from its start to its first command.
// `cargo xtask bench` runs it, with the two UPSTASH variables exported. It prints one line of JSON for each row.

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";

const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = process.env;
const file = (name) => fileURLToPath(new URL(name, import.meta.url));

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
const tick = 10_000;

/** The µs of CPU that our workerd processes have used, by their ids. */
function workers() {
  const found = new Map();
  for (const id of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${id}/stat`, "utf8");
      const [, name] = stat.match(/\((.*)\)/);
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (name === "workerd" && Number(fields[1]) === process.pid) found.set(id, (Number(fields[11]) + Number(fields[12])) * tick);
    } catch {
      // It has ended meanwhile.
    }
  }
  return found;
}

const source = (module) => `
import { Redis } from ${JSON.stringify(module)};
const redis = new Redis({ url: "${url}", token: "${token}" });
const work = { ${Object.entries(work).map(([name, run]) => `${name}: ${run}`).join(",")} };
export default {
  async fetch(request) {
    const { searchParams } = new URL(request.url);
    return Response.json(await work[searchParams.get("name")](redis, Number(searchParams.get("rounds"))));
  },
};`;

const modules = { ours: file("../../pkg/workerd.js"), theirs: "@upstash/redis/cloudflare" };

/** A Worker over one of the clients, bundled and minified as wrangler does it. */
async function bundled(side) {
  const { outputFiles } = await build({
    stdin: { contents: source(modules[side]), resolveDir: file(".") },
    bundle: true, minify: true, format: "esm", write: false, outdir: "/out", entryNames: "worker", assetNames: "[name]",
    conditions: ["workerd", "worker", "browser"], loader: { ".wasm": "copy" }, logLevel: "warning",
  });
  return outputFiles.map(({ path, contents }) => ({
    type: path.endsWith(".wasm") ? "CompiledWasm" : "ESModule", path: path.slice("/out/".length), contents,
  })).sort((a, b) => (a.path === "worker.js" ? -1 : b.path === "worker.js" ? 1 : 0));
}

const bundles = { ours: await bundled("ours"), theirs: await bundled("theirs") };

/** Starts a Worker: the program, and the id of its process. */
async function started(side) {
  const before = workers();
  const miniflare = new Miniflare(convertV4MiniflareOptions({ modules: bundles[side], compatibilityDate: "2026-01-01" }));
  await miniflare.ready;
  return { miniflare, id: [...workers().keys()].find((id) => !before.has(id)) };
}

const call = async ({ miniflare }, name, rounds) => {
  const response = await miniflare.dispatchFetch(`http://worker/?name=${name}&rounds=${rounds}`);
  if (response.status !== 200) throw new Error(await response.text());
  return response.json();
};

const running = { ours: await started("ours"), theirs: await started("theirs") };
const inWorkerd = async (side, name, rounds) => {
  const worker = running[side];
  // Its clock has ticks of 10 ms, so more at a time.
  const before = workers().get(worker.id);
  const count = await call(worker, name, rounds * 10);
  return (workers().get(worker.id) - before) / count;
};
for (const name of ["get", "crowd", "range"]) await row("workerd", name, 20, inWorkerd);
for (const { miniflare } of Object.values(running)) await miniflare.dispose();

// From the start of the process to the answer of the first command.
ROUNDS.start = 1;
await row("workerd", "start", 10, async (side) => {
  const worker = await started(side);
  await call(worker, "get", 1);
  const used = workers().get(worker.id);
  await worker.miniflare.dispose();
  return used;
});
