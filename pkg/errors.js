// The errors: one base, one class for each kind, made from what the engine says.

/** The base of all errors of this package but the TypeErrors of wrong arguments. */
export class RedisError extends Error {
  constructor(message, { cause, ...details } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    // A setting that is wrong sends nothing.
    this.attempts = this.kind === "config" ? 0 : 1;
    this.ambiguous = false;
    this.retryable = false;
    Object.assign(this, details);
  }
}

const CLASSES = {};

/** The class of a kind, by its name. */
export function define(kind, name) {
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
    .replace("Redis::from_vars", "Redis.fromEnv")
    .replace(/\b(?:Builder|Retry)::(\w+)/g, (_, name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase()));
}

/** What the engine says about an error: it calls this, and throws what it gets. */
export const details = (kind, message, code, command, index, status, attempts, ambiguous, retryable, auth, inBody, cause) => ({
  kind, message, code, command, index, status, attempts, ambiguous, retryable, auth, inBody, cause,
});

/** What the engine threw, as one of the classes. Made here and not by it, for a stack that leads to the caller. */
export function fromEngine(thrown) {
  // Said already; or a trap of the module or a bug of ours: nothing the classes speak of.
  if (thrown instanceof RedisError || typeof thrown?.kind !== "string") return thrown;
  const { kind, message, cause, ...rest } = thrown;
  for (const name of ["code", "command", "index", "status"]) if (rest[name] === undefined) delete rest[name];
  if (cause !== undefined) rest.cause = new Error(cause);
  const Class = CLASSES[kind === "tls" ? "connect" : kind] ?? RedisError;
  if (kind === "tls") rest.tls = true;
  return new Class(translate(message), rest);
}
