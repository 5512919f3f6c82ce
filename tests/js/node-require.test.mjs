// The package required from CommonJS: the same module as the imported one, and the small program.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as imported from "restis";
import * as slim from "restis/slim";
import { expected, program } from "./program.mjs";
import required from "./require.cjs";
import { rejection, token, url } from "./support.mjs";

test("the small program", async () => {
  assert.deepEqual(await program(required, { url, token, prefix: `node-require-${process.version}` }), expected);
});

test("every way in leads to the same classes", async () => {
  for (const name of Object.keys(imported)) {
    assert.equal(required[name], imported[name], name);
    assert.equal(slim[name], imported[name], name);
  }
  assert.equal(required.errors.UpstashError, imported.RedisError);
  const error = await rejection(new required.Redis({ url, token }).command("NO_SUCH_COMMAND"));
  assert.ok(error instanceof imported.RedisError);
  assert.ok(error instanceof slim.errors.UpstashError);
});

test("init is there and has nothing left to do", async () => {
  assert.equal(await imported.init(), undefined);
});
