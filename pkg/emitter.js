// Events in the shape of Node's EventEmitter, for runtimes that have no `node:events`.

export class Emitter {
  #listeners = new Map();

  /** Calls the listener at each event. */
  on(event, listener) {
    return this.#add(event, listener, { listener });
  }

  addListener(event, listener) {
    return this.on(event, listener);
  }

  prependListener(event, listener) {
    return this.#add(event, listener, { listener }, true);
  }

  /** Calls the listener at the next event only. */
  once(event, listener) {
    return this.#add(event, listener, { listener, once: true });
  }

  prependOnceListener(event, listener) {
    return this.#add(event, listener, { listener, once: true }, true);
  }

  #add(event, listener, entry, first) {
    if (typeof listener !== "function") throw new TypeError(`the listener of ${String(event)} must be a function`);
    const list = this.#listeners.get(event) ?? [];
    this.#listeners.set(event, first ? [entry, ...list] : [...list, entry]);
    return this;
  }

  /** Removes the listener that was added last. */
  off(event, listener) {
    const list = this.#listeners.get(event) ?? [];
    const index = list.findLastIndex((entry) => entry.listener === listener);
    if (index !== -1) this.#listeners.set(event, list.toSpliced(index, 1));
    return this;
  }

  removeListener(event, listener) {
    return this.off(event, listener);
  }

  removeAllListeners(event) {
    if (event === undefined) this.#listeners.clear();
    else this.#listeners.delete(event);
    return this;
  }

  /** Calls the listeners in their order. Returns whether there was one. */
  emit(event, ...args) {
    const list = this.#listeners.get(event) ?? [];
    // As in Node: an error without a listener is thrown.
    if (list.length === 0 && event === "error") throw args[0];
    for (const entry of list) {
      if (entry.once) this.#listeners.set(event, this.#listeners.get(event).filter((one) => one !== entry));
      entry.listener.apply(this, args);
    }
    return list.length > 0;
  }

  listeners(event) {
    return (this.#listeners.get(event) ?? []).map(({ listener }) => listener);
  }

  listenerCount(event) {
    return this.listeners(event).length;
  }

  eventNames() {
    return [...this.#listeners.keys()].filter((event) => this.listenerCount(event) > 0);
  }

  /** Any number of listeners is allowed. */
  setMaxListeners() {
    return this;
  }

  getMaxListeners() {
    return Infinity;
  }
}
