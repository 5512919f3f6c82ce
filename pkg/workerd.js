// Cloudflare's workerd: the module is compiled when the Worker is deployed, and imported.

import module from "./wasm/restis_bg.wasm";
import { start } from "./engine.js";
import { Client, errorInBatch, initSync } from "./wasm/restis.js";

start({ Client, errorInBatch, initSync }, module);

export * from "./index.js";
