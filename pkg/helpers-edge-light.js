// restis/helpers in Vercel's edge runtime: `?module` asks its bundler for a compiled module.

import module from "./wasm/helpers_bg.wasm?module";
import { start } from "./engine.js";
import { Client, errorInBatch, initSync, Lock } from "./wasm/helpers.js";

start({ Client, errorInBatch, initSync, Lock }, module);

export * from "./helpers.js";
