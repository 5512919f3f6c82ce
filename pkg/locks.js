// Locks, semaphores, throttles and debounces, over the module of the helpers.

import { ConfigError, define } from "./errors.js";
import { aboveZero, checked, Helper, millis, settled, text, whole } from "./helper.js";
import * as wasm from "./wasm/helpers.js";

/** The lease was lost before the work was finished: another holder may have it. The work was not stopped, only its signal aborted. */
export const LostError = define("lost", "LostError");

export const lost = (what, reason) =>
  new LostError(`${what}: the lease was lost before the work was finished, and another holder may have it: check what was done, then call again`, reason ? { cause: new Error(reason) } : {});

/** A lock or permit that is held. */
class Leased {
  #inner;
  #lease;
  #what;

  constructor(what, inner, lease) {
    this.#what = what;
    this.#inner = inner;
    this.#lease = lease;
    const fence = inner.fence?.();
    if (fence !== undefined) this.fence = fence;
  }

  validFor() {
    return this.#inner.validFor();
  }

  async extend(lease = this.#lease) {
    const { time } = aboveZero(this.#what, { time: millis("the lease", lease) }, "time");
    return settled(this.#inner.extend(time));
  }

  async release() {
    return settled(this.#inner.release());
  }

  async run(work) {
    // The engine cannot stop what JavaScript has begun.
    if (this.#inner.validFor() === 0) throw lost(this.#what);
    const controller = new AbortController();
    const { fence } = this;
    const begun = (async () => work({ signal: controller.signal, held: this, ...(fence === undefined ? {} : { fence }) }))();
    const done = await settled(this.#inner.run(begun));
    if ("value" in done) return done.value;
    const error = lost(this.#what, done.lost);
    controller.abort(error);
    throw error;
  }
}

/** What locks and semaphores do alike. */
class Acquired {
  #helper;
  #what;
  #lease;

  constructor(what, helper, lease) {
    this.#what = what;
    this.#helper = helper;
    this.#lease = lease;
  }

  #leased(inner) {
    return typeof inner === "object" ? new Leased(this.#what, inner, this.#lease) : null;
  }

  async tryAcquire() {
    return this.#leased(await this.#helper.call("tryAcquire"));
  }

  async acquire() {
    return this.#leased(await this.#helper.call("acquire"));
  }

  async run(work) {
    const held = await this.acquire();
    if (held === null) return { acquired: false };
    try {
      return { acquired: true, value: await held.run(work) };
    } finally {
      // If that fails, the lease ends it.
      await held.release().catch(() => {});
    }
  }

  helper() {
    return this.#helper;
  }
}

const LEASE = { lease: "ms", wait: "ms" };
/** The crate's default. */
const DEFAULT_LEASE = 10_000;

export class Lock extends Acquired {
  constructor(redis, names, options) {
    const given = aboveZero("Lock", checked("Lock", options, { ...LEASE, fenced: "flag" }), "lease");
    const all = (Array.isArray(names) ? names : [names]).map((name) => text("Lock: a name", name));
    if (all.length === 0) throw new TypeError("Lock: there is no name");
    if (new Set(all).size > 1000) throw new ConfigError("Lock: there are more than 1000 names; lock what they have in common");
    if (all.some((name) => name.endsWith(":fence"))) {
      throw new ConfigError("Lock: a name ends in :fence, as the key of another lock's fencing token does; choose another name");
    }
    super("Lock", new Helper("Lock", redis, (client) => new wasm.Lock(client, all, given)), given.lease ?? DEFAULT_LEASE);
  }

  async isHeld() {
    return this.helper().call("isHeld");
  }
}

export class Semaphore extends Acquired {
  #redis;
  #given;

  constructor(redis, name, permits, options, each) {
    const given = aboveZero("Semaphore", checked("Semaphore", options, LEASE), "lease");
    const [named, most] = [text("Semaphore: the name", name), whole("Semaphore: permits", permits)];
    aboveZero("Semaphore", { permits: most }, "permits");
    if (most >= 2 ** 32) throw new ConfigError("Semaphore: permits is more than 4294967295");
    const make = (client) => {
      const all = new wasm.Semaphore(client, named, most, given);
      return each === undefined ? all : all.forEach(each);
    };
    super("Semaphore", new Helper("Semaphore", redis, make), given.lease ?? DEFAULT_LEASE);
    this.#redis = redis;
    this.#given = [named, most, given];
  }

  /** As many permits for each id. */
  forEach(id) {
    return new Semaphore(this.#redis, ...this.#given, text("Semaphore: the id", id));
  }
}

export class Throttle {
  #helper;

  constructor(redis, name, options) {
    const given = aboveZero("Throttle", checked("Throttle", options, { every: "ms" }), "every");
    const named = text("Throttle: the name", name);
    this.#helper = new Helper("Throttle", redis, (client) => new wasm.Throttle(client, named, given));
  }

  async allow() {
    return this.#helper.call("allow");
  }

  async reset() {
    await this.#helper.call("reset");
  }
}

export class Debounce {
  #helper;

  constructor(redis, name, options) {
    const given = aboveZero("Debounce", checked("Debounce", options, { wait: "ms" }), "wait");
    const named = text("Debounce: the name", name);
    this.#helper = new Helper("Debounce", redis, (client) => new wasm.Debounce(client, named, given));
  }

  async isLast() {
    return this.#helper.call("isLast");
  }
}
