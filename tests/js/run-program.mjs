// Runs the small program and adds a job in a runtime that tests start by its command, and prints what came of it.

import process from "node:process";
import * as restis from "restis";
import { Queue } from "restis/queue";
import { program } from "./program.mjs";

const { RESTIS_TEST_URL: url, RESTIS_TEST_TOKEN: token, RESTIS_TEST_PREFIX: prefix } = process.env;
const found = await program(restis, { url, token, prefix });
const redis = new restis.Redis({ url, token });
const { id, name, data } = await new Queue(prefix, { redis }).add("greet", { text: "grüße" });
const stored = await redis.hget(`bull:${prefix}:${id}`, "data");
await redis.del([`bull:${prefix}:wait`, `bull:${prefix}:${id}`]);
console.log(JSON.stringify({ found, job: { name, data, stored } }));
