// Rate limits, over the module of the helpers.

import { checked, Helper, millis, text, whole } from "./helper.js";
import * as wasm from "./wasm/helpers.js";

const LIMITS = {
  prefix: "text", policy: "text", localDeny: "flag", lease: "count", dynamic: "flag", blockable: "flag", denyList: "flag",
  allow: "texts", deny: "texts", failOpen: "ms", failClosed: "ms", failLocal: "ms",
};

/** A decision, with what an answer says of it. */
function decided({ retryAfterField, rateLimitField, rateLimitPolicyField, problem, ...decision }) {
  const headers = {};
  if (rateLimitField !== undefined) headers.RateLimit = rateLimitField;
  if (rateLimitPolicyField !== undefined) headers["RateLimit-Policy"] = rateLimitPolicyField;
  if (retryAfterField !== undefined) headers["Retry-After"] = retryAfterField;
  return { ...decision, headers, problem: JSON.parse(problem) };
}

export class RateLimiter {
  #helper;

  constructor(redis, { algorithm, limit, window, most = 0 }, options) {
    const given = checked("RateLimiter", options, LIMITS);
    const [calls, time, top] = [whole("RateLimiter: the limit", limit), millis("RateLimiter: the window", window), whole("RateLimiter: the most", most)];
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
    return decided(await this.#helper.call("check", this.#id(id), whole("RateLimiter: the cost", cost)));
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
    await this.#helper.call("block", this.#id(id), millis("RateLimiter: the time", time));
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
