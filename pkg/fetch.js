// HTTP for the engine, by the platform's `fetch` or one that was handed over.

import { UTF8 } from "./text.js";

const ENCODER = new TextEncoder();

/** What a failure is called by, as the engine tells its kinds apart. Only Node says whether a request left. */
function stage(error) {
  const code = String(error?.cause?.code ?? "");
  if (/^(ECONNREFUSED|ENOTFOUND|EAI_|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)/.test(code)) return "connect";
  return /^(CERT_|ERR_SSL_|ERR_TLS_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(code) ? "tls" : "interrupted";
}

const TOKEN = "upstash-sync-token";
/** The fields of an answer that the engine reads. */
const READ = ["content-type", "restis-ran", "retry-after", TOKEN];

let known;
let fields;

/**
 * Fields for `fetch`, of lines: a name, its value, a name… They are those of the request before, but for the token, which is
 * the last. An object of its own for each request, since whoever wraps `fetch` may add to it; as an array they cost workerd twice as much.
 */
function fieldsOf(lines) {
  const [others, token] = lines.split(`\n${TOKEN}\n`);
  if (others !== known) fields = Object.fromEntries(Array.from(others.matchAll(/(.+)\n(.*)/g), ([, ...field]) => field));
  known = others;
  return token ? { ...fields, [TOKEN]: token } : { ...fields };
}

/** One request and its answer. The engine hears of a failure as of text: its kind, and what is said of it. */
export class Exchange {
  #controller = new AbortController();
  #target;
  #url;
  #init;
  #response;

  constructor(target, url, headers, body) {
    this.#target = target;
    this.#url = url;
    this.#init = {
      method: "POST",
      headers: fieldsOf(headers),
      // What came is a view of the module's memory. Text is cheaper to send than bytes: Node writes it with the head.
      body: headers.includes("/json") ? UTF8.decode(body) : body.slice(),
      redirect: "manual",
      signal: this.#controller.signal,
    };
  }

  /** What is said of a failure: without the URL, which some runtimes quote and which may hold a key. */
  #failure(stage, error) {
    const cause = error?.cause?.message;
    const said = `${error?.message ?? (typeof error === "string" ? error : "fetch failed")}${cause ? `: ${cause}` : ""}`;
    return `${stage}\n${said.replaceAll(this.#url, "the URL")}`;
  }

  /** The status of the answer, and behind it lines as those of a request. */
  async head() {
    const target = this.#target ?? globalThis;
    if (typeof target.fetch !== "function") throw "setup\nthere is no fetch here: hand one over with the option fetch";
    let fetched;
    try {
      fetched = target.fetch(this.#url, this.#init);
    } catch (error) {
      // It was not even begun.
      throw this.#failure("setup", error);
    }
    let response;
    try {
      response = await fetched;
    } catch (error) {
      throw this.#failure(stage(error), error);
    }
    if (response === null || typeof response !== "object") throw "interrupted\nfetch gave no response";
    this.#response = response;
    let head = String(response.status);
    for (const name of READ) {
      const value = response.headers.get(name);
      if (value !== null) head += `\n${name}\n${value}`;
    }
    return head;
  }

  /** All of its bytes: by way of text, which workerd reads in half the time of an ArrayBuffer. */
  async body() {
    try {
      return ENCODER.encode(await this.#response.text());
    } catch (error) {
      throw this.#failure("interrupted", error);
    }
  }

  abort() {
    this.#controller.abort();
  }
}
