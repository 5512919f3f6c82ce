// restis/queue in browsers and bundlers: the module is fetched from beside this file, by the first job.

import { startLater } from "./queue.js";

startLater(() => new URL("./wasm/queue_bg.wasm", import.meta.url));

export { FlowProducer, Queue } from "./queue.js";
