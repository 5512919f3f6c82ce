// restis/helpers in browsers and bundlers: the module is fetched from beside this file, by the first call.

import { startLater } from "./engine.js";
import load, { Client, errorInBatch, Lock } from "./wasm/helpers.js";

startLater({ Client, errorInBatch, Lock }, () => load({ module_or_path: new URL("./wasm/helpers_bg.wasm", import.meta.url) }));

export * from "./helpers.js";
