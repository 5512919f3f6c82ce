// The package in bundles: Vite's and webpack's in Chromium, esbuild's for a server, wrangler's in workerd, and Vercel's edge runtime. Each bundle runs
// the small program, and helpers beside it, against restis-local.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import { dirname, extname, join, normalize } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { EdgeVM } from "@edge-runtime/vm";
import * as esbuild from "esbuild";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { build as vite } from "vite";
import webpack from "webpack";
import { launch } from "./chromium.mjs";
import { expected } from "./program.mjs";
import { token, url } from "./support.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const types = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };
const run = promisify(execFile);

let folder;
let browser;

/** What each bundle does: the small program over the client, and a lock and a cache of the helpers. */
const app = (prefix) => `
import * as restis from "restis";
import { Cache, Lock, Redis } from "restis/helpers";
import { program } from ${JSON.stringify(join(here, "program.mjs"))};

export async function main() {
  const options = { url: ${JSON.stringify(url)}, token: ${JSON.stringify(token)} };
  const found = await program(restis, { ...options, prefix: "${prefix}" });
  const cache = new Cache(new restis.Redis(options), { namespace: "${prefix}:" + crypto.randomUUID() });
  const { value } = await new Lock(new Redis(options), "${prefix}").run(() => cache.getOrSet("k", () => ["loaded"]));
  return { found, value };
}
`;

const page = `import { main } from "./app.js"; window.result = main().catch((error) => String(error.stack));`;

before(async () => {
  // Inside the project, so that the package is found as anybody's would be.
  folder = await mkdtemp(join(here, "bundles-"));
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await rm(folder, { recursive: true, force: true });
});

/** A folder with the program and a page. */
async function project(name) {
  const root = join(folder, name);
  await mkdir(root);
  await writeFile(join(root, "app.js"), app(name));
  await writeFile(join(root, "page.js"), page);
  await writeFile(join(root, "index.html"), '<!doctype html><meta charset="utf-8"><title>restis</title><script type="module" src="./page.js"></script>');
  return root;
}

