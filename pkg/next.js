// Next.js's caches over Redis: the handler of pages and fetches (`cacheHandler`), and that of `"use cache"` (`cacheHandlers`).

import { ConfigError } from "./errors.js";
import { Store } from "./next-store.js";
import { read, write } from "./next-values.js";

/** 30 days in seconds: entries that are not renewed expire. */
const TTL = 30 * 24 * 60 * 60;

/** The largest request that Upstash takes of its larger plans, in bytes. */
const MAX_SIZE = 10 * 1024 * 1024;

/** How many turns a process, or a request, keeps of renders that have begun. */
const TURNS = 1000;

/** Next.js's own clock, with which it compares the times of entries. */
const now = () => performance.timeOrigin + performance.now();

const isBuild = () => globalThis.process?.env?.NEXT_PHASE === "phase-production-build";

/** The store; none in a build that has no Redis, where everything is a miss. */
function storeOf(prefix, { prefix: given = prefix, ttl = TTL, maxSize = MAX_SIZE, ...options }) {
  try {
    return new Store({ prefix: given, ttl, maxSize, ...options });
  } catch (error) {
    if (!(error instanceof ConfigError && isBuild() && options.url === undefined)) throw error;
    console.warn(`restis/next: this build is without Redis, so its pages are rendered again when they are asked for first: ${error.message}`);
    return undefined;
  }
}

/** The tags that a page carries in a header. */
const pageTags = (value) => String(value?.headers?.["x-next-cache-tags"] ?? "").split(",").filter(Boolean);

/** For how long entries are served that a tag makes stale; undefined is not at all. */
const secondsOf = (durations) => (durations === undefined ? undefined : (durations.expire ?? Infinity));

const strings = (list) => [list ?? []].flat().filter((item) => typeof item === "string");

/** Node's `require` from a server's folder, where the application's Next.js is found. */
function requireFrom(folder) {
  return globalThis.process?.getBuiltinModule?.("node:module")?.createRequire(`${folder}/restis.js`);
}

/** What a build has left in the file system, read by Next.js's own reader. */
class Build {
  #fs;
  #folder;
  #own;
  #files;
  #id;
  /** The turn in which its pages were begun, once it is known. */
  turn;

  constructor(fs, folder, own) {
    this.#fs = fs;
    this.#folder = folder;
    this.#own = own;
  }

