// The declarations, by every way TypeScript resolves a package, in its last two major releases: types.test-d.ts, strict.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "node:test";

const here = dirname(fileURLToPath(import.meta.url));
const { resolve } = createRequire(import.meta.url);
const resolutions = [["bundler", "esnext"], ["node16", "node16"], ["nodenext", "nodenext"]];
const ways = ["typescript", "typescript7"].flatMap((release) => resolutions.map((way) => [release, ...way]));

for (const [release, resolution, module] of ways) {
  const manifest = resolve(`${release}/package.json`);
  const tsc = join(dirname(manifest), "bin/tsc");
  test(`${release}, module resolution ${resolution}`, () => {
    const options = `--noEmit --strict --exactOptionalPropertyTypes --skipLibCheck false --target es2022 --lib es2022,dom --module ${module} --moduleResolution ${resolution}`;
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [tsc, ...options.split(" "), "types.test-d.ts"],
      { cwd: here, encoding: "utf8" },
    );
    assert.equal(status, 0, stdout + stderr);
  });
}
