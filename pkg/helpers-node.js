// restis/helpers in Node, Deno and Bun: reads the module from beside this file, at once.

import { start } from "./engine.js";
import { moduleAt } from "./node-module.js";
import { Client, errorInBatch, initSync, Lock } from "./wasm/helpers.js";

start({ Client, errorInBatch, initSync, Lock }, moduleAt(new URL("./wasm/helpers_bg.wasm", import.meta.url)));

export * from "./helpers.js";
