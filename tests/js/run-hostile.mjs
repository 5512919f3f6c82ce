// Runs the calls to a server that lies in a runtime that tests start by its command, and prints what came of it.

import process from "node:process";
import * as restis from "restis";
import { hostile } from "./hostile.mjs";

const { RESTIS_TEST_LIES: liar, RESTIS_TEST_COUNT: count } = process.env;
const found = await hostile(restis, liar, 0, Number(count));
// In MB, the most there was.
const peak = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(JSON.stringify({ ...found, peak }));
process.exit(0);
