// restis/helpers in browsers and bundlers: the module is fetched from beside this file, by the first call.

import { startLater } from "./engine.js";
import * as helpers from "./helpers.js";
import load, { Client, errorInBatch, Lock as Marker } from "./wasm/helpers.js";

startLater({ Client, errorInBatch, Lock: Marker }, () => load({ module_or_path: new URL("./wasm/helpers_bg.wasm", import.meta.url) }));

export * from "./helpers.js";
// Bindings of this file, and none that pass through: see workerd.js.
export const Cache = helpers.Cache;
export const Consumer = helpers.Consumer;
export const Debounce = helpers.Debounce;
export const FlowProducer = helpers.FlowProducer;
export const Idempotency = helpers.Idempotency;
export const Lock = helpers.Lock;
export const Queue = helpers.Queue;
export const RateLimiter = helpers.RateLimiter;
export const Redis = helpers.Redis;
export const Semaphore = helpers.Semaphore;
export const Sessions = helpers.Sessions;
export const Throttle = helpers.Throttle;
