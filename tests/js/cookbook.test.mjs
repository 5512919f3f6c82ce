// The JavaScript of docs/cookbook.md, each block run as it stands.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

import { Redis } from "restis";

const here = fileURLToPath(new URL(".", import.meta.url));
// This file is copied beside the packed package, two folders below the repository, and stands as deep in it.
const page = readFileSync(join(here, "../../docs/cookbook.md"), "utf8");
// Below this folder, so that the blocks find the package.
const folder = mkdtempSync(join(here, "cookbook-"));
after(() => rmSync(folder, { recursive: true }));

const sections = page.split(/^## /m).slice(1);
const blocks = sections.flatMap((section) => {
  const [title] = section.split("\n", 1);
  return [...section.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => ({ title, code }));
});

test("the page has JavaScript", () => assert.ok(blocks.length >= 10, `${blocks.length}`));

for (const [number, { title, code }] of blocks.entries()) {
  test(title, async () => {
    const url = process.env.RESTIS_TEST_URL;
    globalThis.redis = new Redis({ url, token: process.env.RESTIS_TEST_TOKEN });
    const file = join(folder, `${number}.mjs`);
    writeFileSync(file, code);
    await import(pathToFileURL(file).href);
  });
}
