// Cloudflare's workerd: the module is compiled when the Worker is deployed, and imported.

import module from "./wasm/restis_bg.wasm";
import { start } from "./engine.js";

start(module);

export * from "./index.js";
