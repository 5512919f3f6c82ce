// A hostile server to the package in Node, Deno and Bun: each of its lies is a value or an error of the package, in bounded time and memory, and
// the same client goes on with the next call. Nothing follows a redirect with the token.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startLiar } from "./liar.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "node_modules");
const arm = process.arch === "arm64";
const run = promisify(execFile);

let lies;
before(async () => {
  lies = await startLiar();
});
after(() => lies?.stop());

for (const [name, command, words] of [
  ["Node", process.execPath, []],
  ["Deno", join(modules, "@deno", arm ? "linux-arm64-glibc" : "linux-x64-glibc", "deno"), ["run", "--quiet", "--allow-env", "--allow-net", "--allow-read", "--no-lock", "--node-modules-dir=manual"]],
  ["Bun", join(modules, "@oven", arm ? "bun-linux-aarch64" : "bun-linux-x64", "bin/bun"), ["run"]],
]) {
  test(`in ${name}`, async () => {
    const env = { ...process.env, RESTIS_TEST_LIES: lies.liar, RESTIS_TEST_COUNT: lies.count };
    const { stdout } = await run(command, [...words, "run-hostile.mjs"], { cwd: here, env, maxBuffer: 64 * 1024 * 1024 });
    const { peak, ...found } = JSON.parse(stdout);
    await lies.isRight(found);
    // The runtime itself, and what it reads ahead of each connection. A body that is kept whole would be gigabytes.
    assert.ok(peak < 1024, `${peak} MB`);
  });
}

