// restis/queue: `Queue` and `FlowProducer` over a small module that only says what a job is sent as.

import { classes } from "./jobs.js";
import load, { initSync, request as plan, script } from "./wasm/queue.js";

let ready = false;
let loading;
let later;

/** Starts from a compiled module or its bytes, at once. */
export function start(module) {
  initSync({ module });
  ready = true;
}

/** Says where the first job gets the module from. */
export function startLater(where) {
  later = where;
}

async function begin() {
  if (ready) return;
  // One promise for all, and another try after a failure.
  loading ??= load({ module_or_path: later() }).finally(() => (loading = undefined));
  await loading;
  ready = true;
}

export const { Queue, FlowProducer } = classes({ begin, plan, script });
