// restis/queue in Vercel's edge runtime: `?module` asks its bundler for a compiled module.

import module from "./wasm/queue_bg.wasm?module";
import { start } from "./queue.js";

start(module);

export { FlowProducer, Queue } from "./queue.js";
