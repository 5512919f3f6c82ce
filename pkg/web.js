// Browsers and bundlers: the module is fetched from beside this file, by the first command.

import { startLater } from "./engine.js";

startLater(() => new URL("./wasm/restis_bg.wasm", import.meta.url));

export * from "./index.js";
