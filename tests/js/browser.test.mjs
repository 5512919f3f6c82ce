// The package in Chromium: a page that imports the default entry as it lies in the package, with no bundler.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import http from "node:http";
import { dirname, extname, join, normalize } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { launch } from "./chromium.mjs";
import { expected } from "./program.mjs";
import { token, url } from "./support.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const types = { ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };

let server;
let browser;
let origin;
/** Files that the server says it does not have. */
const missing = new Set();

before(async () => {
  server = http.createServer(async (request, response) => {
    const path = normalize(new URL(request.url, "http://page").pathname);
    if (path === "/restore") missing.clear();
    if (path === "/") return response.setHeader("content-type", "text/html").end("<!doctype html><title>restis</title>");
    try {
      if (missing.has(path)) throw new Error("taken away by a test");
      const contents = await readFile(join(here, path));
      response.setHeader("content-type", types[extname(path)] ?? "text/plain").end(contents);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  origin = `http://127.0.0.1:${server.address().port}`;
  browser = await launch();
});

after(async () => {
  await browser?.close();
  server?.closeAllConnections();
  server?.close();
});

/** Runs this function in a new page that has imported the package. */
async function inPage(run, argument) {
  const page = await browser.newPage();
  const requests = [];
  page.on("request", (request) => requests.push(`${request.method()} ${request.url()}`));
  await page.goto(origin);
  const result = await page.evaluate(
    async ([source, argument]) => {
      const restis = await import("/node_modules/restis/web.js");
      const { program } = await import("/program.mjs");
      return await (0, eval)(`(${source})`)(restis, argument, program);
    },
    [run.toString(), argument],
  );
  await page.close();
  return { result, requests };
}

test("the small program", async () => {
  const { result } = await inPage((restis, options, program) => program(restis, options), { url, token, prefix: "chromium" });
  assert.deepEqual(result, expected);
});

test("the module is fetched by the first command, once, and a turn is one request", async () => {
  const { result, requests } = await inPage(
    async (restis, { url, token }) => {
      const redis = new restis.Redis({ url, token });
      return [...(await Promise.all([redis.echo("a"), redis.echo("b")])), await redis.echo("c")];
    },
    { url, token },
  );
  assert.deepEqual(result, ["a", "b", "c"]);
  assert.equal(requests.filter((request) => request.endsWith(".wasm")).length, 1);
  assert.deepEqual(requests.filter((request) => request.startsWith("POST")), [`POST ${url}/pipeline`, `POST ${url}/`]);
});

test("before the module is there the first command reports a bad URL, after init() the constructor does", async () => {
  const { result } = await inPage(async (restis) => {
    const bad = { url: "rediss://a.example", token: "t" };
    const first = await new restis.Redis(bad).ping().catch((error) => [error.name, error instanceof restis.ConfigError]);
    await restis.init();
    try {
      return [first, new restis.Redis(bad)];
    } catch (error) {
      return [first, error.name];
    }
  });
  assert.deepEqual(result, [["ConfigError", true], "ConfigError"]);
});

test("a module that does not come is a ConnectError, and the next command tries again", async () => {
  const wasm = "/node_modules/restis/wasm/restis_bg.wasm";
  missing.add(wasm);
  const { result } = await inPage(
    async (restis, { url, token, origin }) => {
      const redis = new restis.Redis({ url, token });
      const failed = await redis.ping().catch((error) => [error.name, error.retryable, error.cause instanceof Error]);
      await fetch(`${origin}/restore`);
      return [failed, await redis.ping()];
    },
    { url, token, origin },
  ).finally(() => missing.clear());
  assert.deepEqual(result, [["ConnectError", true, true], "PONG"]);
});

test("a job is added, by a module that is fetched by the first one", async () => {
  const { result, requests } = await inPage(
    async (restis, { url, token }) => {
      const { Queue } = await import("/node_modules/restis/queue-web.js");
      const redis = new restis.Redis({ url, token });
      const queue = new Queue("chromium", { redis });
      const jobs = await Promise.all([queue.add("a", { text: "grüße" }), queue.add("b", 1)]);
      const data = await redis.hget(`bull:chromium:${jobs[0].id}`, "data");
      return [jobs.map((job) => job.name), data, await redis.del("bull:chromium:wait")];
    },
    { url, token },
  );
  assert.deepEqual(result, [["a", "b"], { text: "grüße" }, 1]);
  assert.equal(requests.filter((request) => request.endsWith("queue_bg.wasm")).length, 1);
});
