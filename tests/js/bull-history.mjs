// Plays BullMQ's part in the random histories of tests/processes/tests/queue/model: each line in is one step, each line out its result.
// BULLMQ names the package, REDIS the server. A step that BullMQ refuses returns `{ refused }`: the model checks the keys, not the words.

import { play } from "./play.mjs";

const bull = await import(process.env.BULLMQ);
const { FlowProducer, Queue, UnrecoverableError, Worker } = bull.default ?? bull;

const [host, port] = process.env.REDIS.split(":");
const connection = { host, port: Number(port), maxRetriesPerRequest: null };
const queues = new Map();
const workers = new Map();
const taken = new Map();
const flows = new Map();

let prefix;

function queue(name) {
  if (!queues.has(name)) queues.set(name, new Queue(name, { connection, prefix }));
  return queues.get(name);
}

function flow() {
  if (!flows.has(prefix)) flows.set(prefix, new FlowProducer({ connection, prefix }));
  return flows.get(prefix);
}

/** A worker without a processor and without timers: the model decides when it acts. */
function worker(name) {
  if (!workers.has(name)) {
    const made = new Worker(name, null, { connection, prefix, autorun: false, skipStalledCheck: true, lockDuration: 600_000, maxStalledCount: 1 });
    made.on("error", () => {});
    workers.set(name, made);
  }
  return workers.get(name);
}

/** The result of an act that BullMQ may refuse, such as removing a job that is locked. A fault of a script is not a refusal. */
async function act(what) {
  try {
    return { done: (await what()) ?? null };
  } catch (error) {
    if (error?.name === "ReplyError" || /script|WRONGTYPE/i.test(String(error))) throw error;
    return { refused: String(error.message ?? error) };
  }
}

async function job(name, id) {
  const found = await queue(name).getJob(id);
  if (!found) throw new Error("there is no such job");
  return found;
}

await play({
  async open({ names, prefix: given }) {
    prefix = given;
    await Promise.all(names.map((name) => queue(name).waitUntilReady()));
  },
  async close({ names }) {
    for (const name of names) {
      await workers.get(name)?.close();
      await queues.get(name)?.close();
      workers.delete(name);
      queues.delete(name);
    }
    taken.clear();
  },
  bulk: ({ queue: name, jobs }) => act(async () => (await queue(name).addBulk(jobs)).map((one) => one.id)),
  flow: ({ tree }) => act(async () => (await flow().add(tree)).job.id),
  pull: ({ queue: name, token }) => act(async () => {
    const one = await worker(name).getNextJob(token, { block: false });
    if (!one) return null;
    if (one.deferredFailure) {
      await one.moveToFailed(new UnrecoverableError(one.deferredFailure), token, false);
      return { deferred: one.id };
    }
    taken.set(`${name} ${one.id}`, one);
    return { id: one.id };
  }),
  settle: ({ queue: name, job: id, how, token }) => act(async () => {
    const one = taken.get(`${name} ${id}`);
    taken.delete(`${name} ${id}`);
    if (how === "complete") return one.moveToCompleted({ by: "bull" }, token, false);
    if (how === "fail") return one.moveToFailed(new Error("broken"), token, false);
    if (how === "fail for good") return one.moveToFailed(new UnrecoverableError("broken for good"), token, false);
    return one.moveToDelayed(Date.now() + 600_000, token);
  }),
  sweep: ({ queue: name }) => act(async () => {
    await worker(name).moveStalledJobsToWait();
  }),
  remove: ({ queue: name, job: id }) => act(async () => (await job(name, id)).remove()),
  retry: ({ queue: name, job: id, state }) => act(async () => (await job(name, id)).retry(state)),
  promote: ({ queue: name, job: id }) => act(async () => (await job(name, id)).promote()),
  clean: ({ queue: name, state }) => act(() => queue(name).clean(0, 1000, state)),
  drain: ({ queue: name, delayed }) => act(() => queue(name).drain(delayed)),
  obliterate: ({ queue: name }) => act(() => queue(name).obliterate({ force: true })),
  pause: ({ queue: name }) => act(() => queue(name).pause()),
  resume: ({ queue: name }) => act(() => queue(name).resume()),
  log: ({ queue: name, job: id }) => act(async () => (await job(name, id)).log("a line")),
  progress: ({ queue: name, job: id }) => act(async () => (await job(name, id)).updateProgress(50)),
  schedule: ({ queue: name, scheduler, every }) => act(async () => (await queue(name).upsertJobScheduler(scheduler, { every }, { name: "tick", data: {} }))?.id),
  unschedule: ({ queue: name, scheduler }) => act(() => queue(name).removeJobScheduler(scheduler)),
});
process.exit(0);
