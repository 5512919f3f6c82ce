// Node, Deno and Bun: reads the module from beside this file, at once.

import { start } from "./engine.js";
import { moduleAt } from "./node-module.js";
import { Client, errorInBatch, initSync } from "./wasm/restis.js";

start({ Client, errorInBatch, initSync }, moduleAt(new URL("./wasm/restis_bg.wasm", import.meta.url)));

export * from "./index.js";
