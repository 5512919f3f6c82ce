// The errors: one base, one class for each kind, made from what the engine throws or from an error inside a batch.

/** The base of all errors of this package but the TypeErrors of wrong arguments. */
export class RedisError extends Error {
  constructor(message, { cause, ...details } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.attempts = 1;
    this.ambiguous = false;
    this.retryable = false;
    Object.assign(this, details);
  }
}

const CLASSES = {};

function define(kind, name) {
  const made = { [name]: class extends RedisError {} }[name];
  // On the prototype, where a minifier of names cannot reach it and no error has to carry it.
  Object.defineProperty(made.prototype, "name", { value: name, configurable: true, writable: true });
  Object.defineProperty(made.prototype, "kind", { value: kind, configurable: true, writable: true });
  return (CLASSES[kind] = made);
}

Object.defineProperty(RedisError.prototype, "name", { value: "RedisError", configurable: true, writable: true });

export const ConfigError = define("config", "ConfigError");
export const TooLargeError = define("too-large", "TooLargeError");
export const ConnectError = define("connect", "ConnectError");
export const TimeoutError = define("timeout", "TimeoutError");
export const InterruptedError = define("interrupted", "InterruptedError");
export const HttpError = define("http", "HttpError");
export const ServerError = define("server", "ServerError");
export const DecodeError = define("decode", "DecodeError");

/** The names that programs written for @upstash/redis catch by. */
export const errors = { RedisError, UpstashError: RedisError, UrlError: ConfigError, UpstashJSONParseError: DecodeError };

/** The engine speaks of Rust's names where the fix is an option of ours. */
function translate(message) {
  return message
    .replace("Builder::transport(Fetch::on(object))", "the option fetch")
    .replace("Redis::from_vars", "Redis.fromEnv")
    .replace(/\b(?:Builder|Retry)::(\w+)/g, (_, name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase()));
}

/** What the engine threw, as one of the classes. */
export function fromEngine(thrown) {
  // A trap of the module or a bug of ours: nothing the classes speak of.
  if (typeof thrown?.kind !== "string") return thrown;
  const { kind, message, cause, ...details } = thrown;
  if (cause !== undefined) details.cause = new Error(cause);
  const Class = CLASSES[kind === "tls" ? "connect" : kind] ?? RedisError;
  if (kind === "tls") details.tls = true;
  return new Class(translate(message), details);
}

// The engine does the same to the error of a single command: src/error.rs of the crate.
const ARGUMENTS = /(?:, with args beginning with| Key was:|, Key:| command was:)[^]*$/;
// To the last quote of its kind, since what is quoted may hold some; without one to the end. In a word it is an apostrophe.
const QUOTED = /(?<![A-Za-z0-9])(['"`])(?:([^]*)\1|[^]*$)/g;

/** The server's words for one command of a batch. They repeat what the caller sent; an error carries none of it. */
export function fromServer(words, command, index) {
  const isName = (text) => text?.toUpperCase() === command.toUpperCase();
  const clean = words
    .replace(ARGUMENTS, "")
    .replace(QUOTED, (found, quote, inside) => (isName(inside) ? found : `${quote}…${quote}`));
  // Not by a pattern, which tries from every blank of a long text anew.
  let end = clean.length;
  while (" ,.".includes(clean[end - 1])) end -= 1;
  const kept = clean.slice(0, end);
  const code = /^[A-Z0-9_]{2,}(?=[ :]|$)/.exec(kept)?.[0] ?? "ERR";
  const auth = code === "NOPERM" || code === "NOAUTH" || code === "WRONGPASS";
  return new ServerError(`${command}: ${kept}`, { code, command, status: 200, auth, index });
}
