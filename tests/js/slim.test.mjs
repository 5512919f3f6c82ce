// restis/slim, where the host brings the module. Nothing here may import "restis", which would start it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { ConfigError, init, initSync, Redis } from "restis/slim";
import { expected, program } from "./program.mjs";

const url = process.env.RESTIS_TEST_URL ?? process.env.UPSTASH_REDIS_REST_URL;
const token = process.env.RESTIS_TEST_TOKEN ?? process.env.UPSTASH_REDIS_REST_TOKEN;
const bytes = readFileSync(createRequire(import.meta.url).resolve("restis/redis.wasm"));

test("a command before the module says how to start it, and works after that", async () => {
  const redis = new Redis({ url, token });
  await assert.rejects(redis.ping(), (error) => error instanceof ConfigError && /init\(module\)/.test(error.message));
  await assert.rejects(init(Buffer.from("not a module")), { name: "ConnectError" });
  await Promise.all([init(bytes), init(bytes)]);
  assert.equal(await redis.ping(), "PONG");
});

test("the small program, started at once", async () => {
  initSync({ module: new WebAssembly.Module(bytes) });
  const slim = await import("restis/slim");
  assert.deepEqual(await program(slim, { url, token, prefix: `slim-${process.version}` }), expected);
});
