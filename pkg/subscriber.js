// Messages of channels as they are published: one stream of server-sent events for each, begun again when it ends.

import { HttpError, InterruptedError, RedisError, TimeoutError } from "./errors.js";
import { said } from "./fetch.js";
import { COMMA, glob } from "./glob.js";
import { decodeText } from "./text.js";

/** The waits before a stream is begun again: a random part of 100 ms, 200 ms… to 10 s. */
const wait = (attempt) => Math.random() * Math.min(100 * 2 ** attempt, 10_000);

/** How long a stream may take to begin, how long one holds that is no failure, and how many characters an event may have. */
const PATIENCE = 10_000;
const HELD = 1_000;
const LARGEST = 64 * 1024 * 1024;
/** How many bytes of a published channel's name are compared with a pattern. */
const LONGEST_NAME = 64 * 1024;

/**
 * The data of each event of a stream. The reader is given up however the loop over them ends.
 *
 * The first event is a confirmation, of one line. What follows it shows how this server ends its events: with an empty line,
 * or with each line of data. The first line shows whether its lines end in CRLF; where they do not, a CR is data.
 */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  // The parts of a line that has not ended: joined once, so that a long one is read in linear time.
  let rest = [];
  let data = [];
  let size = 0;
  let isFirst = true;
  let hasEnds;
  let crlf;
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      size += value.length;
      if (size > LARGEST) throw new HttpError(`subscribe: an event is larger than ${LARGEST} characters`, { retryable: true });
      if (!value.includes("\n")) {
        rest.push(value);
        continue;
      }
      const lines = (rest.join("") + value).split("\n");
      rest = [lines.pop()];
      for (let line of lines) {
        crlf ??= line.endsWith("\r");
        if (crlf && line.endsWith("\r")) line = line.slice(0, -1);
        if (line === "") {
          if (!isFirst) hasEnds ??= true;
          if (data.length > 0) yield data.join("\n");
          data = [];
          size = 0;
        } else if (line.startsWith("data:")) {
          const text = line.slice(line[5] === " " ? 6 : 5);
          if (!isFirst) hasEnds ??= false;
          if (hasEnds) {
            data.push(text);
            continue;
          }
          isFirst = false;
          size = 0;
          yield text;
        } else if (data.length > 0 && !/^(event|id|retry)?:/.test(line)) {
          // A payload of several lines, of which the server marks the first only.
          data.push(line);
        }
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

export class Subscriber extends EventTarget {
  #open;
  #word;
  #values;
  #links = new Map();
  #listeners = new Map();

  /** `open` begins a stream by its path, and gives the Response. */
  constructor(channels, { pattern, open, values }) {
    super();
    this.#word = pattern ? "psubscribe" : "subscribe";
    this.#open = open;
    this.#values = values;
    if (channels.length === 0) throw new TypeError(`${this.#word}: there is no name to subscribe to`);
    for (const channel of new Set(channels)) {
      // A URL drops these, even percent-encoded.
      if (/^\.{0,2}$/.test(channel)) throw new TypeError(`${this.#word}: a name is empty, "." or "..", which a URL path cannot hold`);
      const controller = new AbortController();
      this.#links.set(channel, controller);
      this.#follow(channel, controller.signal, pattern ? glob(channel) : undefined);
    }
  }

  /** Begins a stream, within a time. */
  async #begin(channel, signal) {
    const attempt = new AbortController();
    const giveUp = () => attempt.abort(signal.reason);
    signal.addEventListener("abort", giveUp);
    const late = new TimeoutError(`${this.#word}: no answer within ${PATIENCE} ms`, { retryable: true });
    const timer = setTimeout(() => attempt.abort(late), PATIENCE);
    let response;
    try {
      response = await this.#open(`${this.#word}/${encodeURIComponent(channel)}`, attempt.signal);
    } catch (error) {
      throw attempt.signal.reason === late ? late : error;
    } finally {
      clearTimeout(timer);
    }
    const { status } = response;
    const isStream = /^text\/event-stream\b/i.test(response.headers.get("content-type") ?? "");
    if (status === 200 && isStream) return response;
    await response.body?.cancel();
    const what = status === 200 ? "a page came in place of a stream of events; check the URL" : `status ${status}; check URL and token`;
    throw new HttpError(`${this.#word}: ${what}`, { status, retryable: status === 200 || status === 429 || status >= 500 });
  }

  /** Follows a channel, or those that a pattern means. */
  async #follow(channel, signal, meant) {
    let attempt = 0;
    let since;
    while (!signal.aborted) {
      let begun = Infinity;
      try {
        const { body } = await this.#begin(channel, signal);
        begun = Date.now();
        for await (const event of events(body)) {
          if (!event.startsWith(`${this.#word},`)) begun = -Infinity;
          if (since !== undefined && event.startsWith(`${this.#word},`)) {
            this.#emit("gap", { channel, silence: Date.now() - since });
            since = undefined;
          }
          try {
            this.#read(channel, event, meant);
          } catch (error) {
            // A payload that `deserialize` does not read.
            this.#emit("error", error);
          }
        }
      } catch (error) {
        if (signal.aborted) return;
        const isOver = error instanceof RedisError && !error.retryable;
        if (isOver) this.#links.delete(channel);
        // Of failures one after the other the first is reported; the stream is begun again meanwhile.
        if (isOver || since === undefined) {
          const path = `/${this.#word}/${encodeURIComponent(channel)}`;
          const isOurs = error instanceof RedisError;
          this.#emit("error", isOurs ? error : new InterruptedError(`${this.#word}: ${said(error, path)}`, { retryable: true }));
        }
        if (isOver) return;
      }
      // A stream that ends at once is begun again ever later, as one that cannot be begun.
      if (Date.now() - begun >= HELD) attempt = 0;
      since ??= Date.now();
      await new Promise((resolve) => setTimeout(resolve, wait(attempt)));
      attempt += 1;
    }
  }

  #read(channel, event, meant) {
    const comma = event.indexOf(",");
    const kind = event.slice(0, comma);
    const rest = event.slice(comma + 1);
    // The name was asked for, so it is known where it ends.
    if (kind === this.#word || kind === `un${this.#word}`) {
      const count = rest.slice(rest.lastIndexOf(",") + 1);
      this.#emit(kind, Number(count));
    } else if (kind.endsWith("message") && rest.startsWith(`${channel},`)) {
      const told = rest.slice(channel.length + 1);
      if (kind === "message") {
        this.#tell("message", channel, { channel, message: this.#value(told) });
      } else {
        // A channel may hold commas too: the shortest that the pattern means.
        const name = new TextEncoder().encode(told.slice(0, LONGEST_NAME));
        const end = meant(name, COMMA);
        if (end === -1) return;
        const found = new TextDecoder().decode(name.subarray(0, end));
        this.#tell("pmessage", channel, { pattern: channel, channel: found, message: this.#value(told.slice(found.length + 1)) });
      }
    }
  }

  #value(text) {
    const { decodes, deserialize = decodeText } = this.#values;
    return decodes ? deserialize(text) : text;
  }

  #tell(type, name, data) {
    this.#emit(type, data);
    this.#emit(`${type}:${name}`, data);
  }

  /** Calls the listeners of a type. What one of them throws, or rejects with, stops neither the others nor the stream. */
  #emit(type, data) {
    for (const listener of [...(this.#listeners.get(type) ?? [])]) {
      const failed = (error) => {
        if (type !== "error" && this.#listeners.get("error")?.size > 0) this.#emit("error", error);
        else if (typeof reportError === "function") reportError(error);
        else console.error(error);
      };
      try {
        listener(data)?.then?.(undefined, failed);
      } catch (error) {
        failed(error);
      }
    }
  }

  on(type, listener) {
    if (!this.#listeners.has(type)) this.#listeners.set(type, new Set());
    this.#listeners.get(type).add(listener);
  }

  off(type, listener) {
    this.#listeners.get(type)?.delete(listener);
  }

  removeAllListeners() {
    this.#listeners.clear();
  }

  getSubscribedChannels() {
    return [...this.#links.keys()];
  }

  async unsubscribe(channels = this.getSubscribedChannels()) {
    for (const channel of channels) {
      this.#links.get(channel)?.abort();
      this.#links.delete(channel);
    }
  }
}
