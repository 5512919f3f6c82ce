// What may be the data of the client and of each helper: what JSON would lose is refused with its place, and nothing is sent.

import assert from "node:assert/strict";
import { test } from "node:test";
import vm from "node:vm";
import { FlowProducer as SlimFlow, Queue as SlimQueue } from "restis/queue";
import { Cache, Idempotency, Loaded, Queue, Redis, Sessions } from "restis/helpers";
import { Redis as Upstash } from "@upstash/redis";
import { mocked, rejection, token, url } from "./support.mjs";

const redis = new Redis({ url, token });
const name = () => `data:${crypto.randomUUID()}`;

class Private {
  #name = "ada";
  get name() {
    return this.#name;
  }
}

class User {
  constructor(name) {
    this.name = name;
  }
}

/** What JSON would lose, and the word by which the error names it. */
const LOST = [
  [() => Promise.resolve(1), /promise; await it/],
  [() => ({ then() {} }), /promise; await it/],
  [() => new Map([["a", 1]]), /class (Map|Set)/],
  [() => new Set([1]), /class (Map|Set)/],
  [() => vm.runInNewContext("new Map([[1, 2]])"), /class (Map|Set)/],
  [() => new WeakMap(), /WeakMap/],
  [() => new Error("secret"), /Error/],
  [() => Object.assign(new RangeError("secret"), { code: "E" }), /Error/],
  [() => /secret/, /RegExp/],
  [() => () => 1, /function/],
  [() => class {}, /function/],
  [() => Symbol("secret"), /symbol/],
  [() => new Private(), /Private/],
  [() => new URLSearchParams("secret=1"), /URLSearchParams/],
  [() => new Headers({ secret: "1" }), /Headers/],
  [() => new Response("secret"), /Response/],
  [() => new Blob(["secret"]), /Blob/],
  [() => Uint8Array.of(1, 255), /class Uint8Array/],
  [() => new Float64Array(2), /class Float64Array/],
  [() => new ArrayBuffer(3), /class ArrayBuffer/],
  [() => new DataView(new ArrayBuffer(3)), /class DataView/],
];

