// What the client and its batches send by: the engine, or what was put in its place, and the answer's text as values.

import { connect, errorInBatch, init, isReady, UNSAID } from "./engine.js";
import { ConfigError, fromEngine } from "./errors.js";
import { bytesOf } from "./text.js";

/** The forms of a request by their path: one command, a pipeline, a transaction. */
const PATHS = [[], ["pipeline"], ["multi-exec"]];
const WITH_BYTES = 3;

/** Under this name a request that passes a middleware keeps what its call was told. */
const CALL = Symbol("call");

/** A promise that rejects when the signal aborts, for as long as it is wanted. */
function whenAborted(signal) {
  if (signal === undefined) return {};
  signal.throwIfAborted();
  let stop;
  const promise = new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    stop = () => {
      signal.removeEventListener("abort", abort);
      // Whoever waits for a promise in the module is kept until it settles.
      resolve();
    };
  });
  // Who is not asked any more has nobody who hears of it.
  promise.catch(() => {});
  return { promise, stop };
}

export class Core {
  #settings;
  #client;
  #request;
  /** A sync token that was set, perhaps before there was a client. */
  #token;

  constructor(settings, requester) {
    this.#settings = settings;
    this.#request = requester && ((request) => requester.request(request));
    // Where the module is loaded later, the first call reports what is wrong with URL and token.
    if (!requester && isReady()) this.#connect();
  }

  /** Puts a function around all requests, which gets them and what comes next. */
  use(middleware) {
    const next = this.#request ?? ((request) => this.#base(request));
    this.#request = async (request) => middleware(request, next);
  }

  /** Begins a stream of events. */
  async open(path, signal) {
    const { url, token, fetch = globalThis } = this.#settings;
    if (url === undefined) throw new ConfigError("subscribe needs a URL and token");
    await this.#ready();
    return fetch.fetch(`${url.replace(/\/$/, "")}/${path}`, {
      method: "POST",
      redirect: "manual",
      headers: { authorization: `Bearer ${token}`, accept: "text/event-stream" },
      signal,
    });
  }

  /** For the helpers, whose module may be another. */
  get parts() {
    return { settings: this.#settings, client: this.#client };
  }

  get syncToken() {
    return this.#client ? this.#client.syncToken : this.#token;
  }

  set syncToken(token = "") {
    // A requester of the program's own decides about its requests.
    if (this.#settings.url !== undefined) this.#token = token;
    if (this.#client) this.#client.syncToken = token;
  }

  async #ready() {
    await init();
    // Of several calls that waited together, the first makes the client of all.
    if (this.#client === undefined) this.#connect();
  }

  #connect() {
    try {
      this.#client = connect(this.#settings);
      if (this.#token) this.#client.syncToken = this.#token;
    } catch (thrown) {
      const error = fromEngine(thrown);
      const { names } = this.#settings;
      // The engine speaks of url and token.
      if (names) error.message = error.message.replace(/^(url|token)\b/, (name) => names[name]);
      throw error;
    }
  }

  /** The engine, where a command may go to it straight: a promise less for each step between. */
  engine(call) {
    return this.#request === undefined && call === undefined ? this.#client : undefined;
  }

  /** A command's result. */
  async command(words, json, call, binary) {
    const answer = await this.#send(binary ? WITH_BYTES : 0, json, call, binary, words);
    if (typeof answer.error === "string") throw fromEngine(errorInBatch(answer.error, String(words[0])));
    return answer.result;
  }

  /** The answers to a batch: 1 is a pipeline, 2 a transaction. */
  batch(form, json, call) {
    return this.#send(form, json, call);
  }

  async #send(form, json, call, binary, words) {
    if (this.#request === undefined) return this.#engine(form, json, call, binary);
    if (!isReady()) await init();
    const body = binary ? words : JSON.parse(json);
    return this.#request({ path: PATHS[form % WITH_BYTES], body, signal: call?.signal, [CALL]: { call, form, json, binary, body } });
  }

  /** What a middleware calls in the end: the request as it was, or as the middleware has made it. */
  #base({ path = [], body, [CALL]: was }) {
    const same = was !== undefined && body === was.body;
    const form = PATHS.findIndex(([name]) => name === path[0]);
    return same ? this.#engine(was.form, was.json, was.call, was.binary) : this.#engine(form, JSON.stringify(body), was?.call);
  }

  /** Sends JSON text and gives the answer, parsed. */
  async #engine(form, json, call, binary) {
    if (this.#client === undefined) await this.#ready();
    const { timeout, retry, signal, bytes } = call ?? {};
    const { promise, stop } = whenAborted(signal);
    let answer;
    try {
      answer = await this.#client.exec(form, json, timeout, ...(retry ?? UNSAID), bytes, promise, binary?.path, binary?.body);
    } catch (thrown) {
      throw signal?.aborted && thrown === signal.reason ? thrown : fromEngine(thrown);
    } finally {
      stop?.();
    }
    return bytes ? bytesOf(answer) : answer;
  }
}
