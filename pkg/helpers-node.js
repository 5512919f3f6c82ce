// restis/helpers in Node, Deno and Bun: reads the module from beside this file, at once.

import { start } from "./engine.js";
import * as helpers from "./helpers.js";
import { moduleAt } from "./node-module.js";
import { Client, errorInBatch, initSync, Lock as Marker } from "./wasm/helpers.js";

start({ Client, errorInBatch, initSync, Lock: Marker }, moduleAt(new URL("./wasm/helpers_bg.wasm", import.meta.url)));

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
