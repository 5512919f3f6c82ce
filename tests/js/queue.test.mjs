// restis/queue: what it adds the real BullMQ works on, each job once.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Queue as BullQueue, Worker } from "bullmq";
import { Redis } from "restis";
import { FlowProducer as HelpersFlow, Queue as HelpersQueue, Redis as HelpersRedis } from "restis/helpers";
import { FlowProducer, Queue } from "restis/queue";
import { mocked, rejection, token, url } from "./support.mjs";

const redis = new Redis({ url, token });
const name = `npm-${process.version}-${Date.now()}`;
const queue = new Queue(name, { redis });
let connection;
let bull;

const tcp = process.env.RESTIS_TEST_REDIS;
if (!tcp) throw new Error("set RESTIS_TEST_REDIS to the redis:// URL of the server behind RESTIS_TEST_URL");

before(async () => {
  connection = { host: "127.0.0.1", port: Number(new URL(tcp).port), maxRetriesPerRequest: null };
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
  const headers = { authorization: `Bearer ${token}` };
  const admin = (method) => fetch(`${url}/_local/stats`, { method, headers });
  await admin("DELETE");
  await queue.add("counted", {});
  const { requests, by_command: commands } = await (await admin("GET")).json();
  assert.deepEqual([requests, commands.EVALSHA, commands.XADD, commands.LPUSH], [1, 1, 2, 1]);
  await work(2);
});

/** Each door by which jobs are added, as a call that gets the options of a job; what it adds is below `prefix`. */
function doors(prefix) {
  const both = { light: [Queue, FlowProducer, redis], helpers: [HelpersQueue, HelpersFlow, new HelpersRedis({ url, token })] };
  return Object.entries(both).flatMap(([module, [Jobs, Flows, redis]]) => {
    const jobs = (options) => new Jobs("jobs", { redis, prefix, ...options });
    const flows = new Flows({ redis, prefix });
    const node = (name, rest) => ({ name, queueName: "jobs", ...rest });
    return Object.entries({
      add: (opts) => jobs().add("a", {}, opts),
      addBulk: (opts) => jobs().addBulk([{ name: "right" }, { name: "a", opts }]),
      defaultJobOptions: (opts) => jobs({ defaultJobOptions: opts }).add("a", {}),
      "the root of a flow": (opts) => flows.add(node("root", { opts, children: [node("right")] })),
      "a child of a flow": (opts) => flows.add(node("root", { children: [node("right"), node("child", { opts })] })),
    }).map(([door, call]) => [`${module}, ${door}`, call]);
  });
}

/** Every key below a prefix. */
const below = (prefix) => redis.keys(`${prefix}:*`);

const wrong = (name, values) => values.map((value) => [name, value]);
const NO_NUMBER = [NaN, Infinity, -Infinity, -1, null, "5", "soon", true, {}, [5], 5n, () => 5];
const IMPOSSIBLE = [
  ...["delay", "priority", "attempts", "sizeLimit", "timestamp", "keepLogs", "stackTraceLimit"].flatMap((name) => wrong(name, NO_NUMBER)),
  ...["priority", "attempts", "sizeLimit", "timestamp", "keepLogs", "stackTraceLimit"].flatMap((name) => wrong(name, [1.5])),
  ...wrong("attempts", [2 ** 32]), ...wrong("priority", [2_097_152, 2 ** 32]), ...wrong("timestamp", [2 ** 53]),
  ...wrong("backoff", NO_NUMBER),
  ...NO_NUMBER.flatMap((delay) => wrong("backoff", [{ type: "fixed", delay }])),
  ...[...NO_NUMBER, 1.5].flatMap((jitter) => wrong("backoff", [{ type: "fixed", delay: 1, jitter }])),
  ...["removeOnComplete", "removeOnFail"].flatMap((name) => [
    ...wrong(name, [NaN, Infinity, -Infinity, -2, 1.5, null, "5", [5], 5n]),
    ...[NaN, Infinity, -2, 1.5, null, "5", {}, 5n].flatMap((number) => wrong(name, [{ age: number }, { count: number }, { age: 1, limit: number }])),
  ]),
  ...wrong("lifo", [NaN, "yes", 1]), ...wrong("jobId", [NaN, 5, {}]), ...wrong("parent", [NaN, "p", { id: "p" }, { id: NaN, queue: "bull:q" }]),
];

