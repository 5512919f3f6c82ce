// A real Nitro app whose storage is `restis/unstorage`: built without URL and token, started with them in Node and in workerd.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { Redis } from "restis";
import { token, url } from "./support.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const app = join(here, "nitro-app");
const base = `nitro-${crypto.randomUUID()}`;
const redis = new Redis({ url, token });

const config = {
  compatibilityDate: "2026-01-01",
  storage: {
    x: { driver: "restis/unstorage", base: `${base}:x`, ttl: 60 },
    y: { driver: "restis/unstorage", base: `${base}:y`, url, token },
  },
};
const route = `
import { useStorage } from "nitropack/runtime";
import { defineEventHandler, getQuery } from "h3";

export default defineEventHandler(async (event) => {
  const { mount, key } = getQuery(event);
  const storage = useStorage(mount);
  const count = ((await storage.getItem(key))?.count ?? 0) + 1;
  await storage.setItem(key, { count });
  return { count, keys: await storage.getKeys(), has: await storage.hasItem("none") };
});
`;

const helpers = `
import { defineEventHandler } from "h3";
import { Cache, Redis } from "restis/helpers";
import { Queue } from "restis/queue";

export default defineEventHandler(async () => {
  const redis = Redis.fromEnv();
  const cache = new Cache(redis, { namespace: "${base}:cache" });
  const value = await cache.getOrSet("k", async () => "loaded");
  const { id } = await new Queue("jobs", { redis, prefix: "${base}:bull" }).add("job", {}, { jobId: "a" });
  return { value, id };
});
`;

before(() => {
  rmSync(app, { recursive: true, force: true });
  mkdirSync(join(app, "routes"), { recursive: true });
  // Nitro loads the driver by itself when it builds, and looks for it from where it is.
  cpSync(realpathSync(join(here, "node_modules/nitropack")), join(app, "node_modules/nitropack"), { recursive: true, dereference: true });
  writeFileSync(join(app, "routes/index.mjs"), route);
  writeFileSync(join(app, "routes/helpers.mjs"), helpers);
});
after(async () => {
  rmSync(app, { recursive: true, force: true });
  for await (const key of redis.scanIterator({ match: `${base}*`, count: 1000 })) await redis.unlink(key);
});

/** The environment without a database. */
const bare = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(UPSTASH|KV|NODE_TEST)_/.test(name)));

/** Builds the app for a preset of Nitro, into a folder of its own. */
function build(preset, more) {
  const output = join(app, `.output-${preset}`);
  const options = { ...config, preset, output: { dir: output }, ...more };
  writeFileSync(join(app, "nitro.config.mjs"), `export default ${JSON.stringify(options)};\n`);
  const built = spawnSync(process.execPath, [join(app, "node_modules/nitropack/dist/cli/index.mjs"), "build"], { cwd: app, env: bare, encoding: "utf8" });
  assert.equal(built.status, 0, built.stdout + built.stderr);
  return join(output, "server");
}

/** Runs with the built server, on a port that the system chooses. */
async function serving(built, run) {
  const env = { ...bare, PORT: "0", NITRO_HOST: "127.0.0.1", UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token };
  const server = spawn(process.execPath, [join(built, "index.mjs")], { env, stdio: ["ignore", "pipe", "inherit"] });
  try {
    for await (const line of createInterface(server.stdout)) {
      const address = /http:\/\/\S+/.exec(line)?.[0];
      if (address) return await run(address);
    }
    throw new Error("the server ended before it listened");
  } finally {
    server.kill();
  }
}

test("an app is built, and keeps its data in Redis over a restart", { timeout: 240_000 }, async () => {
  const built = build("node-server");
  const ask = (address) => async (mount) => (await fetch(new URL(`?mount=${mount}&key=visits`, address))).json();
  await serving(built, async (address) => {
    const get = ask(address);
    assert.deepEqual(await get("x"), { count: 1, keys: ["visits"], has: false });
    assert.deepEqual(await get("x"), { count: 2, keys: ["visits"], has: false });
    assert.equal((await get("y")).count, 1);
  });
  await serving(built, async (address) => {
    assert.equal((await ask(address)("x")).count, 3);
    assert.deepEqual(await (await fetch(new URL("helpers", address))).json(), { value: "loaded", id: "a" });
  });
  assert.deepEqual(await redis.get(`${base}:x:visits`), { count: 3 });
  assert.ok((await redis.ttl(`${base}:x:visits`)) > 0);
  assert.equal(await redis.ttl(`${base}:y:visits`), -1);
});

test("an app for Workers has the wasm modules with it", { timeout: 240_000 }, async () => {
  const built = build("cloudflare-module", { experimental: { wasm: true } });
  const files = readdirSync(built, { recursive: true }).filter((name) => /\.(mjs|wasm)$/.test(name));
  // The first is the entry.
  files.sort((a, b) => (b === "index.mjs") - (a === "index.mjs"));
  const modules = files.map((path) => {
    const contents = readFileSync(join(built, path));
    return path.endsWith(".wasm") ? { type: "CompiledWasm", path, contents } : { type: "ESModule", path, contents: contents.toString() };
  });
  const bindings = { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token };
  const miniflare = new Miniflare(convertV4MiniflareOptions({ modules, bindings, compatibilityDate: "2026-01-01", compatibilityFlags: ["nodejs_compat"] }));
  try {
    const get = async () => (await miniflare.dispatchFetch("http://worker/?mount=x&key=worker")).text();
    assert.equal(JSON.parse(await get()).count, 1);
    assert.equal(JSON.parse(await get()).count, 2);
    assert.deepEqual(await (await miniflare.dispatchFetch("http://worker/helpers")).json(), { value: "loaded", id: "a" });
  } finally {
    await miniflare.dispose();
  }
  assert.deepEqual(await redis.get(`${base}:x:worker`), { count: 2 });
});
