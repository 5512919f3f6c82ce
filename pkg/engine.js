// The wasm module: started by the loader of a runtime, at once where that is possible, else at the first call.

import { ConfigError, ConnectError } from "./errors.js";

/** The module's exports: of the client alone, or of the client with the helpers. */
let wasm;
let ready = false;
let loading;
let load;

/** Whether a module of these exports is the one to use: that of the helpers takes the place of the client's, never the other way. */
function takes(exports) {
  if (wasm !== undefined && wasm !== exports && !exports.Lock) return false;
  if (wasm !== exports) ready = false;
  wasm = exports;
  return true;
}

/** Starts from a compiled module or its bytes, at once. */
export function start(exports, module) {
  if (!takes(exports)) return;
  exports.initSync({ module });
  ready = true;
}

/** Says how the first call gets the module. What that takes is only in the loaders that need it. */
export function startLater(exports, how) {
  if (takes(exports)) load = how;
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

export const errorInBatch = (words, command) => wasm.errorInBatch(words, command);

/** Of how a call is repeated nothing is said. */
export const UNSAID = Array(4);

/** A client of the module, which checks the settings; throws what it throws. */
export function connect({ url, token, timeout, attemptTimeout, maxResponseBytes, retry, allowPlainHttp, readYourWrites, enableAutoPipelining, fetch }) {
  return new wasm.Client(url, token, timeout, attemptTimeout, maxResponseBytes, ...(retry ?? UNSAID), allowPlainHttp, readYourWrites, enableAutoPipelining, fetch);
}
