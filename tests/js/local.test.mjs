// What pages of other sites can do with a restis-local on the developer's machine, in Chromium: nothing, as the server counts.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { launch } from "./chromium.mjs";

const binary = process.env.RESTIS_LOCAL;
const redis = process.env.RESTIS_TEST_REDIS;
if (!binary || !redis) throw new Error("set RESTIS_LOCAL to the program restis-local, and RESTIS_TEST_REDIS");
const token = "known-to-the-page";
const started = [];

/** Starts a restis-local that accepts the token in URLs, so that nothing but its door stops a page. */
async function start(...options) {
  const program = spawn(binary, ["--port", "0", "--redis", redis, "--token", token, "--token-in-url", ...options]);
  started.push(program);
  for await (const line of createInterface({ input: program.stdout })) {
    const url = /URL="(.*)"/.exec(line)?.[1];
    if (url) return url;
  }
  throw new Error("restis-local did not start");
}

/** A command of a program, which is not a page; undefined where a forged fault answers. */
async function run(url, ...command) {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(command) });
  return response.ok ? (await response.json()).result : undefined;
}

let browser;
let pages;
before(async () => {
  pages = http.createServer((_, response) => response.setHeader("content-type", "text/html").end("<!doctype html><body>"));
  await once(pages.listen(0, "127.0.0.1"), "listening");
  browser = await launch();
});

after(async () => {
  await browser?.close();
  pages?.closeAllConnections();
  pages?.close();
  for (const program of started) program.kill();
});

/** Everything a page can send without a header of its own; each resolves when the browser is done with it. */
const attacks = {
  "no-cors fetch": (url, token, key) =>
    fetch(`${url}/pipeline?_token=${token}`, { method: "POST", mode: "no-cors", body: JSON.stringify([["INCR", key]]) }).catch(() => {}),
  "cors fetch": (url, token, key) =>
    fetch(`${url}/`, { method: "POST", headers: { authorization: `Bearer ${token}` }, body: JSON.stringify(["INCR", key]) }).catch(() => {}),
  "simple fetch": (url, token, key) => fetch(`${url}/incr/${key}?_token=${token}`).catch(() => {}),
  beacon: async (url, token, key) => {
    navigator.sendBeacon(`${url}/pipeline?_token=${token}`, JSON.stringify([["INCR", key]]));
  },
  image: (url, token, key) =>
    new Promise((done) => {
      const image = new Image();
      image.onload = image.onerror = done;
      image.src = `${url}/incr/${key}?_token=${token}`;
    }),
  script: (url, token, key) =>
    new Promise((done) => {
      const script = document.createElement("script");
      script.onload = script.onerror = done;
      script.src = `${url}/incr/${key}?_token=${token}`;
      document.body.append(script);
    }),
  "event source": (url, token, key) =>
    new Promise((done) => {
      const source = new EventSource(`${url}/incr/${key}?_token=${token}`);
      source.onopen = source.onerror = () => done(source.close());
    }),
  frame: (url, token, key) =>
    new Promise((done) => {
      const frame = document.createElement("iframe");
      frame.onload = frame.onerror = done;
      frame.src = `${url}/incr/${key}?_token=${token}`;
      document.body.append(frame);
    }),
  "text/plain form": (url, token, key) =>
    new Promise((done) => {
      const frame = document.createElement("iframe");
      frame.name = "answer";
      document.body.append(frame);
      frame.onload = done;
      const form = document.createElement("form");
      form.action = `${url}/pipeline?_token=${token}`;
      form.method = "post";
      form.enctype = "text/plain";
      form.target = "answer";
      const input = document.createElement("input");
      // A form in text/plain writes name=value: the sign is hidden in a string.
      input.name = `[["INCR","${key}"],["ECHO","`;
      input.value = `"]]`;
      form.append(input);
      document.body.append(form);
      form.submit();
    }),
  "forged faults": (url, token) =>
    fetch(`${url}/_local/faults?_token=${token}`, { method: "POST", mode: "no-cors", body: JSON.stringify({ kind: "html" }) }).catch(() => {}),
};

/** Makes every attack from a page of this origin, then navigates; which ones reached the server. */
async function attack(url, origin) {
  const page = await browser.newPage();
  const arrived = [];
  for (const [name, run_] of Object.entries(attacks)) {
    const key = `attack:${Math.random()}`;
    await page.goto(origin);
    const answered = page.waitForEvent("requestfinished", { predicate: (request) => request.url().startsWith(url), timeout: 5_000 });
    // A preflight that is refused ends a request without an answer.
    const ended = answered.catch(() => {});
    await page.evaluate(([source, ...given]) => (0, eval)(`(${source})`)(...given), [run_.toString(), url, token, key]);
    if (name === "beacon") await ended;
    const result = await run(url, "GET", key);
    if (name === "forged faults" ? result === undefined : Number(result) > 0) arrived.push(name);
  }
  const key = `attack:${Math.random()}`;
  await page.goto(origin);
  await page.evaluate((target) => void (location.href = target), `${url}/incr/${key}?_token=${token}`);
  await page.waitForURL(`${url}/**`);
  if (Number(await run(url, "GET", key)) > 0) arrived.push("navigation");
  await page.close();
  return arrived;
}

test("a page of another port, and of another site, runs nothing", async () => {
  const url = await start();
  const { port } = pages.address();
  for (const origin of [`http://127.0.0.1:${port}`, `http://localhost:${port}`]) {
    assert.deepEqual(await attack(url, origin), [], origin);
  }
});

test("the same attacks run where every page is let in", async () => {
  const url = await start("--allow-origin", "*");
  const arrived = await attack(url, `http://127.0.0.1:${pages.address().port}`);
  for (const name of ["no-cors fetch", "cors fetch", "simple fetch", "image", "script", "frame", "text/plain form", "forged faults", "navigation"]) {
    assert.ok(arrived.includes(name), `${name} of ${arrived}`);
  }
});

test("a page of an allowed origin reads answers, and another does not", async () => {
  const { port } = pages.address();
  const url = await start("--allow-origin", `http://localhost:${port}`);
  for (const [origin, expected] of [
    [`http://localhost:${port}`, "PONG"],
    [`http://127.0.0.1:${port}`, "TypeError"],
  ]) {
    const page = await browser.newPage();
    await page.goto(origin);
    const answer = await page.evaluate(
      ([url, token]) =>
        fetch(url, { method: "POST", headers: { authorization: `Bearer ${token}` }, body: '["PING"]' })
          .then((response) => response.json())
          .then(({ result }) => result, (error) => error.name),
      [url, token],
    );
    assert.equal(answer, expected, origin);
    await page.close();
  }
});
