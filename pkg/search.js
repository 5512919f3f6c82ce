// Full-text and vector indexes of Upstash: `redis.search` and `redis.vector`. Their answers are read whatever the client does.

import { base64, decode, named, put } from "./text.js";
import { clause, counted, list, options, record } from "./words.js";

/** The fields of a schema by their paths: what has a type is a field, all else an object of fields. */
function fields(schema, path = "") {
  return Object.entries(record("SEARCH.CREATE", schema, "the schema is { field: type }")).flatMap(([name, field]) => {
    const given = typeof field === "string" ? { type: field } : record("SEARCH.CREATE", field, "a field is a type or { type }");
    if (typeof given.type !== "string") return fields(given, `${path}${name}.`);
    const { type, fast = type.endsWith("64"), ...more } = given;
    return [path + name, type, ...options("SEARCH.CREATE", { ...more, fast }, { noTokenize: 0, noStem: 0, fast: 0, from: 1 })];
  });
}

/** By which fields hits are ranked. */
function score(given) {
  const ranked = typeof given === "string" ? { field: given } : given;
  const upper = (word, value) => clause(word, value?.toUpperCase());
  return [
    "SCOREFUNC", ...upper("COMBINEMODE", ranked.combineMode), ...upper("SCOREMODE", ranked.scoreMode),
    ...(ranked.fields ?? [ranked]).flatMap((one) => {
      const { field, modifier, factor, missing } = typeof one === "string" ? { field: one } : one;
      return ["FIELDVALUE", field, ...upper("MODIFIER", modifier), ...clause("FACTOR", factor), ...clause("MISSING", missing)];
    }),
  ];
}

/** What came of a document: all of it under `$`, or fields by their paths. */
function document(found) {
  if (found.length === 1 && found[0][0] === "$") return decode(found[0][1]);
  const data = {};
  for (const [path, value] of found) {
    const names = String(path).split(".");
    const last = names.pop();
    let at = data;
    for (const name of names) {
      if (!Object.hasOwn(at, name)) put(at, name, {});
      at = at[name];
    }
    put(at, last, decode(value));
  }
  return data;
}

const hit = ([key, score, found]) => ({ key, score: Number(score), ...(found && { data: document(found) }) });

/** Aggregations: a list of lists is a list, any other one is names and values. */
function tree(reply, name) {
  if (!Array.isArray(reply)) return decode(reply);
  const isList = reply.length > 0 ? reply.every(Array.isArray) : name === "buckets" || name === "children";
  return isList ? reply.map((one) => tree(one)) : named(reply, tree);
}

const FLAGS = { NOSTEM: "noStem", NOTOKENIZE: "noTokenize", FAST: "fast" };

function description(reply) {
  const { name, type, prefixes, language, schema } = named(reply);
  const described = {};
  for (const [path, type, ...words] of schema) {
    const field = { type };
    while (words.length > 0) {
      const word = words.shift();
      if (word === "FROM") field.from = words.shift();
      else if (FLAGS[word]) field[FLAGS[word]] = true;
    }
    put(described, path, field);
  }
  return { name, dataType: type.toLowerCase(), prefixes, ...(language && { language }), schema: described };
}

export class SearchIndex {
  #run;
  #alias;

  constructor({ name, schema }, run) {
    this.name = name;
    if (schema !== undefined) this.schema = schema;
    this.#run = (command, ...more) => run([`SEARCH.${command}`, name, ...more]);
    this.#alias = aliases(run);
  }

  async query({ filter = {}, limit, offset, orderBy, scoreFunc, highlight, select } = {}) {
    const words = [JSON.stringify(filter)];
    const chosen = select && Object.keys(select);
    if (chosen?.length === 0) words.push("NOCONTENT");
    words.push(...clause("LIMIT", limit), ...clause("OFFSET", offset));
    if (orderBy) words.push("ORDERBY", ...Object.entries(orderBy)[0]);
    if (scoreFunc) words.push(...score(scoreFunc));
    if (highlight) {
      const { fields, preTag, postTag } = highlight;
      words.push("HIGHLIGHT", "FIELDS", ...counted(fields));
      if (preTag !== undefined && postTag !== undefined) words.push("TAGS", preTag, postTag);
    }
    if (chosen?.length > 0) words.push("SELECT", ...counted(chosen));
    const found = await this.#run("QUERY", ...words);
    return found && found.map(hit);
  }

