// The package in Deno and Bun, and its manifest as publint and are-the-types-wrong see it.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expected } from "./program.mjs";
import { token, url } from "./support.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "node_modules");
const run = promisify(execFile);
const arm = process.arch === "arm64";
const deno = join(modules, "@deno", arm ? "linux-arm64-glibc" : "linux-x64-glibc", "deno");
const bun = join(modules, "@oven", arm ? "bun-linux-aarch64" : "bun-linux-x64", "bin/bun");

/** What a runtime prints that runs the small program, and adds a job. */
async function printed(program, words, prefix) {
  assert.ok(existsSync(program), `${program} is missing: \`cargo xtask tools\` installs it`);
  const env = { ...process.env, RESTIS_TEST_URL: url, RESTIS_TEST_TOKEN: token, RESTIS_TEST_PREFIX: prefix };
  const { stdout } = await run(program, [...words, "run-program.mjs"], { cwd: here, env });
  return JSON.parse(stdout);
}

for (const [name, program, words] of [
  ["Deno", deno, ["run", "--quiet", "--allow-env", "--allow-net", "--allow-read", "--no-lock", "--node-modules-dir=manual"]],
  ["Bun", bun, ["run"]],
]) {
  test(`the small program, and a job, in ${name}`, async () => {
    const prefix = `runtimes-${name}-${Date.now()}`;
    const { found, job } = await printed(program, words, prefix);
    assert.deepEqual(found, expected);
    assert.deepEqual(job, { name: "greet", data: { text: "grüße" }, stored: { text: "grüße" } });
  });
}

const node = (script, ...words) => run(process.execPath, [join(modules, script), ...words], { cwd: here });
const tarball = readdirSync(here).find((name) => name.endsWith(".tgz"));

test("publint has nothing to say", async () => {
  const { stdout } = await node("publint/src/cli.js", `./${tarball}`, "--strict");
  assert.match(stdout, /All good/);
});

test("the types are right", async () => {
  const wasm = ["--exclude-entrypoints", "redis.wasm", "helpers.wasm", "queue.wasm"];
  // It ends with an error where it finds one.
  const { stdout } = await node("@arethetypeswrong/cli/dist/index.js", tarball, "--profile", "esm-only", ...wasm);
  for (const entry of ["restis", "restis/helpers", "restis/queue", "restis/slim", "restis/better-auth", "restis/unstorage", "restis/keyv", "restis/next", "restis/node-redis"]) {
    assert.ok(stdout.includes(`"${entry}"`), entry);
  }
});
