// Values to text and back: what a JavaScript value is on the wire, and what a reply is in JavaScript.

import { DecodeError } from "./errors.js";
import { json } from "./values.js";

/** Bytes of an argument that are no text: only a request of a form of its own can carry them. */
export class NotText extends TypeError {}

const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes as text, where they are. */
function textOf(bytes, command, index) {
  try {
    return STRICT.decode(bytes);
  } catch {
    const why = `${command}: argument ${index} is bytes that are not UTF-8, which a batch cannot carry: send the command alone`;
    throw Object.assign(new NotText(why), { index });
  }
}

const isWellFormed = String.prototype.isWellFormed ? (text) => text.isWellFormed() : (text) => !/\p{Cs}/u.test(text);

/** One argument as the text that Redis stores. */
function argument(value, command, index, serialize) {
  const refuse = (what) => {
    throw new TypeError(`${command}: argument ${index} ${what}`);
  };
  // No command takes null in this place, and as text it would be the key "null".
  if (value === null && index === 1) refuse("is null, and cannot be a key");
  switch (typeof value) {
    case "string":
      // In UTF-8 all of them are the same character, so that different keys would be one.
      if (!isWellFormed(value)) refuse("has half of a surrogate pair, which UTF-8 cannot hold");
      return value;
    case "bigint":
    case "boolean":
      return String(value);
    case "number":
      if (Number.isNaN(value)) refuse("is NaN");
      // Redis's own spelling, which it also reads as a score.
      return Math.abs(value) === Infinity ? (value > 0 ? "inf" : "-inf") : String(value);
    case "object":
      if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return textOf(value, command, index);
      return json(`${command}: argument ${index}`, value, serialize);
    default:
      return refuse(value === undefined ? "is undefined" : `is a ${typeof value}, which cannot be stored`);
  }
}

/** A command's words, the name first, as the JSON array that is sent. */
export function encode(words, serialize) {
  return JSON.stringify(words.map((word, index) => (typeof word === "string" && isWellFormed(word) ? word : argument(word, words[0], index, serialize))));
}

/**
 * A command with bytes: what is before them as a path, they as the body, and one name and value behind them as a query.
 *
 * The words that go along without the bytes say what kind of command it is.
 */
export function pathForm(words, { index }, serialize) {
  const refuse = (what) => {
    throw new TypeError(`${words[0]}: argument ${index} is bytes that are not UTF-8, and ${what}; encode it as text, for example base64`);
  };
  let rest;
  try {
    rest = JSON.parse(encode(words.map((word, i) => (i === index ? "" : word)), serialize));
  } catch (error) {
    if (error instanceof NotText) refuse(`so is argument ${error.index}; a request carries one such argument. Send them in several commands`);
    throw error;
  }
  const before = rest.slice(0, index);
  if (before.some((word) => /^\.{0,2}$/.test(word))) refuse('an argument before it is empty, "." or "..", which a URL path cannot hold');
  const after = rest.slice(index + 1).map(encodeURIComponent);
  if (after.length !== 0 && after.length !== 2) refuse("behind it only one name and one value can follow");
  if (after[0] === "_token") refuse("a name behind it is _token, which the server takes for the token");
  const value = words[index];
  return {
    json: JSON.stringify(rest),
    path: `${before.map((word) => `/${encodeURIComponent(word)}`).join("")}${after.length > 0 ? `?${after.join("=")}` : ""}`,
    body: ArrayBuffer.isView(value) ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : new Uint8Array(value),
  };
}

/** Bytes as base64; in parts, since a call takes only so many arguments. */
export function base64(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(text);
}

/** Base64 as bytes. `Uint8Array.from` over the text takes 25 times as long. */
export function ofBase64(text) {
  let chars;
  try {
    chars = atob(text);
  } catch {
    throw new DecodeError("the server's answer has text that is not base64");
  }
  const bytes = new Uint8Array(chars.length);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = chars.charCodeAt(i);
  return bytes;
}

const inBytes = (reply) => {
  if (Array.isArray(reply)) return reply.map(inBytes);
  // The word of a status is not encoded, and is no base64.
  return typeof reply === "string" && reply !== "OK" ? ofBase64(reply) : reply;
};

/** An answer, or those of a batch, whose texts are bytes in base64. */
export const bytesOf = (answer) => {
  if (Array.isArray(answer)) return answer.map(bytesOf);
  return answer.result === undefined ? answer : { ...answer, result: inBytes(answer.result) };
};

/** Whether the number says what the text says, to the last digit, and can be counted with. */
const isExact = (number, text) =>
  String(number) === text && Number.isFinite(number) && (Number.isSafeInteger(number) || !Number.isInteger(number));

/** Where the JSON string that begins at a quote ends: behind its closing one. One pass, since a regular expression runs out of stack in a long string. */
function endOfString(json, start) {
  for (let end = json.indexOf('"', start + 1); end !== -1; end = json.indexOf('"', end + 1)) {
    let escape = end;
    while (json[escape - 1] === "\\") escape -= 1;
    if ((end - escape) % 2 === 0) return end + 1;
  }
  return json.length;
}

const lost = (token) => (/^-?\d{16,}$/.test(token) ? !Number.isSafeInteger(+token) : Math.abs(+token) === Infinity);
const keep = (token) => (lost(token) ? `"${token}"` : token);