  async aggregate({ filter = {}, aggregations }) {
    const found = await this.#run("AGGREGATE", JSON.stringify(filter), JSON.stringify(aggregations));
    return found && tree(found);
  }

  async count({ filter = {} } = {}) {
    return { count: decode(await this.#run("COUNT", JSON.stringify(filter))) };
  }

  async describe() {
    const found = await this.#run("DESCRIBE");
    return found && description(found);
  }

  waitIndexing() {
    return this.#run("WAITINDEXING");
  }

  drop() {
    return this.#run("DROP");
  }

  addAlias({ alias }) {
    return this.#alias.add({ alias, indexName: this.name });
  }
}

const aliases = (run) => ({
  list: async () => Object.fromEntries((await run(["SEARCH.LISTALIASES"])) ?? []),
  add: ({ indexName, alias }) => run(["SEARCH.ALIASADD", alias, indexName]),
  delete: ({ alias }) => run(["SEARCH.ALIASDEL", alias]),
});

/** `redis.search`, over a function that sends words and gives what the server answered. */
export const search = (run) => ({
  async createIndex({ name, dataType, prefix, stream, schema, language, skipInitialScan, existsOk }) {
    const on = dataType === "stream" ? [stream] : ["PREFIX", ...counted(list(prefix))];
    await run([
      "SEARCH.CREATE", name, ...options("SEARCH.CREATE", { skipInitialScan, existsOk }, { skipInitialScan: 0, existsOk: 0 }),
      "ON", String(dataType).toUpperCase(), ...on, ...clause("LANGUAGE", language), "SCHEMA", ...fields(schema),
    ]);
    return new SearchIndex({ name, schema }, run);
  },
  index: (given) => new SearchIndex(given, run),
  alias: aliases(run),
});

/** A vector as words: numbers, or bytes of 32-bit floats in base64. */
function vectorWords(vector) {
  if (Array.isArray(vector)) return ["VALUES", ...counted(vector)];
  if (typeof vector?.base64 === "string") return ["BASE64-FP32", vector.base64];
  if (!(vector instanceof Float32Array)) throw new TypeError("VECTOR: a vector is an array of numbers, a Float32Array or { base64 }");
  const view = new DataView(new ArrayBuffer(vector.length * 4));
  vector.forEach((value, i) => view.setFloat32(i * 4, value, true));
  return ["BASE64-FP32", base64(new Uint8Array(view.buffer))];
}

export class VectorIndex {
  #run;

  constructor(name, run) {
    this.name = name;
    this.#run = (command, ...more) => run([`VECTOR.${command}`, name, ...more]);
  }

  async add(id, vector) {
    return this.#run("ADD", id, ...vectorWords(vector));
  }

  async get(id) {
    return (await this.#run("GET", id))?.map(Number) ?? null;
  }

  async query({ vector, topK, profile }) {
    const found = await this.#run("QUERY", "TOPK", topK, ...clause("PROFILE", profile), ...vectorWords(vector));
    return (found ?? []).map(([id, score]) => ({ id, score: Number(score) }));
  }

  delete(id) {
    return this.#run("DEL", id);
  }

  async count() {
    return decode(await this.#run("COUNT"));
  }

  async info() {
    const found = await this.#run("INFO");
    if (!found) return null;
    const { dimension, metric } = named(found);
    return { dimension: Number(dimension), metric: metric.toUpperCase() };
  }

  drop() {
    return this.#run("DROP");
  }
}

/** `redis.vector`, as `search`. */
export const vector = (run) => ({
  async createIndex({ name, dimension, metric, existsOk }) {
    await run(["VECTOR.CREATE", name, "DIM", dimension, "METRIC", metric, ...(existsOk ? ["EXISTSOK"] : [])]);
    return new VectorIndex(name, run);
  },
  index: (name) => new VectorIndex(name, run),
});
