// restis/queue in Cloudflare's workerd: the module is compiled when the Worker is deployed, and imported.

import module from "./wasm/queue_bg.wasm";
import { FlowProducer as Flow, Queue as Adding, start } from "./queue.js";

start(module);

// Bindings of this file, and none that pass through: see workerd.js.
export const FlowProducer = Flow;
export const Queue = Adding;
