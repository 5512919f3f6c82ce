// The declarations, by every way TypeScript resolves a package: types.test-d.ts, strict.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "node:test";

const here = dirname(fileURLToPath(import.meta.url));
const typescript = createRequire(import.meta.url).resolve("typescript/package.json");
const tsc = join(dirname(typescript), "bin/tsc");

for (const [resolution, module] of [["bundler", "esnext"], ["node16", "node16"], ["nodenext", "nodenext"]]) {
  test(`module resolution ${resolution}`, () => {
    const options = `--noEmit --strict --exactOptionalPropertyTypes --skipLibCheck false --target es2022 --lib es2022,dom --module ${module} --moduleResolution ${resolution}`;
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [tsc, ...options.split(" "), "types.test-d.ts"],
      { cwd: here, encoding: "utf8" },
    );
    assert.equal(status, 0, stdout + stderr);
  });
}
