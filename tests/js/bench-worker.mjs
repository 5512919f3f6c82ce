// A Worker over one of the clients in a workerd of its own, whose CPU and memory the kernel counts: what the benches of
// workerd start and read.

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";

const file = (name) => fileURLToPath(new URL(name, import.meta.url));
const modules = { restis: file("../../pkg/workerd.js"), upstash: "@upstash/redis/cloudflare" };

/** What the kernel counts CPU in, in µs. */
const TICK = 10_000;

/** What the kernel says of a process: its name, its parent, and the µs of CPU that it has used. */
function statusOf(id) {
  const stat = readFileSync(`/proc/${id}/stat`, "utf8");
  const [, name] = stat.match(/\((.*)\)/);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { name, parent: Number(fields[1]), cpu: (Number(fields[11]) + Number(fields[12])) * TICK };
}

/** The ids of our workerd processes. */
function workers() {
  return readdirSync("/proc").filter((id) => {
    if (!/^\d+$/.test(id)) return false;
    try {
      const { name, parent } = statusOf(id);
      return name === "workerd" && parent === process.pid;
    } catch {
      // It has ended meanwhile.
      return false;
    }
  });
}

/**
 * The modules of a Worker over `restis` or `upstash`, bundled and minified as wrangler does it. Each function of `work` gets
 * the client and a number of rounds; the Worker does one with `?name=` and `?rounds=`, and answers with what it returns.
 */
export async function bundled(who, work) {
  const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = process.env;
  const contents = `
    import { Redis } from ${JSON.stringify(modules[who])};
    const redis = new Redis({ url: "${url}", token: "${token}" });
    const work = { ${Object.entries(work).map(([name, run]) => `${name}: ${run}`).join(",")} };
    export default {
      async fetch(request) {
        const { searchParams } = new URL(request.url);
        return Response.json((await work[searchParams.get("name")](redis, Number(searchParams.get("rounds")))) ?? null);
      },
    };`;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: file(".") },
    bundle: true, minify: true, format: "esm", write: false, outdir: "/out", entryNames: "worker", assetNames: "[name]",
    conditions: ["workerd", "worker", "browser"], loader: { ".wasm": "copy" }, logLevel: "warning",
  });
  return outputFiles.map(({ path, contents }) => ({
    type: path.endsWith(".wasm") ? "CompiledWasm" : "ESModule", path: path.slice("/out/".length), contents,
  })).sort((a, b) => (a.path === "worker.js" ? -1 : b.path === "worker.js" ? 1 : 0));
}

/** Starts a Worker of such modules. */
export async function started(modules) {
  const before = workers();
  const miniflare = new Miniflare(convertV4MiniflareOptions({ modules, compatibilityDate: "2026-01-01" }));
  await miniflare.ready;
  const id = workers().find((id) => !before.includes(id));
  return {
    async call(name, rounds) {
      const response = await miniflare.dispatchFetch(`http://worker/?name=${name}&rounds=${rounds}`);
      if (response.status !== 200) throw new Error(await response.text());
      return response.json();
    },
    /** µs since its start. */
    cpu: () => statusOf(id).cpu,
    /** The largest size it had, in KB. */
    size: () => Number(readFileSync(`/proc/${id}/status`, "utf8").match(/VmHWM:\s*(\d+)/)[1]),
    dispose: () => miniflare.dispose(),
  };
}
