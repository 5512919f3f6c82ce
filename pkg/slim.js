// Any other host: you bring the module, by `init` or `initSync`.

import { start, startLater } from "./engine.js";
import { ConfigError } from "./errors.js";
import load, { Client, errorInBatch, initSync as startModule } from "./wasm/restis.js";

const exports = { Client, errorInBatch, initSync: startModule };

startLater(exports, (module) => {
  if (module !== undefined) return load({ module_or_path: module });
  throw new ConfigError("restis/slim: start it with init(module) or initSync({ module }) before the first command");
});

/** Starts from a compiled module or its bytes, at once. */
export const initSync = ({ module }) => start(exports, module);

export * from "./index.js";
