// Drives the real @upstash/redis for tests/vectors: each line in is a call, each line out what came of it.
//
// In:  {"together":false,"method":"json.get","args":["k"]}, for BITFIELD with a "chain" of [method, ...args];
//      {"methods":true} asks which commands the client has.
// Out: {"result":…} or {"error":"…"}, with the "answers" of the server as they came; or {"methods":[…]}.

import { createInterface } from "node:readline";
import { Redis } from "@upstash/redis";

const url = process.env.UPSTASH_REDIS_REST_URL;
const token = process.env.UPSTASH_REDIS_REST_TOKEN;

let answers = [];
const { fetch } = globalThis;
globalThis.fetch = async (address, init) => {
  const response = await fetch(address, init);
  const base64 = new Headers(init.headers).get("upstash-encoding") === "base64";
  answers.push({ text: await response.clone().text(), base64 });
  return response;
};

const client = (enableAutoPipelining) =>
  new Redis({ url, token, enableAutoPipelining, enableTelemetry: false, retry: { retries: 0 } });
const clients = { false: client(false), true: client(true) };

/** The commands of a pipeline are all there are, but for what a pipeline is made of. */
function methods() {
  const pipeline = clients.false.pipeline();
  const own = ["client", "commands", "commandOptions", "multiExec", "exec"];
  const names = (object) => Object.keys(object).filter((name) => typeof object[name] === "function");
  return [
    ...names(pipeline).filter((name) => !own.includes(name)),
    ...names(pipeline.json).map((name) => `json.${name}`),
    ...names(pipeline.functions).map((name) => `functions.${name}`),
  ];
}

async function call({ together, method, args, chain }) {
  const path = method.split(".");
  const name = path.pop();
  const target = path.reduce((object, part) => object[part], clients[together]);
  if (!chain) return target[name](...args);
  let command = target[name](...args);
  // With automatic pipelining it is no chain but a promise, of which something may come later.
  if (command instanceof Promise) {
    await command.catch(() => {});
    throw new TypeError(`${method}(…) cannot be chained`);
  }
  for (const [step, ...given] of chain) command = command[step](...given);
  return command.exec();
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  let told;
  if (asked.methods) {
    told = { methods: methods() };
  } else {
    answers = [];
    try {
      told = { result: (await call(asked)) ?? null, answers };
    } catch (error) {
      told = { error: String(error.message), answers };
    }
  }
  process.stdout.write(`${JSON.stringify(told)}\n`);
}
