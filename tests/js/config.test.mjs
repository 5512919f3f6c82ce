// URL, token and settings that cannot work: a ConfigError that names them and the fix, before anything is sent.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError, errors, Redis } from "restis";
import { mocked } from "./support.mjs";

const good = { url: "https://a-name.upstash.io", token: "a-token" };

function refused(make, ...words) {
  assert.throws(make, (error) => {
    assert.ok(error instanceof ConfigError && error instanceof errors.UrlError, String(error));
    assert.deepEqual([error.name, error.kind], ["ConfigError", "config"]);
    for (const word of words) assert.ok(error.message.includes(word), `${word}: ${error.message}`);
    assert.ok(!/secret|::/.test(error.message), error.message);
    return true;
  });
}

test("what is wrong with URL and token is said by the constructor", () => {
  refused(() => new Redis({}), "url is missing", "restis-local");
  refused(() => new Redis({ url: good.url }), "token is missing");
  refused(() => new Redis({ ...good, url: "" }), "url is missing");
  refused(() => new Redis(), "new Redis({ url, token })");
  refused(() => new Redis(null), "new Redis({ url, token })");
  refused(() => new Redis({ ...good, url: new URL(good.url) }), "url is not a string");
  refused(() => new Redis({ ...good, url: "secret" }), "url", "https://");
  refused(() => new Redis({ ...good, url: `${good.url}\n` }), "url", "newline");
  refused(() => new Redis({ ...good, token: " secret" }), "token", "whitespace");
  refused(() => new Redis({ ...good, token: "https://secret.io" }), "token is a URL");
  refused(() => new Redis({ ...good, url: "rediss://default:secret@host:6379" }), "url", "REST URL");
  refused(() => new Redis({ ...good, url: "http://secret.io" }), "url", "allowPlainHttp");
  refused(() => new Redis({ ...good, url: "https://host.io/?_token=secret" }), "url", "query");
});

test("plain HTTP is for this machine, or by permission", () => {
  for (const url of ["http://localhost:8079", "http://127.0.0.1:1", "http://[::1]:8079"]) new Redis({ ...good, url });
  new Redis({ ...good, url: "http://redis-rest:80", allowPlainHttp: true });
});

test("settings of a wrong type", () => {
  for (const timeout of [0, -1, NaN, "5s", null]) {
    refused(() => new Redis({ ...good, timeout }), "timeout", "milliseconds");
    refused(() => new Redis({ ...good, attemptTimeout: timeout }), "attemptTimeout", "milliseconds");
  }
  new Redis({ ...good, timeout: Infinity });
  refused(() => new Redis({ ...good, retry: true }), "retry");
  refused(() => new Redis({ ...good, retry: null }), "retry");
  for (const retries of [1.5, NaN, Infinity, -1, 1e300, null]) refused(() => new Redis({ ...good, retry: { retries } }), "retry.retries");
  refused(() => new Redis({ ...good, retry: { retries: 2, backoff: () => NaN } }), "retry.backoff");
  refused(() => new Redis({ ...good, retry: { baseDelay: "1" } }), "retry.baseDelay");
  refused(() => new Redis({ ...good, fetch: {} }), "fetch");
  refused(() => new Redis({ ...good, fetch: null }), "fetch");
});

test("an environment without them names both variables, one that has them names the one that is wrong", () => {
  refused(() => Redis.fromEnv({}), "UPSTASH_REDIS_REST_URL", "KV_REST_API_URL", "Redis.fromEnv(env)");
  refused(() => Redis.fromEnv({ KV_REST_API_URL: good.url }), "UPSTASH_REDIS_REST_TOKEN", "KV_REST_API_TOKEN");
  refused(() => Redis.fromEnv({ KV_REST_API_URL: "secret", KV_REST_API_TOKEN: "t" }), "KV_REST_API_URL", "https://");
  refused(() => Redis.fromEnv({ UPSTASH_REDIS_REST_URL: good.url, UPSTASH_REDIS_REST_TOKEN: "'secret'" }), "UPSTASH_REDIS_REST_TOKEN", "quotes");
  refused(() => Redis.fromEnv(null), "Redis.fromEnv(env)");
});

test("making a client sends nothing and asks neither for the time nor for a random number", () => {
  const { now } = Date;
  const { random } = Math;
  const asked = [];
  Date.now = () => (asked.push("time"), now());
  Math.random = () => (asked.push("random"), random());
  try {
    const { requests } = mocked(() => '{"result":1}');
    assert.deepEqual([asked, requests], [[], []]);
  } finally {
    Object.assign(Date, { now });
    Object.assign(Math, { random });
  }
});

test("an object with fetch is called as its method, which is what a service binding needs", async () => {
  const binding = {
    answer: '{"result":"PONG"}',
    async fetch() {
      return new Response(this.answer);
    },
  };
  assert.equal(await new Redis({ ...good, fetch: binding }).ping(), "PONG");
});

test("neither a client nor an error shows the token", async () => {
  const { inspect } = await import("node:util");
  const redis = new Redis({ ...good, token: "very-secret" });
  assert.ok(!inspect(redis, { showHidden: true, depth: 9 }).includes("very-secret"));
  assert.equal(JSON.stringify(redis), '{"json":{},"functions":{},"search":{"alias":{}},"vector":{}}');
});
