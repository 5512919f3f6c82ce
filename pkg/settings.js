// What a client, and a call, can be told: checked, and as the engine takes it.

import { ConfigError } from "./errors.js";
import { said } from "./fetch.js";
import { isCount, isDuration } from "./numbers.js";
import { decodeBigInt } from "./text.js";

/** Under this name `fromEnv` says which variables URL and token come from. */
const NAMES = Symbol("names");

const PAIRS = ["UPSTASH_REDIS_REST_", "KV_REST_API_"];

/** A number of milliseconds, or nothing. */
function millis(name, value) {
  if (value === undefined) return undefined;
  if (isDuration(value) && value > 0) return value;
  throw new ConfigError(`${name} is not a number of milliseconds greater than 0`);
}

function bytes(name, value) {
  if (value === undefined || value === Infinity || (isCount(value) && value > 0)) return value;
  throw new ConfigError(`${name} is not a whole number of bytes greater than 0`);
}

/** How the engine repeats, as the arguments that it takes; `false` is never. */
function retrySettings(retry) {
  if (retry === undefined) return undefined;
  const given = retry === false ? { retries: 0 } : retry;
  if (given === null || typeof given !== "object") throw new ConfigError("retry is not false or an object, { retries: 3 }");
  const { retries = 3, backoff, baseDelay, maxDelay, evenIfAmbiguous } = given;
  if (!isCount(retries)) throw new ConfigError("retry.retries is not a whole number from 0 on");
  // @upstash/redis's function of the number of a repetition: the first wait and the longest of those that it gives.
  const waits = typeof backoff === "function" ? Array.from({ length: Math.min(retries, 64) || 1 }, (_, n) => millis("retry.backoff", Math.max(backoff(n), 1))) : [];
  return [
    retries,
    millis("retry.baseDelay", baseDelay) ?? waits[0] ?? 50,
    millis("retry.maxDelay", maxDelay) ?? (waits.length > 0 ? Math.max(...waits) : 2000),
    evenIfAmbiguous === true,
  ];
}

/** Reports each request when its answer has begun, or failed to: of its path what is no argument, and of an error no URL. */
const observed = (fetch, onRequest, base = "") => async (url, init) => {
  const begun = Date.now();
  const path = `/${url.slice(base.replace(/\/+$/, "").length).split(/[/?]/)[1] ?? ""}`;
  const report = (more) => onRequest({ path, bytes: init.body?.length ?? 0, duration: Date.now() - begun, ...more });
  try {
    const response = await fetch(url, init);
    report({ status: response.status });
    return response;
  } catch (error) {
    report({ error: new Error(said(error, url)) });
    throw error;
  }
};

/** What carries requests: an object with `fetch`, such as a service binding, or a function. */
function fetchTarget({ fetch, onRequest, url, ...more }) {
  const init = Object.entries(more).filter(([, value]) => value !== undefined);
  const target = typeof fetch === "function" ? { fetch } : fetch;
  // A service binding is a proxy on which every name is something, so it is only looked up.
  if (target !== undefined && typeof target?.fetch !== "function") {
    throw new ConfigError("fetch is neither a function nor an object with a method fetch, such as a service binding");
  }
  if (init.length === 0 && onRequest === undefined) return target;
  const send = (url, given) => (target ?? globalThis).fetch(url, { ...given, ...Object.fromEntries(init) });
  return { fetch: callable("onRequest", onRequest) ? observed(send, onRequest, url) : send };
}

function callable(name, value) {
  if (value === undefined || typeof value === "function") return value;
  throw new ConfigError(`${name} is not a function`);
}

const CALL = ["timeout", "retry", "signal", "bytes"];
const OPTIONS = [
  "url", "token", "timeout", "attemptTimeout", "maxResponseBytes", "retry", "signal", "allowPlainHttp", "readYourWrites", "fetch",
  "automaticDeserialization", "serialize", "deserialize", "bigint", "compat", "enableAutoPipelining", "onRequest",
  "latencyLogging", "cache", "agent", "backend", "keepAlive",
  // Of @upstash/redis, about what this client never does.
  "responseEncoding", "enableTelemetry",
];

function known(options, names, what) {
  if (options === null || typeof options !== "object") throw new ConfigError(what);
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw new ConfigError(`there is no option ${name}, only ${names.join(", ")}`);
  }
}

/** What one call has of its own, over what it had. */
export function callSettings(options, before) {
  known(options, CALL, "with takes an object: redis.with({ timeout: 500 })");
  return {
    timeout: millis("timeout", options.timeout) ?? before?.timeout,
    retry: retrySettings(options.retry) ?? before?.retry,
    signal: options.signal ?? before?.signal,
    bytes: options.bytes ?? before?.bytes,
  };
}

/** What a client is told. */
export function settingsOf(options) {
  known(options, OPTIONS, "new Redis takes an object: new Redis({ url, token }), or Redis.fromEnv()");
  for (const name of ["url", "token"]) {
    const value = options[name];
    if (value === undefined || value === null || value === "") {
      throw new ConfigError(`${options[NAMES]?.[name] ?? name} is missing: the database's REST tab has it, and restis-local prints one without an account`);
    }
    if (typeof value !== "string") throw new ConfigError(`${name} is not a string`);
  }
  const { cache, agent, backend, keepAlive: keepalive, fetch, onRequest, compat } = options;
  if (compat !== undefined && compat !== "upstash") throw new ConfigError('compat is not "upstash"');
  return {
    url: options.url,
    token: options.token,
    names: options[NAMES],
    timeout: millis("timeout", options.timeout),
    attemptTimeout: millis("attemptTimeout", options.attemptTimeout),
    maxResponseBytes: bytes("maxResponseBytes", options.maxResponseBytes),
    retry: retrySettings(options.retry),
    allowPlainHttp: options.allowPlainHttp === true,
    readYourWrites: options.readYourWrites !== false,
    enableAutoPipelining: options.enableAutoPipelining !== false,
    fetch: fetchTarget({ fetch, onRequest, url: options.url, cache, agent, backend, keepalive }),
    signal: options.signal,
    values: {
      decodes: options.automaticDeserialization !== false,
      compat: compat === "upstash",
      serialize: callable("serialize", options.serialize),
      deserialize: callable("deserialize", options.deserialize) ?? (options.bigint ? decodeBigInt : undefined),
    },
    latencyLogging: options.latencyLogging === true,
  };
}

/** Options with URL and token of the first pair of variables that is whole: those of two databases do not mix. */
export function fromEnvironment(env, options) {
  if (env === null || typeof env !== "object") {
    throw new ConfigError("there is no process.env here: hand over the Worker's, Redis.fromEnv(env)");
  }
  const text = (name) => (typeof env[name] === "string" ? env[name] : "");
  const pairs = PAIRS.map((prefix) => ({ url: `${prefix}URL`, token: `${prefix}TOKEN` }));
  const set = ({ url, token }) => !!text(url) + !!text(token);
  const names = set(pairs[1]) > set(pairs[0]) ? pairs[1] : pairs[0];
  for (const part of ["url", "token"]) {
    if (text(names[part])) continue;
    throw new ConfigError(
      `${pairs[0][part]} is missing, and so is ${pairs[1][part]}: set one of them (the database's REST tab has the line to copy; ` +
        "without an account restis-local prints one), and in a Worker hand its env over: Redis.fromEnv(env)",
    );
  }
  return { ...options, url: text(names.url), token: text(names.token), [NAMES]: names };
}
