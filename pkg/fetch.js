// HTTP for the engine, by the platform's `fetch` or one that was handed over.

const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** What a failure is called by, as the engine tells its kinds apart. Only Node says whether a request left. */
function stage(error) {
  const code = String(error?.cause?.code ?? "");
  if (/^(ECONNREFUSED|ENOTFOUND|EAI_|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)/.test(code)) return "connect";
  return /^(CERT_|ERR_SSL_|ERR_TLS_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(code) ? "tls" : "interrupted";
}

/** The fields of an answer that the engine reads. */
const READ = ["content-type", "retry-after", "upstash-sync-token"];

let known;
let fields;

/** Fields as `fetch` takes them, of lines: a name, its value, a name… They are mostly those of the request before. */
function fieldsOf(lines) {
  if (lines !== known) fields = lines.split("\n").flatMap((name, i, all) => (i % 2 ? [] : [[name, all[i + 1]]]));
  known = lines;
  return fields;
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

  /** All of its bytes. */
  async body() {
    try {
      return new Uint8Array(await this.#response.arrayBuffer());
    } catch (error) {
      throw this.#failure("interrupted", error);
    }
  }

  abort() {
    this.#controller.abort();
  }
}
