// Browsers and bundlers: the module is fetched from beside this file, by the first command.

import { startLater } from "./engine.js";
import { Redis as Class } from "./redis.js";
import load, { Client, errorInBatch } from "./wasm/restis.js";

startLater({ Client, errorInBatch }, () => load({ module_or_path: new URL("./wasm/restis_bg.wasm", import.meta.url) }));

export * from "./index.js";
// A binding of this file, and not one that passes through: a bundler that ignores package.json's sideEffects, as Nitro's does, keeps
// the call above only if it uses one.
export const Redis = Class;
