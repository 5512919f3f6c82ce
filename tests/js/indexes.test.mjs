// `redis.search` and `redis.vector`: no server here has these commands, so each call goes to a requester that gives a
// recorded reply, and the same through the real @upstash/redis: both send the same words and make the same of the reply.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as upstash from "@upstash/redis";
import * as restis from "restis";
import { mocked, rejection } from "./support.mjs";

const vectors = JSON.parse(readFileSync(new URL("./vectors-indexes.json", import.meta.url), "utf8"));

const schema = { t: "TEXT", n: { type: "U64", fast: true }, o: { k: "KEYWORD" } };
const index = (redis) => redis.search.index({ name: "i" });
const vector = (redis) => redis.vector.index("v");

/** The calls of the recorded vectors. */
const recorded = {
  "search.createIndex": ({ search }) =>
    search.createIndex({ name: "i", dataType: "json", prefix: "p:", language: "english", skipInitialScan: true, existsOk: true, schema }),
  "search.createIndex stream": ({ search }) => search.createIndex({ name: "i", dataType: "stream", stream: "s", schema: { t: "TEXT" } }),
  "search.index.query": (redis) =>
    index(redis).query({
      filter: { t: { $eq: "x" } }, limit: 5, offset: 1, orderBy: { n: "ASC" },
      highlight: { fields: ["t"], preTag: "<b>", postTag: "</b>" }, select: { t: true },
    }),
  "search.index.count": (redis) => index(redis).count({ filter: { t: "x" } }),
  "search.index.aggregate": (redis) => index(redis).aggregate({ aggregations: { a: { $avg: { field: "n" } } } }),
  "search.index.describe": (redis) => index(redis).describe(),
  "search.index.waitIndexing": (redis) => index(redis).waitIndexing(),
  "search.index.drop": (redis) => index(redis).drop(),
  "search.index.addAlias": (redis) => index(redis).addAlias({ alias: "z" }),
  "search.alias.list": ({ search }) => search.alias.list(),
  "search.alias.add": ({ search }) => search.alias.add({ indexName: "i", alias: "z" }),
  "search.alias.delete": ({ search }) => search.alias.delete({ alias: "z" }),
  "vector.createIndex": (redis) => redis.vector.createIndex({ name: "v", dimension: 2, metric: "COSINE", existsOk: true }),
  "vector.add": (redis) => vector(redis).add("1", [0.1, 2]),
  "vector.add f32": (redis) => vector(redis).add("1", Float32Array.of(1, 2)),
  "vector.add b64": (redis) => vector(redis).add("1", { base64: "AACAPw==" }),
  "vector.get": (redis) => vector(redis).get("1"),
  "vector.query": (redis) => vector(redis).query({ vector: [1, 2], topK: 3, profile: "FAST" }),
  "vector.delete": (redis) => vector(redis).delete("1"),
  "vector.count": (redis) => vector(redis).count(),
  "vector.info": (redis) => vector(redis).info(),
  "vector.drop": (redis) => vector(redis).drop(),
};

const texts = (words) => words.map(String);

for (const { method, wire, raw, result } of vectors) {
  test(`${method}, as recorded`, async () => {
    const { redis, requests } = mocked(() => JSON.stringify({ result: raw }));
    const got = await recorded[method](redis);
    assert.deepEqual(JSON.parse(requests[0].text), texts(wire));
    if (result !== "<handle>") assert.deepEqual(got, result);
  });
}

/** A client of either package whose requests are answered with `raw`. */
function answered({ Redis }, raw) {
  const sent = [];
  const redis = new Redis({ request: async ({ body }) => (sent.push(texts(body)), { result: raw }) });
  return { redis, sent };
}

const built = ({ s }) =>
  s.object({
    a: s.string().noTokenize().noStem().from("q"), b: s.number("I64").from("x"), c: s.boolean().fast(), d: s.date().fast().from("z"),
    e: s.keyword(), f: s.facet(), n: s.number(), o: s.object({ deep: s.object({ t: s.string() }) }), literal: "TEXT",
  });

const hits = [["p:1", "1.25", [["t", "x"], ["n", "5"], ["o.k", "007"], ["o.d", "true"]]], ["p:2", "inf"], ["p:3", "0", [["$", '{"a":[1]}']]]];

