// restis/helpers in Node, Deno and Bun: reads the module from beside this file, at once.

import { readFileSync } from "node:fs";
import { start } from "./engine.js";
import { ConfigError } from "./errors.js";
import { Client, errorInBatch, initSync, Lock } from "./wasm/helpers.js";

function module() {
  try {
    return readFileSync(new URL("./wasm/helpers_bg.wasm", import.meta.url));
  } catch (cause) {
    throw new ConfigError(
      "restis was bundled without its wasm: keep it out of the bundle (esbuild: --external:restis), or use restis/slim",
      { cause },
    );
  }
}

start({ Client, errorInBatch, initSync, Lock }, module());

export * from "./helpers.js";
