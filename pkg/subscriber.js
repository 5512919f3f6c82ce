// Messages of channels as they are published: one stream of server-sent events for each, begun again when it ends.

import { HttpError, RedisError } from "./errors.js";
import { decodeText } from "./text.js";

/** The waits before a stream is begun again: a random part of 100 ms, 200 ms… to 10 s. */
const wait = (attempt) => Math.random() * Math.min(100 * 2 ** attempt, 10_000);

/** A glob pattern of Redis as a regular expression. */
function glob(pattern) {
  const part = (text, escaped) => {
    if (escaped !== undefined) return escaped.replace(/\W/, "\\$&");
    if (text[0] === "[" || text === "]" || text === "-") return text;
    return text === "*" ? "[^]*" : text === "?" ? "[^]" : text.replace(/\W/, "\\$&");
  };
  return new RegExp(`^${pattern.replace(/\\([^])|\[\^?|[^]/g, part)}$`);
}

/** Lines of a stream, and with an empty one the end of an event. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let data;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      if (line === "" || line === "\r") {
        if (data !== undefined) yield data;
        data = undefined;
      } else if (line.startsWith("data:")) {
        const text = line.slice(line[5] === " " ? 6 : 5);
        data = data === undefined ? text : `${data}\n${text}`;
      } else if (data !== undefined && !/^(event|id|retry)?:/.test(line)) {
        // A payload of several lines, of which the server marks the first only.
        data += `\n${line}`;
      }
    }
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

  /** Hears of a channel, or of those that a pattern means. */
  async #follow(channel, signal, meant) {
    let attempt = 0;
    let since;
    while (!signal.aborted) {
      try {
        const response = await this.#open(`${this.#word}/${encodeURIComponent(channel)}`, signal);
        if (response.status !== 200) {
          await response.body?.cancel();
          throw new HttpError(`${this.#word}: status ${response.status}; check URL and token`, {
            status: response.status,
            retryable: response.status === 429 || response.status >= 500,
          });
        }
        for await (const event of events(response.body)) {
          attempt = 0;
          if (since !== undefined && event.startsWith(`${this.#word},`)) {
            this.#emit("gap", { channel, silence: Date.now() - since });
            since = undefined;
          }
          this.#read(channel, event, meant);
        }
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof RedisError && !error.retryable) {
          this.#links.delete(channel);
          this.#emit("error", error);
          return;
        }
      }
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
        let end = told.indexOf(",");
        // A channel may hold commas too: the shortest that the pattern means.
        while (end !== -1 && !meant.test(told.slice(0, end))) end = told.indexOf(",", end + 1);
        this.#tell("pmessage", channel, { pattern: channel, channel: told.slice(0, end), message: this.#value(told.slice(end + 1)) });
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

  #emit(type, data) {
    for (const listener of this.#listeners.get(type) ?? []) listener(data);
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
