// Node, Deno and Bun: reads the module from beside this file, at once.

import { start } from "./engine.js";
import { moduleAt } from "./node-module.js";
import { Redis as Class } from "./redis.js";
import { Client, errorInBatch, initSync } from "./wasm/restis.js";

start({ Client, errorInBatch, initSync }, moduleAt(new URL("./wasm/restis_bg.wasm", import.meta.url)));

export * from "./index.js";
// A binding of this file, and not one that passes through: a bundler that ignores package.json's sideEffects, as Nitro's does, keeps
// the call above only if it uses one.
export const Redis = Class;
