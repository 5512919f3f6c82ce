// The wasm module: started by the loader of a runtime, at once where that is possible, else at the first call.

import load, { Client, initSync } from "./wasm/restis.js";
import { ConfigError, ConnectError } from "./errors.js";

let ready = false;
let loading;
let locate = () => {
  throw new ConfigError("restis/slim: start it with init(module) or initSync({ module }) before the first command");
};

/** Starts from a compiled module or its bytes, at once. */
export function start(module) {
  initSync({ module });
  ready = true;
}

/** Says where the first call finds the module. */
export function startLater(where) {
  locate = where;
}

/** Waits until the module runs. Commands do that by themselves. */
export function init(module) {
  if (ready) return Promise.resolve();
  // One promise for all, and another try after a failure: the network may be back.
  loading ??= (async () => {
    try {
      await load({ module_or_path: module ?? locate() });
    } catch (cause) {
      loading = undefined;
      if (cause instanceof ConfigError) throw cause;
      throw new ConnectError("the wasm module of restis could not be loaded; serve restis_bg.wasm beside the script", {
        cause,
        retryable: true,
      });
    }
    ready = true;
  })();
  return loading;
}

export const isReady = () => ready;

/** The engine's client, which checks the settings; throws what it throws. */
export const connect = (settings) => new Client(settings);
