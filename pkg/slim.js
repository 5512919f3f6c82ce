// Any other host: you bring the module, by `init` or `initSync`.

import { start } from "./engine.js";

/** Starts from a compiled module or its bytes, at once. */
export const initSync = ({ module }) => start(module);

export * from "./index.js";