/** JSON.parse, but an integer beyond 2^53, or a number beyond all doubles, becomes a string of its digits. */
export function parse(json) {
  if (!/\d{16}|\de\+?\d{3}/i.test(json)) return JSON.parse(json);
  let safe = "";
  for (let at = 0; at < json.length; ) {
    const quote = json.indexOf('"', at);
    const end = quote === -1 ? json.length : quote;
    // Whole tokens, so that the digits of a fraction are not taken for an integer.
    safe += json.slice(at, end).replace(/-?\d[\d.eE+-]*/g, keep);
    at = quote === -1 ? end : endOfString(json, quote);
    safe += json.slice(end, at);
  }
  return JSON.parse(safe);
}

/** The server writes UTF-8; what is not becomes U+FFFD, as in any reader of JSON. */
export const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** The values of an answer. */
export function read(answer) {
  try {
    return parse(UTF8.decode(answer));
  } catch {
    // Its words quote the text.
    throw new DecodeError("the server's answer has text that is not JSON");
  }
}

/** Whether text that begins and ends with these can be JSON at all. A JSON.parse that throws costs microseconds. */
function looksLikeJson(text) {
  const last = text.charCodeAt(text.length - 1);
  switch (text.charCodeAt(0)) {
    case 0x22: // "
      return text.length > 1 && (last === 0x22 || last <= 0x20);
    case 0x5b: // [
      return last === 0x5d || last <= 0x20;
    case 0x7b: // {
      return last === 0x7d || last <= 0x20;
    case 0x09:
    case 0x0a:
    case 0x0d:
    case 0x20:
      return true;
    default:
      return false;
  }
}

export function decodeText(text) {
  const first = text.charCodeAt(0);
  // A digit or a minus: a number if it is written as JavaScript writes it, so that "007" and "1.10" stay what they are.
  if ((first >= 0x30 && first <= 0x39) || first === 0x2d) {
    const number = +text;
    return isExact(number, text) ? number : text;
  }
  if (looksLikeJson(text)) {
    try {
      const value = parse(text);
      // A number with whitespace around it, or one that a number cannot hold.
      const isNumber = typeof value === "number" || (typeof value === "string" && !text.includes('"'));
      return isNumber && String(value) !== text ? text : value;
    } catch {
      return text;
    }
  }
  if (text === "true") return true;
  if (text === "false") return false;
  return text === "null" ? null : text;
}

let deserialize = decodeText;

/** Runs what reads a reply with another reader of its texts. */
export function reading(reader, run) {
  const before = deserialize;
  deserialize = reader;
  try {
    return run();
  } finally {
    deserialize = before;
  }
}

/** As `decodeText`, but integers that a number cannot hold become BigInts. */
export const decodeBigInt = (text) => (/^-?\d{16,}$/.test(text) && !Number.isSafeInteger(+text) ? BigInt(text) : decodeText(text));

/** A reply with its texts read: numbers and JSON as values, all else as it is. */
export function decode(reply) {
  if (typeof reply === "string") return deserialize(reply);
  return Array.isArray(reply) ? reply.map(decode) : reply;
}

/** Sets a field by any name: `__proto__` is a field like others. */
export function put(object, name, value) {
  if (name === "__proto__") Object.defineProperty(object, name, { value, configurable: true, enumerable: true, writable: true });
  else object[name] = value;
}

/** A reply that is an array; another shape is a DecodeError, which the caller makes of any exception. */
export function array(reply) {
  if (Array.isArray(reply)) return reply;
  throw new TypeError("the reply is not an array");
}

/** `[name, value, …]` as an object. */
export function named(reply, read = (value) => value, rename = String) {
  const object = {};
  const words = array(reply);
  for (let i = 0; i + 1 < words.length; i += 2) {
    const name = rename(words[i]);
    put(object, name, read(words[i + 1], name));
  }
  return object;
}

/** `[field, value, field, value]` as an object; nothing as null. @upstash/redis leaves fractions text here, and only here. */
export function fieldsAndValues(reply, compat) {
  if (reply === null || array(reply).length === 0) return null;
  const value = (text) => (compat === true && Number.isFinite(+text) && !Number.isInteger(+text) ? text : decode(text));
  return named(reply, value);
}

/** The values of these fields as an object; null if there is none of them. */
export const valuesOf = (fields) => (reply) => {
  if (reply === null || array(reply).every((value) => value === null)) return null;
  const object = {};
  fields.forEach((field, i) => put(object, String(field), decode(reply[i])));
  return object;
};

/** The text of INFO by section. */
export function infoSections(text) {
  const sections = {};
  let section = {};
  for (const line of String(text).split(/\r?\n/)) {
    if (line.startsWith("# ")) {
      section = {};
      put(sections, line.slice(2).toLowerCase(), section);
    } else if (line.includes(":")) {
      const colon = line.indexOf(":");
      const value = line.slice(colon + 1);
      put(section, line.slice(0, colon), /^\w+=[^,]*(,\w+=[^,]*)*$/.test(value) ? members(value) : decodeText(value));
    }
  }
  return sections;
}

/** `keys=1,expires=0`, as INFO writes a line of several values. */
function members(text) {
  const object = {};
  for (const member of text.split(",")) {
    const equals = member.indexOf("=");
    put(object, member.slice(0, equals), decodeText(member.slice(equals + 1)));
  }
  return object;
}

/** Members and their scores by turns. */
export const scored = (reply) => array(reply).map((value, i) => (i % 2 ? score(value) : decode(value)));

/** A score: Redis writes all its digits, and they are those of a double. */
export const score = (text) => {
  if (typeof text !== "string") return text;
  return /^[+-]?inf$/.test(text) ? (text[0] === "-" ? -Infinity : Infinity) : Number(text);
};
