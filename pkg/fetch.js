// HTTP for the engine, by the platform's `fetch` or one that was handed over.

import { UTF8 } from "./text.js";

const ENCODER = new TextEncoder();

/** The ports that the Fetch standard blocks. Browsers and Node do not connect to them; only Node gives the reason. */
const BLOCKED = new Set(
  (
    "1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115 117 119 123 135 137 139 143 161 " +
    "179 389 427 465 512 513 514 515 526 530 531 532 540 548 554 556 563 587 601 636 989 990 993 995 1719 1720 1723 2049 3659 4045 " +
    "4190 5060 5061 6000 6566 6665 6666 6667 6668 6669 6679 6697 10080"
  ).split(" "),
);

const isBlocked = (error, url) =>
  error?.cause?.message === "bad port" ||
  (BLOCKED.has(new URL(url).port) && /^Mozilla/.test(globalThis.navigator?.userAgent ?? ""));

/**
 * What is said of a failure. Runtimes quote the URL as it was given or as they write it themselves, with another host or escapes,
 * and its path may hold a key and a value.
 */
export function said(error, url) {
  const cause = error?.cause?.message;
  const words = `${error?.message ?? (typeof error === "string" ? error : "fetch failed")}${cause ? `: ${cause}` : ""}`;
  const path = url.replace(/^\w+:\/\/[^/]*/, "");
  return words
    .split(/(\s+)/)
    .map((word) => (word.includes("://") || (path.length > 1 && word.includes(path)) ? "the URL" : word))
    .join("");
}

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

const LARGE = "large\n";

/** The pieces of a body as one. They are joined as they come: a million pieces of a byte each take a hundred times their bytes. */
async function collected(body, limit) {
  let all = new Uint8Array();
  let size = 0;
  const reader = body.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return all.subarray(0, size);
    if (!ArrayBuffer.isView(value)) throw new TypeError("the body's stream is not one of bytes");
    const before = size;
    size += value.length;
    if (size > limit) throw LARGE;
    if (before === 0) {
      all = value;
      continue;
    }
    if (size > all.length) {
      const grown = new Uint8Array(Math.max(size, 2 * all.length));
      grown.set(all.subarray(0, before));
      all = grown;
    }
    all.set(value, before);
  }
}

/** One request and its answer. The engine hears of a failure as of text: its kind, and what is said of it. */
export class Exchange {
  #controller = new AbortController();
  #target;
  #url;
  #init;
  #limit;
  #response;

  constructor(target, url, headers, body, limit) {
    this.#target = target;
    this.#url = url;
    this.#limit = limit;
    this.#init = {
      method: "POST",
      headers: fieldsOf(headers),
      // What came is a view of the module's memory. Text is cheaper to send than bytes: Node writes it with the head.
      body: headers.includes("\ncontent-type\napplication/json") ? UTF8.decode(body) : body.slice(),
      redirect: "manual",
      signal: this.#controller.signal,
    };
  }

  #failure(stage, error) {
    if (isBlocked(error, this.#url)) return "setup\nfetch connects to no server on this port: the Fetch standard blocks it; use another";
    return `${stage}\n${said(error, this.#url)}`;
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

  /**
   * All of its bytes, up to the limit: by way of text, which workerd reads in half the time of an ArrayBuffer, if its head has the length
   * of what is read. With an encoding, which a browser hides of another origin's answer, there is more.
   */
  async body() {
    const { headers, body, type } = this.#response;
    const length = headers.get("content-length");
    try {
      if (+length > this.#limit) throw LARGE;
      if (!body?.getReader || (length !== null && !headers.get("content-encoding") && type !== "cors")) {
        return ENCODER.encode(await this.#response.text());
      }
      return await collected(body, this.#limit);
    } catch (error) {
      this.abort();
      throw error === LARGE ? LARGE : this.#failure("interrupted", error);
    }
  }

  abort() {
    this.#controller.abort();
  }
}
