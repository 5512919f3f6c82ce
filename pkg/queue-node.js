// restis/queue in Node, Deno and Bun: reads the module from beside this file, at once.

import { readFileSync } from "node:fs";
import { FlowProducer as Flow, Queue as Adding, start } from "./queue.js";

start(readFileSync(new URL("./wasm/queue_bg.wasm", import.meta.url)));

// Bindings of this file, and none that pass through: see workerd.js.
export const FlowProducer = Flow;
export const Queue = Adding;
