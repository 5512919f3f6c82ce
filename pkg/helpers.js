// restis/helpers: the client, and over it cache, sessions, rate limits, locks, idempotency and the queue. What they do is the
// wasm module's; these files check what they are told, and make values of what they say.

export { Cache, Loaded } from "./cache.js";
export { Consumer, FlowProducer, Queue, UnrecoverableError } from "./consumer.js";
export { Idempotency } from "./idempotency.js";
export * from "./index.js";
export { RateLimiter } from "./limits.js";
export { Debounce, Lock, LostError, Semaphore, Throttle } from "./locks.js";
export { Cookie, Sessions } from "./sessions.js";
