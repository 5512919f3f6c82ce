/** The client for hosts that bring the wasm module themselves: call `init` or `initSync` first. */

export * from "./index.js";

/** What the module can be made of: `restis/redis.wasm` compiled, as bytes, as a response, or its address. */
export type Source = WebAssembly.Module | BufferSource | Response | Promise<Response> | URL | string;

/** Starts from anything that holds the module. */
export function init(module: Source): Promise<void>;

/** Starts from a compiled module or its bytes, at once. */
export function initSync(options: { module: WebAssembly.Module | BufferSource }): void;
