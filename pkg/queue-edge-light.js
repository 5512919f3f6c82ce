// restis/queue in Vercel's edge runtime: `?module` asks its bundler for a compiled module.

import module from "./wasm/queue_bg.wasm?module";
import { FlowProducer as Flow, Queue as Adding, start } from "./queue.js";

start(module);

// Bindings of this file, and none that pass through: see workerd.js.
export const FlowProducer = Flow;
export const Queue = Adding;
