// The wasm module: started by the loader of a runtime, at once where that is possible, else at the first call.

import { Client, errorInBatch, initSync } from "./wasm/restis.js";
import { ConfigError, ConnectError } from "./errors.js";

let ready = false;
let loading;
let load;

/** Starts from a compiled module or its bytes, at once. */
export function start(module) {
  initSync({ module });
  ready = true;
}

/** Says how the first call gets the module. What that takes is only in the loaders that need it. */
export function startLater(how) {
  load = how;
}

async function begin(module) {
  try {
    await load(module);
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConnectError("the wasm module of restis could not be loaded; serve restis_bg.wasm beside the script", {
      cause,
      retryable: true,
    });
  }
  ready = true;
}

/** Waits until the module runs. Commands do that by themselves. */
export function init(module) {
  if (ready) return Promise.resolve();
  // One promise for all, and another try after a failure: the network may be back.
  if (loading !== undefined && module === undefined) return loading;
  const begun = begin(module).finally(() => {
    if (loading === begun) loading = undefined;
  });
  loading = begun;
  return begun;
}

export const isReady = () => ready;

export { errorInBatch };

/** The engine's client, which checks the settings; throws what it throws. */
export function connect({ url, token, timeout, attemptTimeout, retry, allowPlainHttp, readYourWrites, enableAutoPipelining, fetch }) {
  const again = [retry?.retries, retry?.baseDelay, retry?.maxDelay, retry?.evenIfAmbiguous];
  return new Client(url, token, timeout, attemptTimeout, ...again, allowPlainHttp, readYourWrites, enableAutoPipelining, fetch);
}
