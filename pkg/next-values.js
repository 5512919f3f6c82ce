// The values of Next.js's caches as text: JSON, with marks for bytes and Maps.

import { base64, ofBase64, put } from "./text.js";

/** The names of the marks. A name like one in a caller's object gets one more `$`, and loses it when the object is read. */
const LIKE_A_MARK = /^\$+(?:bytes|map)$/;
const ESCAPED = /^\$\$+(?:bytes|map)$/;

/** An object with some of its names changed; the same object where no name matches. */
function renamed(object, pattern, rename) {
  const names = Object.keys(object);
  if (!names.some((name) => pattern.test(name))) return object;
  const copy = {};
  for (const name of names) put(copy, pattern.test(name) ? rename(name) : name, object[name]);
  return copy;
}

/** A value as JSON. Buffers and Maps are kept; everything else is what JSON.stringify makes of it. */
export function write(value) {
  return JSON.stringify(value, function (name, json) {
    // JSON.stringify calls a Buffer's own toJSON before this function.
    const held = this[name];
    if (held instanceof Uint8Array) return { $bytes: base64(held) };
    if (held instanceof Map) return { $map: [...held] };
    if (json === null || typeof json !== "object" || Array.isArray(json)) return json;
    // The marks that are returned above are not passed to this function again; their content is.
    return renamed(json, LIKE_A_MARK, (like) => `$${like}`);
  });
}

/** Bytes as a Buffer, which is what Next.js stores, where the runtime has Buffers. */
function bytes(text) {
  return globalThis.Buffer ? globalThis.Buffer.from(text, "base64") : ofBase64(text);
}

/** A value of the text that `write` returned. */
export function read(text) {
  // Calling a function for each member makes parsing about ten times slower.
  if (!text.includes('"$')) return JSON.parse(text);
  return JSON.parse(text, (_, held) => {
    if (held === null || typeof held !== "object" || Array.isArray(held) || held instanceof Map || held instanceof Uint8Array) return held;
    if (typeof held.$bytes === "string") return bytes(held.$bytes);
    if (Array.isArray(held.$map)) return new Map(held.$map);
    return renamed(held, ESCAPED, (escaped) => escaped.slice(1));
  });
}
