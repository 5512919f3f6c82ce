// restis/helpers in Cloudflare's workerd: the module is compiled when the Worker is deployed.

import module from "./wasm/helpers_bg.wasm";
import { start } from "./engine.js";
import { Client, errorInBatch, initSync, Lock } from "./wasm/helpers.js";

start({ Client, errorInBatch, initSync, Lock }, module);

export * from "./helpers.js";
