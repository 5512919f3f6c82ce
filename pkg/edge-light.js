// Vercel's edge runtime: `?module` asks its bundler for a compiled module.

import module from "./wasm/restis_bg.wasm?module";
import { start } from "./engine.js";
import { Client, errorInBatch, initSync } from "./wasm/restis.js";

start({ Client, errorInBatch, initSync }, module);

export * from "./index.js";