/** What JSON writes, and what is read of it. */
const KEPT = [
  [{}, {}],
  [[], []],
  [null, null],
  [{ a: undefined, b: [undefined, NaN] }, { b: [null, null] }],
  [new Date(0), "1970-01-01T00:00:00.000Z"],
  [new Date(NaN), null],
  [{ at: new Date(0) }, { at: "1970-01-01T00:00:00.000Z" }],
  [new URL("https://example.com/"), "https://example.com/"],
  [new User("ada"), { name: "ada" }],
  [Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  [{ toJSON: () => 7 }, 7],
  [Object.assign(new Map(), { toJSON: () => ({ size: 0 }) }), { size: 0 }],
  [vm.runInNewContext("({ a: {}, b: [] })"), { a: {}, b: [] }],
  [[new String("text"), new Number(1), new Boolean(false)], ["text", 1, false]],
  [JSON.parse('{"__proto__":{"a":1}}'), JSON.parse('{"__proto__":{"a":1}}')],
];

/** Each call of a helper that takes data. */
function doors() {
  const cache = new Cache(redis, { namespace: name() });
  const sessions = new Sessions(redis, "a key of thirty-two bytes, or more", { namespace: name() });
  const queue = new Queue(name(), { redis });
  const slim = new SlimQueue(name(), { redis });
  const flow = new SlimFlow({ redis });
  const once = new Idempotency(redis, { namespace: name() });
  return {
    "Cache.set": (value) => cache.set("k", value),
    "Cache.setMany": (value) => cache.setMany({ k: value }),
    "Cache.getOrSet": (value) => cache.getOrSet(name(), () => value),
    "Cache.getOrSet of Loaded": (value) => cache.getOrSet(name(), () => new Loaded(value)),
    "Cache.getOrSetMany": (value) => cache.getOrSetMany(["k1"], () => ({ k1: value })),
    "Cache.update": (value) => cache.update(name(), () => [value]),
    "Sessions.create": (value) => sessions.create("ada", value),
    "Sessions.createAnonymous": (value) => sessions.createAnonymous(value),
    "Sessions.createRefresh": (value) => sessions.createRefresh("ada", value),
    "Queue.updateData": (value) => queue.updateData("1", value),
    "Queue.setProgress": (value) => queue.setProgress("1", value),
    "Queue.add": (value) => slim.add("job", value),
    "FlowProducer.add": (value) => flow.add({ name: "job", queueName: name(), data: value }),
    "Idempotency payload": (value) => once.run(name(), { value }, () => 1),
  };
}

test("helpers refuse what JSON would lose, wherever it is in a value", async () => {
  for (const [door, call] of Object.entries(doors())) {
    for (const [make, words] of LOST) {
      for (const value of [make(), { list: [1, { deep: make() }] }]) {
        // A loader that is a promise of a value, and a thenable, are awaited before.
        if (door === "Cache.getOrSet" && typeof value?.then === "function") continue;
        const error = await rejection(call(value));
        assert.ok(error instanceof TypeError, `${door}: ${error}`);
        assert.match(error.message, words, door);
        if (value?.list) assert.match(error.message, /list\[1\]\.deep/, door);
        assert.ok(!error.message.includes("secret"), error.message);
      }
    }
    const cycle = { a: 1 };
    cycle.cycle = cycle;
    for (const value of [cycle, { price: 1n }]) assert.match((await rejection(call(value))).message, /cannot be written as JSON/, door);
  }
});

test("numbers that JSON has no form for are refused as the data of a helper", async () => {
  const cache = new Cache(redis, { namespace: name() });
  for (const value of [NaN, Infinity, -Infinity]) {
    assert.match((await rejection(cache.set("k", value))).message, /which JSON writes as null/);
  }
});

test("what JSON keeps is read as JSON has it", async () => {
  const cache = new Cache(redis, { namespace: name() });
  const sessions = new Sessions(redis, "a key of thirty-two bytes, or more", { namespace: name() });
  for (const [value, read] of KEPT) {
    await cache.set("k", value);
    assert.deepEqual(await cache.get("k"), read);
    const issued = await sessions.create("ada", value);
    assert.deepEqual((await sessions.validate(issued.token)).data, read);
  }
});

test("values by keys are an object or a Map", async () => {
  const cache = new Cache(redis, { namespace: name() });
  for (const values of [Promise.resolve({ a: 1 }), new Set(["a"]), [["a", 1]], null, "text", 5, new Headers()]) {
    assert.match((await rejection(cache.setMany(values))).message, /neither an object/);
    assert.match((await rejection(cache.getOrSetMany(["a"], () => (values instanceof Promise ? new Set() : values)))).message, /neither an object/);
  }
});

test("the client refuses what the helpers refuse, and sends what @upstash/redis sends of all else", async () => {
  const { redis: ours, requests } = mocked(() => '{"result":"OK"}');
  for (const [make] of LOST) {
    const value = make();
    // Bytes as an argument of their own are text of Redis, if they are text.
    if (!(value instanceof ArrayBuffer || ArrayBuffer.isView(value))) assert.ok((await rejection(ours.set("k", value))) instanceof TypeError);
    const error = await rejection(ours.hset("k", { field: { list: [value] } }));
    assert.ok(error instanceof TypeError);
    assert.match(error.message, /^HSET: argument 3 at list\[0\] /);
  }
  assert.equal(requests.length, 0);
  const theirs = [];
  const upstash = new Upstash({ request: async ({ body }) => (theirs.push(body), { result: "OK" }) });
  for (const [value] of KEPT) {
    await ours.set("k", value);
    await upstash.set("k", value);
    const [sent, expected] = [JSON.parse(requests.at(-1).text)[2], theirs.at(-1)[2]];
    assert.equal(sent, String(expected));
  }
});

test("a serializer of the program decides itself, but a promise is never data", async () => {
  const serialize = (value) => (value instanceof Map ? JSON.stringify([...value]) : JSON.stringify(value));
  const { redis: ours, requests } = mocked(() => '{"result":"OK"}', { serialize });
  await ours.set("k", new Map([["a", 1]]));
  assert.equal(JSON.parse(requests[0].text)[2], '[["a",1]]');
  assert.match((await rejection(ours.set("k", Promise.resolve(1)))).message, /await it first/);
  const { redis: late, requests: none } = mocked(() => '{"result":"OK"}', { serialize: async (value) => JSON.stringify(value) });
  assert.match((await rejection(late.set("k", { a: 1 }))).message, /has to return a string/);
  assert.equal(none.length, 0);
});