test("an option that is no value of its kind is refused by its name at every door, and nothing is added", async () => {
  const prefix = `wrong-${crypto.randomUUID()}`;
  for (const [door, call] of doors(prefix)) {
    for (const [name, value] of IMPOSSIBLE) {
      const error = await rejection(call({ [name]: value }));
      assert.ok(error instanceof TypeError && new RegExp(`\\b${name}\\b`).test(error.message), `${door}: ${name}: ${String(error)}`);
    }
    // A job of a flow has no deduplication at all.
    for (const ttl of door.includes("flow") ? [] : NO_NUMBER) {
      const error = await rejection(call({ deduplication: { id: "x", ttl } }));
      assert.ok(error instanceof TypeError && error.message.includes("deduplication.ttl"), `${door}: ${String(error)}`);
    }
    for (const opts of ["attempts", 5, true, [{ attempts: 5 }]]) assert.match((await rejection(call(opts))).message, /the options of a job are an object/, door);
  }
  assert.deepEqual(await below(prefix), []);
});

test("an id that is a key of the queue is refused at every door, and nothing is added", async () => {
  const prefix = `own-${crypto.randomUUID()}`;
  const own = [
    "meta", "id", "wait", "paused", "active", "prioritized", "pc", "delayed", "completed", "failed", "waiting-children", "marker", "events",
    "stalled", "stalled-check", "limiter", "repeat", "metrics", "de", "dn", "repeat:a:1", "de:a:b", "dn:a:b", "metrics:completed:data",
  ];
  for (const [door, call] of doors(prefix)) {
    if (door.includes("default")) continue;
    for (const jobId of own) {
      const error = await rejection(call({ jobId }));
      assert.ok(error instanceof TypeError && /own keys/.test(error.message), `${door}: ${jobId}: ${String(error)}`);
    }
  }
  assert.deepEqual(await below(prefix), []);
});

test("a prefix and the children of a job are what they have to be", async () => {
  const flows = new FlowProducer({ redis });
  for (const prefix of [5, null, {}, ["a"], true]) {
    for (const make of [() => new Queue("q", { redis, prefix }), () => new HelpersQueue("q", { redis: new HelpersRedis({ url, token }), prefix }), () => new FlowProducer({ redis, prefix })]) {
      assert.throws(make, /the prefix is not text/);
    }
    if (prefix !== null) assert.match((await rejection(flows.add({ name: "a", queueName: "q", prefix }))).message, /the prefix is not text/);
  }
  for (const children of [5, "abc", {}]) assert.match((await rejection(flows.add({ name: "a", queueName: "q", children }))).message, /the children of a job are not an array/);
  for (const data of [NaN, Infinity]) assert.match((await rejection(queue.add("a", data))).message, /which JSON writes as null/);
});

test("numbers at their ends are taken, and the job is worked on", async () => {
  const most = { attempts: 2 ** 32 - 1, priority: 2_097_151, backoff: { type: "fixed", delay: 1e300, jitter: 1 }, removeOnComplete: { age: 2 ** 52, count: 2 ** 52 }, keepLogs: 2 ** 53 - 1, stackTraceLimit: 2 ** 53 - 1, sizeLimit: 2 ** 31 };
  const least = { attempts: 0, priority: 0, delay: 0.5, backoff: 0, removeOnComplete: -1, removeOnFail: 0, keepLogs: 0, stackTraceLimit: 0, timestamp: 0 };
  await queue.addBulk([{ name: "least", opts: least }, { name: "most", opts: most }]);
  assert.deepEqual((await work(2)).map((job) => job.name), ["least", "most"]);
});

test("the stacks of a failed job are stored as BullMQ's worker stores them", async () => {
  const jobs = new HelpersQueue(`stacks-${crypto.randomUUID()}`, { redis: new HelpersRedis({ url, token }) });
  const fails = ({ attemptsMade }) => {
    throw new RangeError(`attempt ${attemptsMade}\nof two`);
  };
  const ours = await jobs.add("ours", {}, { attempts: 2 });
  await jobs.consumer().runUntil(60_000, fails);
  const theirs = await jobs.add("theirs", {}, { attempts: 2 });
  const worker = new Worker(jobs.name, async (job) => fails(job), { connection });
  await new Promise((resolve) => worker.on("failed", (job) => job.attemptsMade === 2 && resolve()));
  await worker.close();
  // The same but for the lines of the caller of the handler.
  const heads = async ({ id }) => (await jobs.job(id)).stacktrace.map((stack) => stack.split("\n").slice(0, 3));
  const found = await heads(ours);
  assert.deepEqual(found, await heads(theirs));
  assert.deepEqual(found.map((lines) => lines.slice(0, 2)), [["RangeError: attempt 0", "of two"], ["RangeError: attempt 1", "of two"]]);
  assert.match(found[0][2], /^ +at fails /);
  await jobs.pause();
  await jobs.obliterate({ force: true });
});
