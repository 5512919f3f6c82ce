// restis/queue: what it adds the real BullMQ works on, each job once.

import assert from "node:assert/strict";
import net from "node:net";
import { after, before, test } from "node:test";
import { Queue as BullQueue, Worker } from "bullmq";
import { Redis } from "restis";
import { FlowProducer, Queue } from "restis/queue";
import { mocked, rejection, token, url } from "./support.mjs";

const redis = new Redis({ url, token });
const name = `npm-${process.version}-${Date.now()}`;
const queue = new Queue(name, { redis });
let connection;
let bull;

/** The port of the server behind restis-local: the one that is given, or one that it opens. */
async function serverPort() {
  // CONFIG SET would close the port that other tests use meanwhile.
  if (process.env.RESTIS_TEST_REDIS) return Number(new URL(process.env.RESTIS_TEST_REDIS).port);
  const port = await new Promise((found) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => found(port));
    });
  });
  const body = JSON.stringify(["CONFIG", "SET", "port", String(port)]);
  const headers = { authorization: `Bearer ${token}` };
  assert.equal((await fetch(url, { method: "POST", headers, body })).status, 200);
  return port;
}

before(async () => {
  connection = { host: "127.0.0.1", port: await serverPort(), maxRetriesPerRequest: null };
  bull = new BullQueue(name, { connection });
  await bull.waitUntilReady();
});

after(async () => {
  await bull?.obliterate({ force: true });
  await bull?.close();
});

/** Works on so many jobs of a queue, and gives them in their order. */
async function work(count, of = name) {
  const worked = [];
  let done;
  const all = new Promise((resolve) => (done = resolve));
  const worker = new Worker(of, async (job) => job.data?.say ?? null, { connection });
  worker.on("completed", (job) => worked.push(job) === count && done());
  await all;
  await worker.close();
  return worked;
}

test("what is added here is worked on there", async () => {
  const data = { text: "zero\0 grüße 🦀", n: 1.5, list: [1, null], say: "hello" };
  const job = await queue.add("greet", data, { attempts: 2, jobId: "1e5" });
  assert.deepEqual(job, { id: "1e5", name: "greet", data });
  // The same id is the same job.
  assert.equal((await queue.add("greet", {}, { jobId: "1e5" })).id, "1e5");
  const [done] = await work(1);
  assert.deepEqual([done.id, done.data, done.returnvalue, done.opts.attempts], ["1e5", data, "hello", 2]);
});

test("options, bulk, and the order of both", async () => {
  const defaults = new Queue(name, { redis, defaultJobOptions: { attempts: 3, removeOnFail: 5 } });
  await bull.add("theirs", {}, { priority: 5 });
  const jobs = await defaults.addBulk([
    { name: "late", data: 1, opts: { priority: 9, attempts: 7 } },
    { name: "plain", data: undefined },
    { name: "first", data: [], opts: { lifo: true } },
    { name: "soon", data: 2, opts: { priority: 5 } },
  ]);
  assert.equal(new Set(jobs.map((job) => job.id)).size, 4);
  const worked = await work(5);
  assert.deepEqual(worked.map((job) => job.name), ["first", "plain", "theirs", "soon", "late"]);
  assert.deepEqual(worked.map((job) => job.opts.attempts), [3, 3, 0, 3, 7]);
  assert.deepEqual(worked[1].data, {});
  assert.deepEqual(await queue.addBulk([]), []);
});

test("deduplicated with those of BullMQ", async () => {
  const theirs = await bull.add("a", {}, { deduplication: { id: "x" } });
  const ours = await queue.add("a", {}, { deduplication: { id: "x" } });
  assert.equal(ours.id, theirs.id);
  await work(1);
});

test("a tree of jobs, and a child of one that is there", async () => {
  const flows = new FlowProducer({ redis });
  const tree = await flows.add({
    name: "root", queueName: name, data: { say: "all" },
    children: [{ name: "a", queueName: name, data: { say: 1 } }, { name: "b", queueName: name, data: { say: 2 } }],
  });
  assert.equal(await bull.getJobState(tree.job.id), "waiting-children");
  const child = await queue.add("c", { say: 3 }, { parent: { id: tree.job.id, queue: `bull:${name}` } });
  const worked = await work(4);
  assert.equal(worked[3].id, tree.job.id);
  const values = Object.values(await (await bull.getJob(tree.job.id)).getChildrenValues()).sort();
  assert.deepEqual([values, tree.children.length, typeof child.id], [[1, 2, 3], 2, "string"]);
  const orphan = await rejection(queue.add("d", {}, { parent: { id: "nobody", queue: `bull:${name}` } }));
  assert.match(String(orphan), /TypeError: the job's parent is gone/);
});

test("a lost answer is not a second job", async () => {
  await queue.add("warm", {});
  const before = (await bull.getJobCounts()).waiting;
  // The first answer does not come, the second does.
  let lost = 0;
  const unsteady = new Redis({
    url, token, retry: false,
    fetch: async (address, init) => {
      const response = await fetch(address, init);
      if ((lost += 1) > 1) return response;
      throw new TypeError("the connection was lost");
    },
  });
  await new Queue(name, { redis: unsteady }).add("once", {});
  assert.equal(lost, 2);
  assert.equal((await bull.getJobCounts()).waiting, before + 1);
  await work(2);
});

test("a mistake is a TypeError, and nothing is sent", async () => {
  const { redis, requests } = mocked(() => '{"result":[]}');
  const queue = new Queue("a", { redis });
  for (const [opts, words] of [
    [{ priority: -1 }, "the option priority"],
    [{ repeat: { every: 1 } }, "no option repeat"],
    [{ jobId: "7" }, "whole number"],
    [{ sizeLimit: 1 }, "size_limit"],
    [{ failParentOnFailure: true, continueParentOnFailure: true }, "one way"],
  ]) {
    const error = await rejection(queue.add("x", { a: 1 }, opts));
    assert.ok(error instanceof TypeError && error.message.includes(words), String(error));
  }
  const named = await rejection(new Queue("a:b", { redis }).add("x", {}));
  assert.match(String(named), /without colons/);
  assert.throws(() => new Queue("a"), /give it a client/);
  assert.equal(requests.length, 0);
});

test("one request, and 8 billed commands", async () => {
  await queue.add("warm", {});
  const admin = (method) => fetch(`${url}/_local/stats`, { method });
  await admin("DELETE");
  await queue.add("counted", {});
  const { requests, by_command: commands } = await (await admin("GET")).json();
  assert.deepEqual([requests, commands.EVALSHA, commands.XADD, commands.LPUSH], [1, 1, 2, 1]);
  await work(2);
});
