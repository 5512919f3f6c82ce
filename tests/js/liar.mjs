// The hostile server of the crate restis-testing, for the tests that drive runtimes.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** Starts it. `isRight` checks what a runtime made of its lies. */
export async function startLiar() {
  const program = process.env.RESTIS_LIAR;
  if (!program) throw new Error("set RESTIS_LIAR to the program liar of the crate restis-testing");
  const server = spawn(program, { stdio: ["pipe", "pipe", "inherit"] });
  const liar = await new Promise((resolve) => createInterface({ input: server.stdout }).once("line", resolve));
  const counted = async () => (await fetch(`${liar}/count`)).json();
  const { names } = await counted();
  const count = names.length;
  assert.ok(count >= 200);
  const isRight = async ({ wrong, values, errors }) => {
    assert.deepEqual(wrong, []);
    assert.ok(values > 0 && errors > 0);
    assert.equal((await counted()).stolen, 0, "a redirect was followed");
  };
  return { liar, count, names, isRight, stop: () => server.kill() };
}
