// Which JavaScript values JSON keeps. The client and all helpers refuse what JSON would drop or write as `{}`.

/** Why JSON loses an object as a whole; undefined if it keeps its members. */
function reason(value) {
  // Query builders are promises, too: whatever `await` waits for.
  if (typeof value.then === "function") return "is a promise; await it first";
  const parent = Object.getPrototypeOf(value);
  // An object of another realm is plain, too: the end of its chain is one step away.
  if (parent === null || Object.getPrototypeOf(parent) === null) return undefined;
  const kind = Object.prototype.toString.call(value).slice(8, -1);
  const isError = kind === "Error" || value instanceof Error;
  const isLost = isError || ArrayBuffer.isView(value) || /^(Map|Set|ArrayBuffer)$/.test(kind);
  // JSON writes a boxed text, number or boolean as the value inside.
  if (!isLost && (/^(String|Number|Boolean)$/.test(kind) || Object.keys(value).length > 0)) return undefined;
  const name = isError ? "Error" : kind === "Object" ? value.constructor?.name : kind;
  return `is of the class ${name}, which JSON does not keep; convert it first, or give it a toJSON method`;
}

/** The first part of a value that JSON would lose, as `{ path, why }`. A cycle has no end here: JSON.stringify comes first. */
function lost(value, name) {
  if (typeof value?.toJSON === "function") value = value.toJSON(name);
  if (typeof value === "function" || typeof value === "symbol") return { path: "", why: `is a ${typeof value}, which cannot be stored` };
  if (typeof value !== "object" || value === null) return undefined;
  const isArray = Array.isArray(value);
  const why = isArray ? undefined : reason(value);
  if (why !== undefined) return { path: "", why };
  for (const name of Object.keys(value)) {
    const member = value[name];
    // Most members are text and numbers.
    if (typeof member === "string" || typeof member === "number") continue;
    const found = lost(member, name);
    if (found) return { path: `${isArray ? `[${name}]` : `.${name}`}${found.path}`, why: found.why };
  }
  return undefined;
}

/**
 * A value as JSON. What JSON would lose is a TypeError that names its place: promises, Maps, Sets, Errors, functions,
 * symbols, bytes, and objects of a class that JSON writes as `{}`. A toJSON method decides for its object, as in JSON.
 * Members that are undefined are left out, and NaN and Infinity within a value become null, as in JSON.
 *
 * `serialize` writes the text in place of JSON. It is refused a promise only, and has to return text: one that is async does not.
 */
export function json(what, value, serialize) {
  let text;
  let found;
  try {
    text = (serialize ?? JSON.stringify)(value);
    if (!serialize || typeof value?.then === "function") found = lost(value, "");
  } catch (cause) {
    throw new TypeError(`${what} cannot be written as JSON`, { cause });
  }
  if (found) throw new TypeError(`${what}${found.path && ` at ${found.path.replace(/^\./, "")}`} ${found.why}`);
  if (typeof text !== "string") throw new TypeError(`${what} has no JSON form${serialize ? ": serialize has to return a string" : ""}`);
  return text;
}

/** Names and values, of an object or a Map. Of any other object there would be none. */
export function entries(what, values) {
  if (values instanceof Map) return [...values];
  if (values === null || typeof values !== "object" || Array.isArray(values) || reason(values) !== undefined) {
    throw new TypeError(`${what} are neither an object, { key: value }, nor a Map`);
  }
  return Object.entries(values);
}
