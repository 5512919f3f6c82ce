// Work that runs once for each key, over the module of the helpers.

import { checked, Helper, json, text } from "./helper.js";
import { lost } from "./locks.js";
import * as wasm from "./wasm/helpers.js";

export class Idempotency {
  #helper;

  constructor(redis, options) {
    const given = checked("Idempotency", options, { namespace: "text", lease: "ms", ttl: "ms" });
    this.#helper = new Helper("Idempotency", redis, (client) => new wasm.Idempotency(client, given));
  }

  async run(key, payload, work) {
    const bytes = payload instanceof Uint8Array ? payload : new TextEncoder().encode(typeof payload === "string" ? payload : json("Idempotency: the payload", payload));
    const written = async () => json("Idempotency: the answer", await work());
    const { status, json: answer, lost: reason, ...found } = await this.#helper.call("run", text("Idempotency: the key", key), bytes, written);
    if (status === "lost") throw lost("Idempotency", reason);
    return answer === undefined ? { status, ...found } : { status, value: JSON.parse(answer) };
  }
}
