// Browsers and bundlers: the module is fetched from beside this file, by the first command.

import { startLater } from "./engine.js";
import load, { Client, errorInBatch } from "./wasm/restis.js";

startLater({ Client, errorInBatch }, () => load({ module_or_path: new URL("./wasm/restis_bg.wasm", import.meta.url) }));

export * from "./index.js";
