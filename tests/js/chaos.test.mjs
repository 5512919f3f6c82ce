// Chaos in front of the package: a server that is killed and paused, connections that are reset at any byte. Each call appends a number of its own
// to a list, which is counted at the end: nothing acknowledged is lost, nothing ran twice, and nothing that was reported as not run is there.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis, RedisError } from "restis";

const { RESTIS_LOCAL: door, RESTIS_SERVER: binary } = process.env;
if (!door || !binary) throw new Error("set RESTIS_LOCAL to the program restis-local, and RESTIS_SERVER to a valkey-server");
const CALLS = Number(process.env.RESTIS_CHAOS_CALLS ?? 3000);

const cleanups = [];
after(async () => {
  for (const clean of cleanups.reverse()) await clean();
});

const listening = (server) => new Promise((done) => server.listen(0, "127.0.0.1", () => done(server.address().port)));

async function freePort() {
  const server = net.createServer();
  const port = await listening(server);
  await new Promise((closed) => server.close(closed));
  return port;
}

/** A server that writes to the disk before it replies, and that can be killed and started again. */
async function startServer(folder) {
  const port = await freePort();
  let child;
  const start = () => {
    const words = ["--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "yes", "--appendfsync", "always", "--dir", folder];
    child = spawn(binary, words.map(String), { stdio: "ignore" });
  };
  const answers = () =>
    new Promise((done) => {
      const socket = net.connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
      socket.once("data", (data) => (socket.destroy(), done(data.toString().startsWith("+PONG"))));
      socket.once("error", () => done(false));
      socket.once("close", () => done(false));
    });
  const untilItAnswers = async () => {
    for (let tries = 0; tries < 3000; tries += 1) {
      if (child.exitCode !== null || child.signalCode !== null) start();
      if (await answers()) return;
      await sleep(20);
    }
    throw new Error("the server does not come back");
  };
  start();
  cleanups.push(() => child.kill("SIGKILL"));
  await untilItAnswers();
  return { port, signal: (signal) => child.kill(signal), untilItAnswers };
}

/** A port before another, where some connections are reset after some bytes. */
async function resetting(to, state) {
  const server = net.createServer((outside) => {
    const inside = net.connect(to, "127.0.0.1");
    let left = [Math.random() * 3000, Math.random() * 100_000, Infinity][Math.floor(Math.random() * 3)];
    const reset = () => {
      outside.resetAndDestroy();
      inside.resetAndDestroy();
    };
    const pass = (from, into) => {
      from.on("data", (data) => {
        if (state.on && data.length > left) {
          state.resets += 1;
          into.write(data.subarray(0, left), reset);
          from.pause();
          return;
        }
        left -= data.length;
        into.write(data);
      });
      from.on("error", () => into.destroy());
      from.on("close", () => into.destroy());
    };
    pass(outside, inside);
    pass(inside, outside);
  });
  const port = await listening(server);
  cleanups.push(() => server.close());
  return port;
}

test("nothing is lost, doubled or phantom", async () => {
  const folder = await mkdtemp(join(tmpdir(), "restis-chaos-"));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  const server = await startServer(folder);
  const local = spawn(door, ["--port", "0", "--token", "chaos", "--redis", `redis://127.0.0.1:${server.port}`, "--reply-timeout", "1"], { stdio: ["ignore", "pipe", "ignore"] });
  cleanups.push(() => local.kill("SIGKILL"));
  let url;
  for await (const line of createInterface({ input: local.stdout })) {
    url = /UPSTASH_REDIS_REST_URL="(.*)"/.exec(line)?.[1];
    if (url) break;
  }
  const state = { on: true, resets: 0 };
  const before = await resetting(Number(new URL(url).port), state);
  const client = (options) =>
    new Redis({ url: `http://127.0.0.1:${before}`, token: "chaos", timeout: 3000, attemptTimeout: 1000, retry: { retries: 4, baseDelay: 5, maxDelay: 100 }, ...options });
  const reported = [];
  let next = 0;
  const worker = async (redis) => {
    while (next < CALLS) {
      const id = next++;
      try {
        await redis.rpush("log", id);
        reported[id] = "done";
      } catch (error) {
        if (!(error instanceof RedisError)) throw error;
        reported[id] = error.ambiguous ? "unknown" : "not run";
      }
    }
  };
  const clients = [client({}), client({ enableAutoPipelining: false })];
  let running = true;
  const work = Promise.all(Array.from({ length: 16 }, (_, n) => worker(clients[n % 2]))).finally(() => (running = false));
  let [kills, pauses] = [0, 0];
  while (running) {
    await sleep(100 + Math.random() * 300);
    if (Math.random() < 0.4) {
      kills += 1;
      server.signal("SIGKILL");
      await sleep(Math.random() * 200);
    } else {
      pauses += 1;
      server.signal("SIGSTOP");
      await sleep(Math.random() * 1500);
      server.signal("SIGCONT");
    }
    await server.untilItAnswers();
  }
  await work;
  state.on = false;
  await server.untilItAnswers();
  const times = new Map();
  const clean = new Redis({ url, token: "chaos" });
  for (const id of await clean.lrange("log", 0, -1)) times.set(id, (times.get(id) ?? 0) + 1);
  const having = (wanted) => reported.flatMap((what, id) => (wanted(what, times.get(id) ?? 0) ? [id] : []));
  const found = {
    lost: having((what, times) => what === "done" && times === 0),
    doubled: having((_, times) => times > 1),
    phantom: having((what, times) => what === "not run" && times > 0),
  };
  const done = reported.filter((what) => what === "done").length;
  console.log(`${CALLS} calls, ${done} done; ${kills} kills, ${pauses} pauses, ${state.resets} resets`);
  assert.deepEqual(found, { lost: [], doubled: [], phantom: [] });
  assert.ok(reported.length === CALLS && done > 0);
});
