// How the loaders of Node, Deno and Bun read a module.

import { readFileSync } from "node:fs";
import { ConfigError } from "./errors.js";

/** The bytes of a module. Its URL stands in the loader, where tools that trace files look for it. */
export function moduleAt(url) {
  try {
    return readFileSync(url);
  } catch (cause) {
    throw new ConfigError(
      "restis was bundled without its wasm: keep it out of the bundle (esbuild: --external:restis), or use restis/slim",
      { cause },
    );
  }
}
