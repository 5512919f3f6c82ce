// Node, Deno and Bun: reads the module from beside this file, at once.

import { readFileSync } from "node:fs";
import { start } from "./engine.js";

start(readFileSync(new URL("./wasm/restis_bg.wasm", import.meta.url)));

export * from "./index.js";
