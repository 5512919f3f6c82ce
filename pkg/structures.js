// Commands of bitmaps, places, streams, JSON documents, functions and arrays: the same as in commands.js.

import { array, decode, fieldsAndValues, named } from "./text.js";
import { atLeast, clause, counted, each, keys, leadingOptions, list, ofMembers, optional, options, pairs, record, scripted, unlessEmpty } from "./words.js";

/** `[name, value, …]` as an object with names as JavaScript writes them. */
const camelCase = (reply, read) =>
  named(reply, read, (name) => String(name).replace(/[-_](\w)/g, (_, letter) => letter.toUpperCase()));

/** A position of an array, which may be beyond 2^53. */
export const index = (reply) => (reply === null ? null : String(reply));
const indexed = ([at, value]) => [String(at), decode(value)];

const center = ({ type, member, coordinate }) => [
  String(type).toUpperCase(),
  ...(coordinate === undefined ? [member] : [coordinate.lon, coordinate.lat]),
];
const shape = ({ type, radius, radiusType, rect, rectType }) => [
  String(type).toUpperCase(),
  ...(rect === undefined ? [radius, radiusType] : [rect.width, rect.height, rectType]),
];

function search(command, where, from, by, order, { count, ...given } = {}, known) {
  const limit = count === undefined ? [] : ["COUNT", count.limit, ...(count.any ? ["ANY"] : [])];
  return [
    command, ...where,
    ...center(record(command, from, "the center is { type }")),
    ...shape(record(command, by, "the shape is { type }")),
    String(order).toUpperCase(), ...limit, ...options(command, given, known),
  ];
}

const number = (text) => (text === null ? null : Number(text));

/** What GEOSEARCH says of a member: the name, and then what was asked for, in this order. */
const found = ({ withDist, withHash, withCoord } = {}) => (entry) => {
  const [member, ...rest] = Array.isArray(entry) ? entry : [entry];
  const place = { member: decode(member) };
  if (withDist) place.dist = Number(rest.shift());
  if (withHash) place.hash = String(rest.shift());
  if (withCoord) {
    const [long, lat] = rest.shift();
    place.coord = { long: Number(long), lat: Number(lat) };
  }
  return place;
};

/** Entries of a stream by their id, in their order. */
const entries = (reply) => Object.fromEntries(array(reply ?? []).map(([id, fields]) => [id, fieldsAndValues(fields) ?? {}]));

const trim = (strategy, exactness, threshold, limit) => [
  String(strategy).toUpperCase(), exactness, threshold, ...clause("LIMIT", limit),
];

/** XREAD and XREADGROUP: as many ids as streams. */
function read(command, words, streams, ids, { blockMS: block, NOACK: noack, ...given } = {}) {
  if (list(streams).length !== list(ids).length) throw new TypeError(`${command}: each stream needs an id, and each id a stream`);
  const more = options(command, { ...given, block, noack }, { count: 1, block: 1, noack: 0 });
  return { words: [command, ...words, ...more, "STREAMS", ...list(streams), ...list(ids)] };
}

const xrange = (command) => (key, from, to, count) => ({
  words: [command, key, from, to, ...clause("COUNT", count)],
  decode: entries,
});

/** XDELEX and XACKDEL. */
const withIds = (command, words, policy, ids) =>
  unlessEmpty(ids, [], { words: [command, ...words, ...(policy === undefined ? [] : [String(policy).toUpperCase()]), "IDS", ...counted(ids)] });

const ofConsumer = (key, { group, consumer }) => [key, group, consumer];
/** XGROUP by its type. */
const groups = {
  CREATE: (key, { group, id, options: { MKSTREAM, ENTRIESREAD } = {} }) => [
    key, group, id, ...(MKSTREAM ? ["MKSTREAM"] : []), ...clause("ENTRIESREAD", ENTRIESREAD),
  ],
  CREATECONSUMER: ofConsumer,
  DELCONSUMER: ofConsumer,
  DESTROY: (key, { group }) => [key, group],
  SETID: (key, { group, id, options: { ENTRIESREAD } = {} }) => [key, group, id, ...clause("ENTRIESREAD", ENTRIESREAD)],
};

const library = (reply) =>
  camelCase(reply, (value, name) => (name === "functions" ? value.map((one) => camelCase(one)) : value));

