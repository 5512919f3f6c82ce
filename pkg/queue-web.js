// restis/queue in browsers and bundlers: the module is fetched from beside this file, by the first job.

import { FlowProducer as Flow, Queue as Adding, startLater } from "./queue.js";

startLater(() => new URL("./wasm/queue_bg.wasm", import.meta.url));

// Bindings of this file, and none that pass through: see workerd.js.
export const FlowProducer = Flow;
export const Queue = Adding;
