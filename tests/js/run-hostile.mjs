// Runs the calls to the hostile server in Node, Deno or Bun, and prints the result as JSON. hostile.test.mjs starts it.

import process from "node:process";
import * as restis from "restis";
import { hostile } from "./hostile.mjs";

const { RESTIS_TEST_LIES: liar, RESTIS_TEST_COUNT: count } = process.env;
const found = await hostile(restis, liar, 0, Number(count));
// In MB, the most there was.
const peak = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(JSON.stringify({ ...found, peak }));
process.exit(0);
