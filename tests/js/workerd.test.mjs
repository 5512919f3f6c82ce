// The package in Cloudflare's workerd, bundled the way wrangler does it: by the condition `workerd`, with the wasm
// module left for the runtime to compile.

import assert from "node:assert/strict";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { Cache, Redis } from "restis/helpers";
import { expected } from "./program.mjs";
import { token, url } from "./support.mjs";

const here = dirname(fileURLToPath(import.meta.url));

const worker = `
import * as restis from "restis";
import { Cache, Lock, RateLimiter, Redis as WithHelpers, Sessions } from "restis/helpers";
import { Queue } from "restis/queue";
import { program } from "./program.mjs";

// A client that is made once for all requests of the Worker, outside of any of them.
const shared = new restis.Redis({ url: "${url}", token: "${token}" });

export default {
  async fetch(request, env, context) {
    const { pathname, searchParams } = new URL(request.url);
    try {
      if (pathname === "/program") {
        const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = env;
        return Response.json(await restis.Redis.fromEnv(env).ping() && await program(restis, { url, token, prefix: "workerd" }));
      }
      if (pathname === "/shared") {
        const id = searchParams.get("id");
        const [own] = await shared.pipeline().echo("id-" + id).exec();
        return Response.json([own, await shared.eval("return ARGV[1]", [], ["id-" + id])]);
      }
      if (pathname === "/binding") {
        const redis = new restis.Redis({ url: "https://behind-the-binding.example", token: "t", fetch: env.BINDING });
        return Response.json(await redis.set("k", 1));
      }
      if (pathname === "/queue") {
        const { id } = await new Queue("workerd", { redis: shared }).add("greet", { text: "grüße" });
        return Response.json([id, await shared.hget("bull:workerd:" + id, "data"), await shared.lrem("bull:workerd:wait", 0, id)]);
      }
      if (pathname === "/helpers") {
        const prefix = "workerd-helpers:" + searchParams.get("id");
        const redis = new WithHelpers({ url: "${url}", token: "${token}" });
        const cache = new Cache(redis, { namespace: prefix, staleWhileRevalidate: 60_000 });
        const loaded = await cache.getOrSet("k", async () => ({ a: 1 }), { waitUntil: (work) => context.waitUntil(work) });
        const sessions = new Sessions(shared, "a key of thirty-two bytes, or more", { namespace: prefix });
        const { token } = await sessions.create("ada", 7);
        const { data } = await sessions.validate(token);
        const { remaining } = await RateLimiter.fixedWindow(redis, 5, 60_000, { prefix }).check("ada");
        const { value } = await new Lock(redis, prefix).run(async () => "alone");
        return Response.json([loaded, data, remaining, value]);
      }
      if (pathname === "/cache") {
        // Without waitUntil: workerd cancels what is left when the answer is there.
        const cache = new Cache(shared, { namespace: searchParams.get("namespace"), staleWhileRevalidate: 60_000 });
        return Response.json(await cache.getOrSet("k", async () => "new"));
      }
      if (pathname === "/init") return Response.json((await restis.init()) ?? "nothing to do");
    } catch (error) {
      return new Response(String(error.stack), { status: 500 });
    }
  },
};`;

let folder;
let miniflare;

before(async () => {
  folder = await mkdtemp(join(here, "workerd-"));
  await build({
    stdin: { contents: worker, resolveDir: here },
    bundle: true,
    format: "esm",
    conditions: ["workerd", "worker", "browser"],
    outdir: folder,
    entryNames: "worker",
    assetNames: "[name]",
    loader: { ".wasm": "copy" },
    logLevel: "warning",
  });
  const contents = (name) => readFile(join(folder, name));
  const modules = (await readdir(folder)).filter((name) => name.endsWith(".wasm"));
  assert.deepEqual(modules.sort(), ["helpers_bg.wasm", "queue_bg.wasm", "restis_bg.wasm"], "each module is bundled once");
  const options = convertV4MiniflareOptions({
    modules: [
      { type: "ESModule", path: "worker.js", contents: await contents("worker.js") },
      ...(await Promise.all(modules.map(async (path) => ({ type: "CompiledWasm", path, contents: await contents(path) })))),
    ],
    compatibilityDate: "2026-01-01",
    bindings: { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token },
    serviceBindings: { BINDING: async (request) => new Response(JSON.stringify({ result: `${request.url} ${await request.text()}` })) },
  });
  miniflare = new Miniflare(options);
  await miniflare.ready;
});

after(async () => {
  await miniflare?.dispose();
  await rm(folder, { recursive: true, force: true });
});

async function get(path) {
  const response = await miniflare.dispatchFetch(`http://worker.example${path}`);
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return JSON.parse(text);
}

test("the helpers, over a client of their own module and over one of the other", async () => {
  const response = await miniflare.dispatchFetch(`http://worker/helpers?id=${crypto.randomUUID()}`);
  assert.deepEqual(await response.json(), [{ a: 1 }, 7, 4, "alone"]);
});

test("the cache without waitUntil: a value is stored before the answer, and a stale one refreshed", async () => {
  const redis = new Redis({ url, token });
  for (const before of [undefined, "old"]) {
    const namespace = `workerd:${crypto.randomUUID()}`;
    const cache = new Cache(redis, { namespace, staleWhileRevalidate: 60_000 });
    if (before) await cache.set("k", before, { ttl: 1 });
    assert.equal(await get(`/cache?namespace=${namespace}`), "new");
    assert.equal(await cache.get("k"), "new");
  }
});

test("the small program", async () => {
  assert.deepEqual(await get("/program"), expected);
});

test("one client for many requests at once: none gets another's answer", async () => {
  const ids = Array.from({ length: 30 }, (_, id) => id);
  const answers = await Promise.all(ids.map((id) => get(`/shared?id=${id}`)));
  answers.forEach((answer, id) => assert.deepEqual(answer, [`id-${id}`, `id-${id}`]));
});

test("through a service binding", async () => {
  assert.equal(await get("/binding"), 'https://behind-the-binding.example/ ["SET","k","1"]');
});

test("a job is added for BullMQ", async () => {
  const [id, data, removed] = await get("/queue");
  assert.match(id, /^r/);
  assert.deepEqual([data, removed], [{ text: "grüße" }, 1]);
});

test("init is there and has nothing to do", async () => {
  assert.equal(await get("/init"), "nothing to do");
});
