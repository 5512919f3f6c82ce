// Entries with tags in Redis, for the caches of Next.js.
//
// The order of renders and invalidations is that of turns: numbers that Redis hands out, never times of a server of Next.js.
// An entry has the turn that was read before its render began, a tag that of its last invalidation. An entry whose turn is
// lower is old. Keys, each behind the prefix:
//
//   clock        `epoch;turn`, the last turn. A clock that is lost begins another epoch, whose turns do not compare with others.
//   tag:{tag}    `epoch;expired;stale`: the turns in which the tag was last invalidated at once, and with stale-while-revalidate
//   stale:{tag}  exists for as long as entries may be served that the last stale-while-revalidate made stale
//   log          the last invalidations, a sorted set of `t{tag}` by turn; "from" is the turn from which on it is complete
//
// A record that is missing makes entries a miss, unless the clock or the log proves that the tag was not invalidated.

import { ConfigError } from "./errors.js";
import { textClient } from "./text-client.js";

/** How many invalidations the log keeps. */
const LOGGED = 1000;

/** How long Redis is left alone after a request that did not arrive, in milliseconds. */
const AWAY = 1000;

/** How many tags a process keeps whose invalidation did not arrive. */
const OWED = 10_000;

/** Characters of the tags that a process remembers of entries it has read. */
const REMEMBERED = 4_000_000;

/** What the scripts share. A turn is the server's time in microseconds, or one more than the last. */
const SHARED = `
local fresh, ttl = ARGV[1], tonumber(ARGV[2])
local text = redis.call("GET", KEYS[1]) or ""
local epoch, turn = string.match(text, "^(%w+);(%d+)$")
turn = tonumber(turn)
local function digits(number) return string.format("%.0f", number) end
local function tick()
  local time = redis.call("TIME")
  local now = time[1] * 1000000 + time[2]
  if not epoch then
    epoch, turn = fresh, now
    redis.call("DEL", KEYS[2])
  else
    turn = math.max(turn + 1, now)
  end
  redis.call("SET", KEYS[1], epoch .. ";" .. digits(turn), "PX", digits(ttl * 2))
end
-- The last turn in which a tag without a record may have been invalidated.
local function last(tag)
  local from = redis.call("ZSCORE", KEYS[2], "from")
  if not from then return turn end
  return math.max(tonumber(from), tonumber(redis.call("ZSCORE", KEYS[2], "t" .. tag) or 0))
end
-- The turns of a tag's record.
local function record(key, tag)
  local of, expired, stale = string.match(redis.call("GET", key) or "", "^(%w+);(%d+);(%d+)$")
  if of == epoch then return tonumber(expired), tonumber(stale), true end
  return last(tag), 0, false
end
local function write(key, expired, stale)
  redis.call("SET", key, epoch .. ";" .. digits(expired) .. ";" .. digits(stale), "PX", digits(ttl))
end
`;

/** KEYS: clock, log, key of a build or none. Starts the clock, and writes the turn for the build if it has none. */
const BEGIN = `${SHARED}
if not epoch then tick() end
if KEYS[3] then redis.call("SET", KEYS[3], epoch .. ";" .. digits(turn), "NX", "PX", digits(ttl)) end
return epoch .. ";" .. digits(turn)`;

/** KEYS: clock, log, record and stale key of each tag. ARGV: epoch, ttl, stale for how many milliseconds or -1, how many are logged, tags. */
const INVALIDATE = `${SHARED}
if not epoch then tick() end
local before, window = turn, tonumber(ARGV[3])
if redis.call("EXISTS", KEYS[2]) == 0 then redis.call("ZADD", KEYS[2], digits(before), "from") end
local turns = {}
for i = 5, #ARGV do
  local expired, stale = record(KEYS[i * 2 - 7], ARGV[i])
  turns[i] = { expired, stale }
end
tick()
for i = 5, #ARGV do
  local key, stalekey, expired, stale = KEYS[i * 2 - 7], KEYS[i * 2 - 6], turns[i][1], turns[i][2]
  if window < 0 then
    write(key, turn, 0)
    redis.call("DEL", stalekey)
  else
    -- What an earlier call made stale, and whose time is over, stays expired.
    if stale > 0 and redis.call("EXISTS", stalekey) == 0 then expired = math.max(expired, stale) end
    write(key, expired, turn)
    redis.call("SET", stalekey, "1", "PX", digits(window))
  end
  redis.call("ZADD", KEYS[2], digits(turn), "t" .. ARGV[i])
end
local excess = redis.call("ZCARD", KEYS[2]) - 1 - tonumber(ARGV[4])
if excess > 0 then
  local dropped = redis.call("ZRANGE", KEYS[2], excess, excess, "WITHSCORES")
  redis.call("ZREMRANGEBYRANK", KEYS[2], 0, excess)
  redis.call("ZADD", KEYS[2], dropped[2], "from")
end
redis.call("PEXPIRE", KEYS[2], digits(ttl * 2))
return epoch .. ";" .. digits(turn)`;