  /** Its id, which is not written yet while a build begins. */
  async id() {
    if (this.#id !== undefined) return this.#id;
    let id = this.#own;
    try {
      id ??= String(await this.#fs.readFile(`${this.#folder}/../BUILD_ID`, "utf8")).trim();
    } catch {
      return undefined;
    }
    return (this.#id = encodeURIComponent(id));
  }

  #require(path) {
    try {
      return requireFrom(this.#folder)?.(path);
    } catch {
      return undefined;
    }
  }

  /** A page of the build; null if there is none, or no way to read it. */
  async page(key, context) {
    if (!this.#fs) return null;
    if (this.#files === undefined) {
      const Files = this.#require("next/dist/server/lib/incremental-cache/file-system-cache.js")?.default;
      this.#files = Files ? new Files({ fs: this.#fs, serverDistDir: this.#folder, flushToDisk: false, revalidatedTags: [] }) : null;
    }
    return (await this.#files?.get(key, context)) ?? null;
  }

  /** Whether this Next.js takes the lifetime of a page from what the handler returns: 16.4 does. */
  get takesControl() {
    const [major, minor] = String(this.#require("next/package.json")?.version ?? "0.0").split(".").map(Number);
    return major > 16 || (major === 16 && minor >= 4);
  }
}

/** Times of a stale entry that let Next.js serve it and render it again in the background. */
function outdated(at, seconds) {
  return Math.min(at, now() - (seconds + 1) * 1000);
}

export function cacheHandler({ buildId, ...options } = {}) {
  const store = storeOf("next:", options);
  const builds = new Map();

  const buildOf = ({ fs, serverDistDir: folder } = {}) => {
    let build = builds.get(folder);
    if (build === undefined) builds.set(folder, (build = new Build(folder && fs, folder, buildId)));
    return build;
  };

  const dataAt = (key) => store.at("data", key);
  const pageAt = async (build, key) => store.at("page", (await build.id()) ?? "", key);

  return class {
    #build;
    /** The build's turn on its way: no page of a build is read before. */
    #begun;
    /** Turns before renders by the entry's key; null where it could not be read. */
    #turns = new Map();
    /** The first turn of a request that renders on demand, whose fetches are stored and not read. */
    #first;
    #onDemand;
    /** Values that were read with the turns they have: Next.js stores one again when it cannot be rendered. */
    #served = new WeakMap();
    #softTags = new Map();

    constructor(context) {
      this.#build = buildOf(context);
      this.#onDemand = context?._requestHeaders?.["x-prerender-revalidate"] !== undefined;
      if (store !== undefined && isBuild()) this.#begun = store.attempt("build", undefined, () => this.#begin());
    }

    async #begin() {
      const id = await this.#build.id();
      if (id !== undefined) await store.begin(id);
    }

    /** Notes a turn of which an entry may be rendered. Of two renders on their way the first one's counts. */
    #note(key, turn, renders) {
      if (this.#onDemand && this.#first === undefined) this.#first = turn;
      if (this.#turns.get(key)?.renders) return;
      if (this.#turns.size >= TURNS) this.#turns.delete(this.#turns.keys().next().value);
      this.#turns.set(key, { turn, renders });
    }

    async get(key, context) {
      if (store === undefined) return null;
      await this.#begun;
      const away = {};
      const found = await store.attempt("get", key, () => this.#get(key, context ?? {}), away);
      if (found !== away) return found;
      this.#note(key, null, true);
      return null;
    }

    async #get(key, context) {
      const { kind, tags, softTags } = context;
      const at = kind === "FETCH" ? dataAt(key) : await pageAt(this.#build, key);
      const { turn, exists, entry, stale } = await store.read(at, [...strings(tags), ...strings(softTags)]);
      if (softTags?.length > 0 && this.#softTags.size < TURNS) this.#softTags.set(key, strings(softTags));
      this.#note(key, turn ?? (await store.begin()), entry === undefined || stale);
      if (entry === undefined) return exists || kind === "FETCH" ? null : this.#built(at, key, context);
      const value = read(entry.payload);
      if (value !== null) this.#served.set(value, entry.turn);
      return stale ? this.#outdated(entry, value, context) : { value, lastModified: entry.at, ...(entry.control && { cacheControl: entry.control }) };
    }

    /** A value that Next.js serves, and renders again in the background. */
    #outdated({ at, control }, value, context) {
      if (context.kind === "FETCH") {
        const seconds = context.revalidate || value?.revalidate;
        return { value, lastModified: outdated(at, typeof seconds === "number" ? seconds : Number.MAX_SAFE_INTEGER / 1e4) };
      }
      if (typeof control?.revalidate === "number") return { value, lastModified: outdated(at, control.revalidate), cacheControl: control };
      // A page without an end is fresh whatever its age is. Where it cannot be given one it is rendered before it is served.
      return this.#build.takesControl ? { value, lastModified: outdated(at, 1), cacheControl: { ...control, revalidate: 1 } } : { value, lastModified: -1 };
    }

    /** A page of the build, if its tags were not invalidated since the build began. Then it is in Redis, too. */
    async #built(at, key, context) {
      const id = await this.#build.id();
      if (id === undefined) return null;
      const page = await this.#build.page(key, context);
      if (!page?.value) return null;
      const turn = (this.#build.turn ??= await store.built(id));
      const tags = pageTags(page.value);
      const state = turn && (await store.state(turn, tags));
      if (state === undefined) return null;
      const entry = { turn, at: page.lastModified, tags, control: page.cacheControl };
      this.#served.set(page.value, turn);
      await store.attempt("set", key, () => store.write(at, entry, write(page.value), page.cacheControl?.expire));
      return state === "stale" ? this.#outdated(entry, page.value, context) : page;
    }

    async set(key, value, context) {
      if (store === undefined) return;
      await store.attempt("set", key, () => this.#set(key, value, context ?? {}));
    }

    async #set(key, value, { tags, cacheControl, fetchCache, isImplicitBuildTimeCache }) {
      // Of fetches that only a build caches nothing is kept: the next build would be given it.
      if (isImplicitBuildTimeCache) return;
      const isData = fetchCache === true || value?.kind === "FETCH";
      const at = isData ? dataAt(key) : await pageAt(this.#build, key);
      const noted = this.#turns.has(key) ? this.#turns.get(key).turn : this.#first;
      this.#turns.delete(key);
      // Without a turn from before the render, an invalidation that came while it was rendered could be missed.
      if (noted === null) return;
      const turn = (value !== null && this.#served.get(value)) || noted || (await store.begin());
      const entry = { turn, at: now(), tags: [...new Set([...strings(tags), ...pageTags(value)])], control: isData ? undefined : cacheControl };
      const softTags = this.#softTags.get(key);
      await store.write(at, entry, write(value), cacheControl?.expire, softTags);
    }

    async revalidateTag(tags, durations) {
      await store?.invalidate(strings(tags), secondsOf(durations));
    }

    resetRequestCache() {}
  };
}

/** A stream's bytes. */
async function collected(stream) {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The turns that a process has read, with the times of its own clock: which one came before a render that began at a time. */
class Seen {
  #list = [];
  #lost = false;
  /** Of entries that were missing, until they are stored. */
  #missing = new Map();

  get isEmpty() {
    return this.#list.length === 0;
  }

  missing(key, turn) {
    if (this.#missing.size >= TURNS) this.#missing.delete(this.#missing.keys().next().value);
    if (!this.#missing.has(key)) this.#missing.set(key, { at: now(), turn });
  }

  note(turn) {
    const last = this.#list.at(-1);
    if (turn === undefined || (last?.turn.epoch === turn.epoch && last.turn.turn === turn.turn)) return;
    this.#list.push({ at: now(), turn });
    if (this.#list.length > TURNS) {
      this.#list.shift();
      this.#lost = true;
    }
  }

  before(time, key) {
    const missing = this.#missing.get(key);
    this.#missing.delete(key);
    // Other clocks of the process count whole milliseconds.
    if (missing !== undefined && missing.at >= time && missing.at - time < 5) return missing.turn;
    return this.#list.findLast(({ at }) => at <= time)?.turn ?? (this.#lost ? undefined : this.#list[0]?.turn);
  }
}

export function useCacheHandler(options = {}) {
  const store = storeOf("next:use:", options);
  const at = (key) => store.at("entry", key);
  const seen = new Seen();
  /** Sets on their way: reads in the same process wait for them. */
  const pending = new Map();
  const softTagsOf = new Map();

  const begin = async () => {
    const turn = await store.begin();
    seen.note(turn);
    return turn;
  };

  async function get(key, softTags) {
    const { turn, entry, stale } = await store.read(at(key), softTags);
    const begun = turn ?? (await begin());
    seen.note(begun);
    if (entry === undefined || stale) seen.missing(key, begun);
    if (softTags.length > 0 && (entry === undefined || stale)) {
      if (softTagsOf.size >= TURNS) softTagsOf.delete(softTagsOf.keys().next().value);
      softTagsOf.set(key, softTags);
    }
    if (entry === undefined) return undefined;
    const { value, ...times } = read(entry.payload);
    if (now() > times.timestamp + times.expire * 1000) return undefined;
    // Next.js serves an entry whose time to revalidate is over, and renders it again in the background.
    return { ...times, ...(stale && { revalidate: -1 }), value: new Response(value).body };
  }

  async function set(key, given, early) {
    // A render that fails is the caller's: its error is not one of Redis.
    const { value, ...times } = await given;
    await store.attempt("set", key, async () => {
      const bytes = await collected(value);
      const turn = (await early) ?? seen.before(times.timestamp, key);
      if (turn === undefined) return;
      const softTags = softTagsOf.get(key);
      softTagsOf.delete(key);
      const entry = { turn, at: times.timestamp, tags: strings(times.tags) };
      await store.write(at(key), entry, write({ ...times, value: bytes }), times.expire, softTags);
    });
  }

  async function invalidate(tags, durations) {
    seen.note(await store?.invalidate(strings(tags), secondsOf(durations)));
  }

  return {
    async get(key, softTags) {
      await pending.get(key);
      return store?.attempt("get", key, () => get(key, strings(softTags)));
    },

    async set(key, given) {
      if (store === undefined) return void (await given);
      // Before there is a turn the one of now must do. Next.js reads before it renders, or calls refreshTags.
      const early = seen.isEmpty ? store.attempt("set", key, begin) : undefined;
      const done = set(key, given, early);
      const settled = done.catch(() => {});
      pending.set(key, settled);
      try {
        await done;
      } finally {
        if (pending.get(key) === settled) pending.delete(key);
      }
    },

    async refreshTags() {
      if (store !== undefined && seen.isEmpty) await store.attempt("get", undefined, begin);
    },

    /** The tags of a page are handed to `get`. */
    getExpiration: async () => Infinity,
    updateTags: (tags, durations) => invalidate(tags, durations),
    /** What Next.js 15 calls. */
    expireTags: (...tags) => invalidate(tags.flat()),
    async receiveExpiredTags() {},
  };
}
