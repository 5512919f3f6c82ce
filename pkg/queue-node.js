// restis/queue in Node, Deno and Bun: reads the module from beside this file, at once.

import { readFileSync } from "node:fs";
import { start } from "./queue.js";

start(readFileSync(new URL("./wasm/queue_bg.wasm", import.meta.url)));

export { FlowProducer, Queue } from "./queue.js";