/**
 * KEYS: clock, log, entry, records. ARGV: epoch, ttl, the entry's epoch and turn, its life in milliseconds, its text, how many
 * tags are its own, tags. Stores an entry if no tag of its own was invalidated since its turn. Tags get a record.
 */
const WRITE = `${SHARED}
if epoch ~= ARGV[3] then return 0 end
redis.call("PEXPIRE", KEYS[1], digits(ttl * 2))
redis.call("PEXPIRE", KEYS[2], digits(ttl * 2))
local mine, own, valid = tonumber(ARGV[4]), tonumber(ARGV[7]), 1
for i = 8, #ARGV do
  local key = KEYS[i - 4]
  local expired, stale, found = record(key, ARGV[i])
  if found then redis.call("PEXPIRE", key, digits(ttl)) else write(key, expired, stale) end
  if i - 7 <= own and mine < expired then valid = 0 end
end
if valid == 1 then redis.call("SET", KEYS[3], ARGV[6], "PX", ARGV[5]) end
return valid`;

/** `epoch;turn`, as the clock and the keys of builds have it. */
function turnOf(text) {
  const [, epoch, turn] = /^(\w+);(\d+)$/.exec(text ?? "") ?? [];
  return epoch === undefined ? undefined : { epoch, turn: Number(turn) };
}

function recordOf(text) {
  const [, epoch, expired, stale] = /^(\w+);(\d+);(\d+)$/.exec(text ?? "") ?? [];
  return epoch === undefined ? undefined : { epoch, expired: Number(expired), stale: Number(stale) };
}

/** An entry's text: a line of JSON about it, and the value. */
function written({ turn, at, tags, control }, payload) {
  return `${JSON.stringify([1, turn.epoch, turn.turn, at, tags, control ?? null])}\n${payload}`;
}

/** What stands before the value; nothing for text that is not an entry. */
function entryOf(text) {
  if (typeof text !== "string") return undefined;
  const end = text.indexOf("\n");
  let head;
  try {
    head = JSON.parse(text.slice(0, Math.max(end, 0)));
  } catch {
    return undefined;
  }
  if (!Array.isArray(head) || head[0] !== 1 || !Array.isArray(head[4])) return undefined;
  const [, epoch, turn, at, tags, control] = head;
  return { turn: { epoch, turn }, at, tags, control: control ?? undefined, payload: text.slice(end + 1) };
}

/** The tags of entries, to read their records together with the entry. Those read least recently are forgotten first. */
class Remembered {
  #tags = new Map();
  #size = 0;

  #cost(key, tags) {
    return tags.reduce((sum, tag) => sum + tag.length + 8, key.length + 64);
  }

  get(key) {
    return this.#tags.get(key) ?? [];
  }

  set(key, tags) {
    const before = this.#tags.get(key);
    if (before !== undefined) {
      this.#tags.delete(key);
      this.#size -= this.#cost(key, before);
    }
    if (tags.length === 0) return;
    this.#tags.set(key, tags);
    this.#size += this.#cost(key, tags);
    for (const [oldest, its] of this.#tags) {
      if (this.#size <= REMEMBERED) break;
      this.#tags.delete(oldest);
      this.#size -= this.#cost(oldest, its);
    }
  }
}

/** Where Next.js runs, its `fetch` caches what it sends, by this very cache. The platform's own does not. */
const unpatched = (url, init) => (globalThis.fetch._nextOriginalFetch ?? globalThis.fetch)(url, init);

/**
 * Runs a function outside of the request that is being rendered. Next.js gives up on prerendering a page
 * that reads the clock or a random number, and so on one whose cache does.
 */
const outside = globalThis.process?.getBuiltinModule?.("node:async_hooks")?.AsyncLocalStorage?.snapshot?.() ?? ((run) => run());