export const structures = {
  bitop: (operation, destination, ...sources) => ({ words: ["BITOP", operation, destination, ...atLeast(1, keys(sources))] }),
  clientSetinfo: (attribute, value) => ({ words: ["CLIENT", "SETINFO", String(attribute).toUpperCase(), value] }),

  geoadd: (key, ...args) => {
    const given = options("GEOADD", leadingOptions(args), { nx: 0, xx: 0, ch: 0 });
    const places = each("GEOADD", args, ["longitude", "latitude", "member"]);
    return unlessEmpty(places, 0, { words: ["GEOADD", key, ...given, ...places] });
  },
  geodist: (key, from, to, unit = "M") => ({ words: ["GEODIST", key, from, to, unit], decode: number }),
  geohash: ofMembers("GEOHASH", [], keys),
  // A member that is not there keeps its place, so that the others keep theirs.
  geopos: ofMembers("GEOPOS", [], keys, (reply, compat) =>
    array(reply)
      .filter((place) => place || !compat)
      .map((place) => place && { lng: Number(place[0]), lat: Number(place[1]) }),
  ),
  geosearch: (key, from, by, order, given) => ({
    words: search("GEOSEARCH", [key], from, by, order, given, { withCoord: 0, withDist: 0, withHash: 0 }),
    decode: (reply) => array(reply).map(found(given)),
  }),
  geosearchstore: (target, key, from, by, order, given) => ({
    words: search("GEOSEARCHSTORE", [target, key], from, by, order, given, { storeDist: 0 }),
  }),

  xadd: (key, id, fields, { nomkStream, trim: bound, ...unknown } = {}) => {
    options("XADD", unknown, { nomkStream: 0, trim: 1 });
    const words = ["XADD", key, ...(nomkStream ? ["NOMKSTREAM"] : [])];
    if (bound) words.push(...trim(bound.type, bound.comparison, bound.threshold, bound.limit));
    return { words: [...words, id, ...pairs("XADD", fields)] };
  },
  xack: (key, group, ...args) => {
    const ids = keys(args);
    return unlessEmpty(ids, 0, { words: ["XACK", key, group, ...ids] });
  },
  xackdel: (key, group, policy, ...ids) => withIds("XACKDEL", [key, group], policy, keys(ids)),
  xdel: ofMembers("XDEL", 0, keys),
  xdelex: (key, policy, ...ids) => withIds("XDELEX", [key], policy, keys(ids)),
  xautoclaim: (key, group, consumer, idle, start, given) => ({
    words: ["XAUTOCLAIM", key, group, consumer, idle, start, ...options("XAUTOCLAIM", given, { count: 1, justId: 0 })],
  }),
  xclaim: (key, group, consumer, idle, ids, { idleMS, timeMS, ...given } = {}) => {
    const known = { idle: 1, time: 1, retryCount: 1, force: 0, justId: 0, lastId: 1 };
    return { words: ["XCLAIM", key, group, consumer, idle, ...list(ids), ...options("XCLAIM", { ...given, idle: idleMS, time: timeMS }, known)] };
  },
  xgroup: (key, command) => {
    const { type, ...given } = record("XGROUP", command, "the command is { type }");
    if (!Object.hasOwn(groups, type)) throw new TypeError(`XGROUP: the type is one of ${Object.keys(groups).join(", ")}`);
    return { words: ["XGROUP", type, ...groups[type](key, given)] };
  },
  xinfo: (key, command) => {
    const { type, group } = record("XINFO", command, "the command is { type }");
    return { words: ["XINFO", type, key, ...optional(group)] };
  },
  xpending: (key, group, start, end, count, { idleTime, consumer } = {}) => ({
    words: [
      "XPENDING", key, group, ...clause("IDLE", idleTime),
      start, end, count, ...(consumer === undefined ? [] : list(consumer)),
    ],
  }),
  xrange: xrange("XRANGE"),
  xrevrange: xrange("XREVRANGE"),
  xread: (streams, ids, given) => read("XREAD", [], streams, ids, given),
  xreadgroup: (group, consumer, streams, ids, given) => read("XREADGROUP", ["GROUP", group, consumer], streams, ids, given),
  xtrim: (key, given) => {
    const { strategy, exactness = "~", threshold, limit } = record("XTRIM", given, "options are { strategy }");
    return { words: ["XTRIM", key, ...trim(strategy, exactness, threshold, limit)] };
  },

  "json.get": (key, ...args) => {
    const given = args.length > 0 && typeof args[0] === "object" && !Array.isArray(args[0]) ? args.shift() : undefined;
    return { words: ["JSON.GET", key, ...options("JSON.GET", given, { indent: 1, newline: 1, space: 1 }), ...keys(args)] };
  },
  // All documents by default: without a path the server counts only a document that is an array itself.
  "json.arrlen": (key, path = "$") => ({ words: ["JSON.ARRLEN", key, path] }),
  "json.mget": (documents, path) => ({ words: ["JSON.MGET", ...list(documents), path] }),
  "json.mset": (...documents) => ({
    words: ["JSON.MSET", ...each("JSON.MSET", documents, ["key", "path", "value"])],
  }),
  "json.set": (key, path, value, given) => ({
    words: ["JSON.SET", key, path, value, ...options("JSON.SET", given, { nx: 0, xx: 0 })],
  }),

  "functions.load": (library) => {
    const { code, replace } = record("FUNCTION LOAD", library, "the library is { code }");
    return { words: ["FUNCTION", "LOAD", ...(replace ? ["REPLACE"] : []), code] };
  },
  "functions.list": (given) => ({
    words: ["FUNCTION", "LIST", ...options("FUNCTION LIST", given, { libraryName: 1, withCode: 0 })],
    decode: (reply) => array(reply).map(library),
  }),
  "functions.delete": (name) => ({ words: ["FUNCTION", "DELETE", name] }),
  "functions.flush": () => ({ words: ["FUNCTION", "FLUSH"] }),
  "functions.stats": () => ({
    words: ["FUNCTION", "STATS"],
    decode: (reply) => {
      const engines = fieldsAndValues(camelCase(reply).engines) ?? {};
      for (const name in engines) engines[name] = camelCase(engines[name]);
      return { engines };
    },
  }),
  "functions.call": scripted("FCALL"),
  "functions.callRo": scripted("FCALL_RO"),

  ardelrange: (key, ...ranges) => ({ words: ["ARDELRANGE", key, ...atLeast(2, ranges.flat())] }),
  argrep: (key, start, end, wanted) => {
    const { predicates, combine, ...given } = record("ARGREP", wanted, "options are { predicates }");
    return {
      words: [
        "ARGREP", key, start, end,
        ...list(predicates).flatMap((one) => pairs("ARGREP", one)).map((word, i) => (i % 2 ? word : word.toUpperCase())),
        ...optional(combine).map((word) => word.toUpperCase()),
        ...options("ARGREP", given, { noCase: 0, withValues: 0, limit: 1 }),
      ],
      decode: (reply) => array(reply).map(given.withValues ? indexed : String),
    };
  },
  arinfo: (key, given) => ({
    words: ["ARINFO", key, ...options("ARINFO", given, { full: 0 })],
    decode: (reply) =>
      reply && camelCase(reply, (value, name) => (name === "len" || name === "nextInsertIndex" ? String(value) : number(value))),
  }),
  arlastitems: (key, count, given) => ({ words: ["ARLASTITEMS", key, count, ...options("ARLASTITEMS", given, { rev: 0 })] }),
  armset: (key, values) => ({ words: ["ARMSET", key, ...pairs("ARMSET", values)] }),
  arop: (key, start, end, operation) => ({
    words: ["AROP", key, start, end, ...(typeof operation === "object" ? ["MATCH", record("AROP", operation, "the operation is a word or { match }").match] : [String(operation).toUpperCase()])],
    decode: number,
  }),
  arscan: (key, start, end, given) => ({
    words: ["ARSCAN", key, start, end, ...options("ARSCAN", given, { limit: 1 })],
    decode: (reply) => array(reply).map(indexed),
  }),
};

/** JSON commands by how many words they need after the key; what may follow may be left out. */
for (const [name, needed] of Object.entries({
  arrappend: 2, arrindex: 2, arrinsert: 3, arrpop: 0, arrtrim: 3, clear: 0, del: 0, forget: 0, merge: 2, numincrby: 2,
  nummultby: 2, objkeys: 0, objlen: 0, resp: 0, strappend: 2, strlen: 0, toggle: 1, type: 0,
})) {
  const word = `JSON.${name.toUpperCase()}`;
  structures[`json.${name}`] = (key, ...args) => ({
    words: [word, key, ...atLeast(needed, args.slice(0, needed)), ...optional(...args.slice(needed))],
  });
}