const calls = [
  [({ search }) => search.createIndex({ name: "i", dataType: "hash", prefix: ["a:", "b:"], schema: { t: { type: "TEXT", noTokenize: true, noStem: true, from: "q" } } }), 1],
  [({ search }, module) => search.createIndex({ name: "i", dataType: "string", prefix: "a:", schema: built(module), existsOk: false }), 1],
  [(redis) => index(redis).query(), hits.slice(1)],
  [(redis) => index(redis).query({ filter: { t: "x" }, select: {} }), hits.slice(1, 2)],
  [(redis) => index(redis).query({ limit: 0, offset: 0, highlight: { fields: ["t", "u"], preTag: "<" }, select: { t: true, n: true } }), hits.slice(0, 1)],
  [(redis) => index(redis).query({ scoreFunc: "n" }), []],
  [(redis) => index(redis).query({ scoreFunc: { field: "n", modifier: "log1p", factor: 2, missing: 1, scoreMode: "replace" } }), []],
  [(redis) => index(redis).query({ scoreFunc: { fields: ["n", { field: "m", modifier: "sqrt", factor: 2, missing: 0 }], combineMode: "sum", scoreMode: "multiply" } }), []],
  [(redis) => index(redis).query({ filter: { d: { $gt: new Date(0) } }, orderBy: { n: "DESC" } }), null],
  [(redis) => index(redis).describe(), null],
  [(redis) => index(redis).describe(), ["name", "i", "type", "STREAM", "prefixes", ["s"], "language", "english", "schema", [["t", "TEXT", "NOSTEM", "NOTOKENIZE", "FROM", "x"], ["n", "U64", "FAST"]], "size", 5]],
  [(redis) => index(redis).count({ filter: {} }), "-1"],
  [
    (redis) => index(redis).aggregate({ filter: { t: "x" }, aggregations: { a: { $terms: { field: "t" } } } }),
    [
      "a", ["buckets", [["key", "x", "docCount", "3", "sub", ["value", "1.5"]], ["key", "7", "docCount", "1"]], "sumOtherDocCount", "0"],
      "s", ["count", "3", "stdDeviationBounds", ["upper", "5", "lower", "1"]], "p", ["values", ["1.0", "2", "5.0", "3"]],
      "f", ["path", "/a", "children", [["path", "/a/b", "docCount", "2"]]], "u", ["values", [["key", "1", "value", "2"]]], "none", [],
      "empty", ["buckets", [], "children", []],
    ],
  ],
  [({ search }) => search.alias.list(), null],
  [(redis) => redis.vector.createIndex({ name: "v", dimension: 3, metric: "DOT" }), 1],
  [(redis) => vector(redis).get("1"), null],
  [(redis) => vector(redis).info(), null],
  [(redis) => vector(redis).query({ vector: Float32Array.of(0.5), topK: 1 }), [["7", "0.5"]]],
];

for (const [call, raw] of calls) {
  test(`${String(call).replace(/^\(.*?\) => /, "")} with ${JSON.stringify(raw)?.slice(0, 60)}`, async () => {
    const [ours, theirs] = [answered(restis, raw), answered(upstash, raw)];
    const got = await call(ours.redis, restis);
    const expected = await call(theirs.redis, upstash);
    assert.deepEqual(ours.sent, theirs.sent);
    // A handle is a class of each package: its name and schema are what a program reads.
    const seen = (value) => (value?.query ? { name: value.name, schema: value.schema } : value);
    assert.equal(JSON.stringify(seen(got)), JSON.stringify(seen(expected)));
  });
}

test("where @upstash/redis throws a TypeError of its own, or reads a list as an object", async () => {
  const empty = answered(restis, null);
  assert.equal(await index(empty.redis).aggregate({ aggregations: {} }), null);
  assert.deepEqual(await vector(empty.redis).query({ vector: [1], topK: 1 }), []);
});

test("handles are of classes that the package exports, and settings of a call hold in them", async () => {
  const { redis } = mocked(() => '{"result":1}');
  assert.ok(index(redis) instanceof restis.SearchIndex);
  assert.ok(vector(redis) instanceof restis.VectorIndex);
  assert.ok((await redis.vector.createIndex({ name: "v", dimension: 1, metric: "DOT" })) instanceof restis.VectorIndex);
  assert.equal(redis.search, redis.search);
  const aborted = redis.with({ signal: AbortSignal.abort(new Error("enough")) });
  assert.equal((await rejection(index(aborted).drop())).message, "enough");
});

test("mistakes are said by the command's name", async () => {
  const { redis, requests } = mocked(() => '{"result":1}');
  const refused = [
    [() => redis.search.createIndex({ name: "i", dataType: "json", prefix: "p:" }), "SEARCH.CREATE: the schema is"],
    [() => redis.search.createIndex({ name: "i", dataType: "json", prefix: "p:", schema: { t: 1 } }), "SEARCH.CREATE: a field is"],
    [() => redis.search.createIndex({ name: "i", dataType: "json", prefix: "p:", schema: { t: { type: "TEXT", nostem: true } } }), "SEARCH.CREATE: there is no option nostem"],
    [() => redis.search.createIndex({ dataType: "json", prefix: "p:", schema: { t: "TEXT" } }), "SEARCH.CREATE: argument 1 is undefined"],
    [() => vector(redis).add("1", "secret"), "VECTOR: a vector is"],
    [() => vector(redis).add(undefined, [1]), "VECTOR.ADD: argument 2 is undefined"],
  ];
  for (const [call, message] of refused) {
    const error = await rejection(call());
    assert.ok(error instanceof TypeError && error.message.startsWith(message), error.message);
    assert.ok(!error.message.includes("secret"));
  }
  assert.equal(requests.length, 0);
});
