// Work that runs once for each key, over the module of the helpers.

import { aboveZero, checked, Helper, json, text } from "./helper.js";
import { lost } from "./locks.js";
import * as wasm from "./wasm/helpers.js";

export class Idempotency {
  #helper;

  constructor(redis, options) {
    const given = aboveZero("Idempotency", checked("Idempotency", options, { namespace: "text", lease: "ms", ttl: "ms" }), "lease", "ttl");
    this.#helper = new Helper("Idempotency", redis, (client) => new wasm.Idempotency(client, given));
  }

  async run(key, payload, work) {
    const bytes = payload instanceof Uint8Array ? payload : new TextEncoder().encode(typeof payload === "string" ? payload : json("Idempotency: the payload", payload));
    let value;
    const written = async () => {
      value = await work();
      try {
        return json("Idempotency: the answer", value);
      } catch {
        // The work is done, whatever it returned.
        return undefined;
      }
    };
    const { status, json: answer, lost: reason, ...found } = await this.#helper.call("run", text("Idempotency: the key", key), bytes, written);
    if (status === "lost") throw lost("Idempotency", reason);
    if (answer !== undefined) return { status, value: JSON.parse(answer) };
    return status === "now" ? { status, value } : { status, ...found };
  }
}
