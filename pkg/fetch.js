// HTTP for the engine, by the platform's `fetch` or one that was handed over.

/** What a failure is called by, as the engine tells its kinds apart. Only Node says whether a request left. */
function stage(error) {
  const code = String(error?.cause?.code ?? "");
  if (/^(ECONNREFUSED|ENOTFOUND|EAI_|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)/.test(code)) return "connect";
  return /^(CERT_|ERR_SSL_|ERR_TLS_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(code) ? "tls" : "interrupted";
}

/** One request and its answer. The engine hears of a failure as of text: its kind, and what is said of it. */
export class Exchange {
  #controller = new AbortController();
  #target;
  #url;
  #init;
  #response;

  /** Headers are lines: a name, its value, a name… */
  constructor(target, url, headers, body) {
    const lines = headers.split("\n");
    this.#target = target;
    this.#url = url;
    this.#init = {
      method: "POST",
      headers: lines.flatMap((name, i) => (i % 2 ? [] : [[name, lines[i + 1]]])),
      // What came is a view of the module's memory.
      body: body.slice(),
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
  async head(names) {
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
    const found = names.split("\n").flatMap((name) => {
      const value = response.headers.get(name);
      return value === null ? [] : [name, value];
    });
    return [response.status, ...found].join("\n");
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
