// Cloudflare's workerd: the module is compiled when the Worker is deployed, and imported.

import module from "./wasm/restis_bg.wasm";
import { start } from "./engine.js";
import { Redis as Class } from "./redis.js";
import { Client, errorInBatch, initSync } from "./wasm/restis.js";

start({ Client, errorInBatch, initSync }, module);

export * from "./index.js";
// A binding of this file, and not one that passes through: a bundler that ignores package.json's sideEffects, as Nitro's does, keeps
// the call above only if it uses one.
export const Redis = Class;
