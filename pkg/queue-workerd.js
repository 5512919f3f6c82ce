// restis/queue in Cloudflare's workerd: the module is compiled when the Worker is deployed, and imported.

import module from "./wasm/queue_bg.wasm";
import { start } from "./queue.js";

start(module);

export { FlowProducer, Queue } from "./queue.js";
