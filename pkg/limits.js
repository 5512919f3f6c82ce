// Rate limits, over the module of the helpers.

import { ConfigError } from "./errors.js";
import { checked, Helper, millis, text, whole } from "./helper.js";
import * as wasm from "./wasm/helpers.js";

const LIMITS = {
  prefix: "text", policy: "text", localDeny: "flag", lease: "count", dynamic: "flag", blockable: "flag", denyList: "flag",
  allow: "texts", deny: "texts", failOpen: "ms", failClosed: "ms", failLocal: "ms",
};

/** Limits, rates and costs of 0 have no meaning. */
function positive(what, value) {
  if (whole(what, value) > 0) return value;
  throw new TypeError(`${what} is 0: use 1 or more`);
}

/** Nor has a window of 0. */
function longer(what, value) {
  if (millis(what, value) > 0) return value;
  throw new TypeError(`${what} is 0 milliseconds: use 1 or more`);
}

/** A decision, with the fields of an HTTP response. */
function decided({ retryAfterField, rateLimitField, rateLimitPolicyField, problem, ...decision }) {
  const headers = {};
  if (rateLimitField !== undefined) headers.RateLimit = rateLimitField;
  if (rateLimitPolicyField !== undefined) headers["RateLimit-Policy"] = rateLimitPolicyField;
  if (retryAfterField !== undefined) headers["Retry-After"] = retryAfterField;
  return { ...decision, headers, problem: JSON.parse(problem) };
}

export class RateLimiter {
  #helper;

  constructor(redis, { algorithm, limit, window, most = 1 }, options) {
    const given = checked("RateLimiter", options, LIMITS);
    const [first, second] = algorithm === "tokenBucket" ? ["rate", "interval"] : ["limit", "window"];
    const what = (name) => `RateLimiter: the ${name}`;
    const [calls, time, top] = [positive(what(first), limit), longer(what(second), window), positive(what("most"), most)];
    if (algorithm === "gcra" && calls > time * 1000) throw new TypeError("RateLimiter: the limit of gcra is above one call per microsecond of the window");
    if (given.lease === 0) throw new ConfigError("RateLimiter: lease is 0: use 1 or more");
    for (const name of ["failOpen", "failClosed", "failLocal"]) if (given[name] === 0) throw new ConfigError(`RateLimiter: ${name} is 0 milliseconds: use 1 or more`);
    this.#helper = new Helper("RateLimiter", redis, (client) => new wasm.RateLimiter(client, algorithm, calls, time, top, given));
  }

  static {
    for (const algorithm of ["fixedWindow", "slidingWindow", "gcra", "strictWindow"]) {
      this[algorithm] = (redis, limit, window, options) => new this(redis, { algorithm, limit, window }, options);
    }
  }

  static tokenBucket(redis, rate, interval, most, options) {
    return new this(redis, { algorithm: "tokenBucket", limit: rate, window: interval, most }, options);
  }

  #id(id) {
    return text("RateLimiter: the id", id);
  }

  async check(id, { cost = 1 } = {}) {
    return decided(await this.#helper.call("check", this.#id(id), positive("RateLimiter: the cost", cost)));
  }

  async untilReady(id, wait) {
    return decided(await this.#helper.call("untilReady", this.#id(id), millis("RateLimiter: the wait", wait)));
  }

  async peek(id) {
    return decided(await this.#helper.call("peek", this.#id(id)));
  }

  async refund(id, cost = 1) {
    await this.#helper.call("refund", this.#id(id), whole("RateLimiter: the cost", cost));
  }

  async penalty(id, cost) {
    return decided(await this.#helper.call("penalty", this.#id(id), whole("RateLimiter: the cost", cost)));
  }

  async block(id, time) {
    await this.#helper.call("block", this.#id(id), longer("RateLimiter: the time", time));
  }

  async unblock(id) {
    await this.#helper.call("unblock", this.#id(id));
  }

  async setDynamicLimit(limit) {
    await this.#helper.call("setDynamicLimit", limit === null ? undefined : whole("RateLimiter: the limit", limit));
  }

  async dynamicLimit() {
    return this.#helper.call("dynamicLimit");
  }

  async reset(id) {
    await this.#helper.call("reset", this.#id(id));
  }
}