/** Whether an error means that Redis cannot be reached now, so that the next request would wait for nothing. */
const isAway = (error) => ["connect", "timeout", "interrupted", "http"].includes(error?.kind);

function positive(name, value) {
  if (typeof value === "number" && value > 0) return value;
  throw new ConfigError(`${name} is not a number greater than 0`);
}

export class Store {
  #redis;
  #patient;
  #prefix;
  #ttl;
  #maxSize;
  #onError;
  #scripts;
  #remembered = new Remembered();
  #awayUntil = 0;
  /** Tags whose invalidation did not arrive, with the time that their entries may still be served. */
  #owed = new Map();
  #paying;

  constructor({ prefix, ttl, timeout, maxSize, onError, ...options }) {
    if (typeof prefix !== "string") throw new ConfigError("prefix is not a string");
    if (onError !== undefined && typeof onError !== "function") throw new ConfigError("onError is not a function");
    this.#redis = textClient({ fetch: unpatched, ...options, timeout: timeout ?? 1000 });
    // An invalidation that is lost leaves old pages, and one that runs twice does no harm.
    this.#patient = this.#redis.with({ timeout: timeout ?? 10_000, retry: options.retry ?? { evenIfAmbiguous: true } });
    this.#prefix = prefix;
    this.#ttl = Math.min(Math.ceil(positive("ttl", ttl) * 1000), Number.MAX_SAFE_INTEGER / 4);
    this.#maxSize = positive("maxSize", maxSize);
    this.#onError = onError ?? ((error, { operation }) => console.warn(`restis/next: ${operation} failed: ${error?.message}`));
    const script = (redis, text) => redis.createScript(text);
    this.#scripts = {
      begin: script(this.#redis, BEGIN),
      write: script(this.#redis, WRITE),
      invalidate: script(this.#patient, INVALIDATE),
      repay: script(this.#redis, INVALIDATE),
    };
  }

  at(...parts) {
    return this.#prefix + parts.join(":");
  }

  /** Seconds as milliseconds, and no more than the ttl. */
  #millis(seconds) {
    return seconds >= 0 ? Math.min(Math.ceil(seconds * 1000), this.#ttl) : this.#ttl;
  }

  #tag(tag) {
    return this.at("tag", tag);
  }

  #head() {
    return [this.at("clock"), this.at("log")];
  }

  #args(...more) {
    return [crypto.randomUUID().replaceAll("-", ""), String(this.#ttl), ...more.map(String)];
  }

  #report(error, operation, key) {
    try {
      this.#onError(error, { operation, key });
    } catch {
      // An error of the hook is not the page's.
    }
  }

  /** Runs an operation whose failure is no more than a miss. While Redis is away it is not begun. */
  async attempt(operation, key, run, missed) {
    if (performance.now() < this.#awayUntil) return missed;
    try {
      return await outside(async () => {
        if (this.#owed.size > 0) await (this.#paying ??= this.#pay().finally(() => (this.#paying = undefined)));
        return run();
      });
    } catch (error) {
      if (isAway(error)) this.#awayUntil = performance.now() + AWAY;
      this.#report(error, operation, key);
      return missed;
    }
  }

  /** The turn before a render, where there was no clock. With a build's id it is also that of the build's pages. */
  async begin(build) {
    return turnOf(await this.#scripts.begin.exec([...this.#head(), ...(build === undefined ? [] : [this.at("build", build)])], this.#args()));
  }

  /** The turn in which the pages of a build were begun. */
  async built(build) {
    return turnOf(await this.#redis.get(this.at("build", build)));
  }

  /**
   * Reads an entry with the records of its tags and of those that are asked for.
   *
   * `turn` is the turn of a render that begins now. `entry` is missing if it is old; `exists` even then.
   */
  async read(at, asked) {
    const tags = [...new Set([...asked, ...this.#remembered.get(at)])];
    const [text, time, ...found] = await this.#redis.mget([at, this.at("clock"), ...tags.map((tag) => this.#tag(tag))]);
    const turn = turnOf(time);
    const entry = entryOf(text);
    const exists = text !== null;
    if (entry === undefined) return { turn, exists };
    this.#remembered.set(at, entry.tags);
    const records = new Map(tags.map((tag, i) => [tag, recordOf(found[i])]));
    const state = await this.#state(entry.turn, [...asked, ...entry.tags], turn, records);
    return state === undefined ? { turn, exists } : { turn, exists, entry, stale: state === "stale" };
  }

  /** Whether something of a turn with these tags is `fresh` or `stale`; nothing if it is old. */
  state(turn, tags) {
    return this.#state(turn, tags, undefined, new Map());
  }

  async #state(mine, given, turn, records) {
    const tags = [...new Set(given)];
    const unread = tags.filter((tag) => !records.has(tag));
    if (unread.length > 0 || turn === undefined) {
      const [time, ...found] = await this.#redis.mget([this.at("clock"), ...unread.map((tag) => this.#tag(tag))]);
      turn = turnOf(time);
      unread.forEach((tag, i) => records.set(tag, recordOf(found[i])));
    }
    const unknown = [];
    const stale = [];
    for (const tag of tags) {
      const record = records.get(tag);
      if (record?.epoch !== mine.epoch) unknown.push(tag);
      else if (mine.turn < record.expired) return undefined;
      else if (mine.turn < record.stale) stale.push(tag);
    }
    if (unknown.length > 0) {
      if (turn?.epoch !== mine.epoch) return undefined;
      if (mine.turn < turn.turn && !(await this.#untouched(mine, unknown))) return undefined;
    }
    if (stale.length === 0) return "fresh";
    const windows = await this.#redis.mget(stale.map((tag) => this.at("stale", tag)));
    return windows.includes(null) ? undefined : "stale";
  }

  /** Whether the log proves that no tag was invalidated after a turn. */
  async #untouched(mine, tags) {
    const [from, ...last] = await this.#redis.command("ZMSCORE", this.at("log"), "from", ...tags.map((tag) => `t${tag}`));
    return from !== null && mine.turn >= Number(from) && last.every((turn) => turn === null || Number(turn) <= mine.turn);
  }

  /**
   * Stores an entry of a render that began in a turn, unless a tag of it was invalidated since. `more` are tags whose records
   * will be asked for with it. An entry that cannot be stored takes what is there along: it would be served for ever.
   */
  async write(at, entry, payload, life, more = []) {
    const text = written(entry, payload);
    try {
      if (text.length > this.#maxSize) {
        throw new RangeError(`the entry has ${text.length} characters and maxSize is ${this.#maxSize}: it is not stored`);
      }
      const tags = [...new Set([...entry.tags, ...more])];
      const own = new Set(entry.tags).size;
      const expires = Math.max(1000, this.#millis(life));
      await this.#scripts.write.exec(
        [...this.#head(), at, ...tags.map((tag) => this.#tag(tag))],
        this.#args(entry.turn.epoch, entry.turn.turn, expires, text, own, ...tags),
      );
    } catch (error) {
      if (!isAway(error)) await this.#redis.unlink(at);
      throw error;
    }
    this.#remembered.set(at, entry.tags);
  }

  /**
   * Invalidates tags: at once, or with `expire` once their entries were served for so many seconds more. Returns the turn of
   * that. Rejects when Redis cannot be reached, after it was reported.
   */
  async invalidate(tags, expire) {
    if (tags.length === 0) return undefined;
    const window = expire <= 0 || expire === undefined ? -1 : this.#millis(expire);
    try {
      return await outside(() => this.#invalidate(this.#scripts.invalidate, tags, window));
    } catch (error) {
      for (const tag of tags) if (this.#owed.size < OWED) this.#owed.set(tag, Math.min(window, this.#owed.get(tag) ?? window));
      this.#report(error, "revalidateTag");
      throw error;
    }
  }

  async #invalidate(script, tags, window) {
    let turn;
    for (let i = 0; i < tags.length; i += LOGGED / 2) {
      const some = tags.slice(i, i + LOGGED / 2);
      const keys = some.flatMap((tag) => [this.#tag(tag), this.at("stale", tag)]);
      turn = turnOf(await script.exec([...this.#head(), ...keys], this.#args(window, LOGGED, ...some)));
    }
    return turn;
  }

  /** Invalidates what could not be invalidated before, ahead of what is read next: Next.js has answered, and will not call again. */
  async #pay() {
    const owed = [...this.#owed];
    for (const window of new Set(owed.map(([, its]) => its))) {
      const tags = owed.filter(([, its]) => its === window).map(([tag]) => tag);
      await this.#invalidate(this.#scripts.repay, tags, window);
      for (const tag of tags) if (this.#owed.get(tag) === window) this.#owed.delete(tag);
    }
  }
}