/** Serves a folder on loopback, opens it in Chromium, and gives what the page came to, with the paths it asked for. */
async function opened(root) {
  const paths = [];
  const server = http.createServer(async (request, response) => {
    const path = normalize(new URL(request.url, "http://page").pathname);
    paths.push(path);
    try {
      const contents = await readFile(join(root, path === "/" ? "index.html" : path));
      response.setHeader("content-type", types[path === "/" ? ".html" : extname(path)] ?? "text/plain").end(contents);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const tab = await browser.newPage();
  try {
    await tab.goto(`http://127.0.0.1:${server.address().port}/`);
    await tab.waitForFunction(() => "result" in window);
    return { result: await tab.evaluate(() => window.result), paths };
  } finally {
    await tab.close();
    server.closeAllConnections();
    server.close();
  }
}

const wasm = async (root) => (await readdir(root, { recursive: true })).filter((name) => name.endsWith(".wasm"));

test("Vite, with no plugin", async () => {
  const root = await project("vite");
  await vite({ root, configFile: false, logLevel: "error" });
  const dist = join(root, "dist");
  assert.equal((await wasm(dist)).length, 2, "each module is an asset once");
  const { result, paths } = await opened(dist);
  assert.deepEqual(result, { found: expected, value: ["loaded"] });
  assert.equal(paths.filter((path) => path.endsWith(".wasm")).length, 1, "the page fetches the module that it needs, once");
});

test("webpack, with no loader", async () => {
  const root = await project("webpack");
  const compiler = webpack({
    mode: "production", context: root, entry: "./page.js", devtool: false, performance: { hints: false },
    output: { path: join(root, "dist"), filename: "page.js" },
  });
  const stats = await promisify(compiler.run.bind(compiler))();
  await promisify(compiler.close.bind(compiler))();
  assert.ok(!stats.hasErrors() && !stats.hasWarnings(), stats.toString());
  await writeFile(join(root, "dist/index.html"), '<!doctype html><meta charset="utf-8"><title>restis</title><script src="./page.js"></script>');
  assert.equal((await wasm(join(root, "dist"))).length, 2);
  const { result } = await opened(join(root, "dist"));
  assert.deepEqual(result, { found: expected, value: ["loaded"] });
});

test("esbuild for a server: the package stays beside the bundle", async () => {
  const root = await project("esbuild");
  await writeFile(join(root, "server.js"), 'import { main } from "./app.js"; console.log(JSON.stringify(await main()));');
  const options = { absWorkingDir: root, entryPoints: ["server.js"], bundle: true, platform: "node", format: "esm", outfile: "out.mjs", logLevel: "error" };
  await esbuild.build({ ...options, external: ["restis"] });
  const { stdout } = await run(process.execPath, [join(root, "out.mjs")], { cwd: root });
  assert.deepEqual(JSON.parse(stdout), { found: expected, value: ["loaded"] });

  // A bundle without the wasm says what to do.
  await esbuild.build({ ...options, outfile: "alone/out.mjs" });
  const failed = await run(process.execPath, [join(root, "alone/out.mjs")], { cwd: root }).catch((error) => error.stderr);
  assert.match(failed, /ConfigError: restis was bundled without its wasm: keep it out of the bundle \(esbuild: --external:restis\)/);
});

test("wrangler, with no configuration but a name and an entry, in the real workerd", async () => {
  const root = await project("wrangler");
  await writeFile(join(root, "worker.js"), 'import { main } from "./app.js"; export default { fetch: async () => Response.json(await main()) };');
  await writeFile(join(root, "wrangler.json"), JSON.stringify({ name: "restis", main: "worker.js", compatibility_date: "2026-01-01" }));
  const environment = { ...process.env, WRANGLER_SEND_METRICS: "false", CI: "true" };
  const wrangler = join(here, "node_modules/wrangler/bin/wrangler.js");
  await run(process.execPath, [wrangler, "deploy", "--dry-run", "--outdir", "out"], { cwd: root, env: environment });
  const names = (await readdir(join(root, "out"))).filter((name) => /\.(js|wasm)$/.test(name));
  assert.equal(names.filter((name) => name.endsWith(".wasm")).length, 2);
  const modules = await Promise.all(names.map(async (path) => ({
    type: path.endsWith(".wasm") ? "CompiledWasm" : "ESModule", path, contents: await readFile(join(root, "out", path)),
  })));
  modules.sort((a, b) => (a.type < b.type ? 1 : -1));
  const miniflare = new Miniflare(convertV4MiniflareOptions({ modules, compatibilityDate: "2026-01-01" }));
  try {
    const response = await miniflare.dispatchFetch("http://worker/");
    assert.deepEqual(await response.json(), { found: expected, value: ["loaded"] });
  } finally {
    await miniflare.dispose();
  }
});

test("Vercel's edge runtime, whose bundler gives a compiled module for `?module`", async () => {
  const root = await project("edge");
  const modules = [];
  const asModules = {
    name: "wasm?module",
    setup(build) {
      build.onResolve({ filter: /\.wasm\?module$/ }, ({ path, resolveDir }) => ({ path: join(resolveDir, path.replace("?module", "")), namespace: "module" }));
      build.onLoad({ filter: /.*/, namespace: "module" }, ({ path }) => ({ contents: `export default globalThis.__modules[${modules.push(path) - 1}];` }));
    },
  };
  const { outputFiles } = await esbuild.build({
    absWorkingDir: root, entryPoints: ["app.js"], bundle: true, format: "iife", globalName: "app", write: false,
    conditions: ["edge-light", "worker"], plugins: [asModules], logLevel: "error",
  });
  assert.equal(modules.length, 2);
  const bytes = await Promise.all(modules.map((path) => readFile(path)));
  const runtime = new EdgeVM();
  runtime.context.__bytes = bytes;
  // A module belongs to the realm that compiled it.
  runtime.evaluate("globalThis.__modules = __bytes.map((bytes) => new WebAssembly.Module(bytes))");
  const result = await runtime.evaluate(`${outputFiles[0].text}; app.main().then(JSON.stringify, (error) => String(error.stack))`);
  assert.deepEqual(JSON.parse(result), { found: expected, value: ["loaded"] });
});
