// Which JavaScript values JSON keeps. The client and all helpers refuse what JSON would drop or write as `{}`.

/** Objects that JSON writes as the value inside. */
const BOXES = new Set(["String", "Number", "Boolean"]);

/** Why JSON loses an object as a whole; undefined if it keeps its members. */
function reason(value) {
  // Query builders are promises, too: whatever `await` waits for.
  if (typeof value.then === "function") return "is a promise; await it first";
  const parent = Object.getPrototypeOf(value);
  // An object of another realm is plain, too: the end of its chain is one step away.
  if (parent === null || Object.getPrototypeOf(parent) === null) return undefined;
  const kind = Object.prototype.toString.call(value).slice(8, -1);
  if (kind === "Map" || kind === "Set") return "is a Map or Set, which JSON writes as {}; convert it first";
  if (kind === "Error" || value instanceof Error) return "is an Error, which JSON writes without its message; store the message";
  if (ArrayBuffer.isView(value) || kind === "ArrayBuffer") return "is bytes, which JSON has no form for; encode them as text, for example base64";
  if (BOXES.has(kind) || Object.keys(value).length > 0) return undefined;
  const name = kind === "Object" ? value.constructor?.name || "object" : kind;
  return `is of the class ${name}, which JSON writes as {}; convert it first, or give it a toJSON method`;
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
 */
export function json(what, value) {
  let written;
  let found;
  try {
    written = JSON.stringify(value);
    found = lost(value, "");
  } catch (cause) {
    throw new TypeError(`${what} cannot be written as JSON`, { cause });
  }
  if (found) throw new TypeError(`${what}${found.path === "" ? "" : ` at ${found.path.replace(/^\./, "")}`} ${found.why}`);
  if (written === undefined) throw new TypeError(`${what} has no JSON form`);
  return written;
}

/** Names and values, of an object or a Map. Of any other object there would be none. */
export function entries(what, values) {
  if (values instanceof Map) return [...values];
  if (values === null || typeof values !== "object" || Array.isArray(values) || reason(values) !== undefined) {
    throw new TypeError(`${what} are neither an object, { key: value }, nor a Map`);
  }
  return Object.entries(values);
}
