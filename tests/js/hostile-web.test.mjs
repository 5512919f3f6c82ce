// A hostile server, as in hostile.test.mjs, to the package in workerd and in Chromium.

import assert from "node:assert/strict";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import http from "node:http";
import { dirname, extname, join, normalize } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { launch } from "./chromium.mjs";
import { startLiar } from "./liar.mjs";

const here = dirname(fileURLToPath(import.meta.url));

let lies;
let liar;
let count;
before(async () => {
  lies = await startLiar();
  ({ liar, count } = lies);
});
after(() => lies?.stop());

/** So many lies at a time, since a request to a Worker and a call to a page have limits of their own. */
async function inParts(part) {
  const all = { wrong: [], values: 0, errors: 0 };
  for (let from = 0; from < count; from += 25) {
    const { wrong, values, errors } = await part(from, Math.min(from + 25, count));
    all.wrong.push(...wrong);
    all.values += values;
    all.errors += errors;
  }
  await lies.isRight(all);
}

const worker = `
import * as restis from "restis";
import { hostile } from "./hostile.mjs";

export default {
  async fetch(request) {
    const { searchParams } = new URL(request.url);
    return Response.json(await hostile(restis, searchParams.get("liar"), Number(searchParams.get("from")), Number(searchParams.get("to"))));
  },
};`;

test("in workerd", async () => {
  const folder = await mkdtemp(join(here, "hostile-"));
  try {
    await build({
      stdin: { contents: worker, resolveDir: here }, bundle: true, format: "esm", conditions: ["workerd", "worker", "browser"],
      outdir: folder, entryNames: "worker", assetNames: "[name]", loader: { ".wasm": "copy" }, logLevel: "warning",
    });
    const contents = (name) => readFile(join(folder, name));
    const wasm = (await readdir(folder)).filter((name) => name.endsWith(".wasm"));
    const miniflare = new Miniflare(convertV4MiniflareOptions({
      modules: [
        { type: "ESModule", path: "worker.js", contents: await contents("worker.js") },
        ...(await Promise.all(wasm.map(async (path) => ({ type: "CompiledWasm", path, contents: await contents(path) })))),
      ],
      compatibilityDate: "2026-01-01",
    }));
    try {
      await miniflare.ready;
      await inParts(async (from, to) => {
        const response = await miniflare.dispatchFetch(`http://worker/?liar=${encodeURIComponent(liar)}&from=${from}&to=${to}`);
        const text = await response.text();
        assert.equal(response.status, 200, text);
        return JSON.parse(text);
      });
    } finally {
      await miniflare.dispose();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("in Chromium", async () => {
  const types = { ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };
  const pages = http.createServer(async (request, response) => {
    const path = normalize(new URL(request.url, "http://page").pathname);
    if (path === "/") return response.setHeader("content-type", "text/html").end("<!doctype html><title>restis</title>");
    const contents = await readFile(join(here, path)).catch(() => undefined);
    if (contents === undefined) return response.writeHead(404).end();
    return response.setHeader("content-type", types[extname(path)] ?? "text/plain").end(contents);
  });
  await new Promise((listening) => pages.listen(0, "127.0.0.1", listening));
  const browser = await launch();
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${pages.address().port}`);
    // Chromium keeps a connection on which a head comes for ever, also when the request is given up: with six of them no other request goes
    // to that server. The client cannot close them.
    const endless = [
      "fields without an end", "one field without an end", "a status line without an end", "informational answers without an end",
      "continue without an end", "line ends", "noise", "a head, byte by byte", "fields, one by one",
    ];
    const without = endless.map((name) => lies.names.indexOf(`flood: ${name}`));
    assert.ok(!without.includes(-1));
    await inParts((from, to) =>
      page.evaluate(
        async ([liar, from, to, without]) => {
          const restis = await import("/node_modules/restis/web.js");
          const { hostile } = await import("/hostile.mjs");
          return hostile(restis, liar, from, to, without);
        },
        [liar, from, to, without],
      ),
    );
  } finally {
    await browser.close();
    pages.closeAllConnections();
    pages.close();
  }
});
