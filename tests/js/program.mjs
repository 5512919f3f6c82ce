// The small program that Node, workerd and Chromium all run against a real server. It uses nothing of any of them.

/** Runs it with the package's exports, and gives what a runtime can hand on as JSON. */
export async function program({ Redis, RedisError, ServerError }, { url, token, prefix }) {
  const redis = new Redis({ url, token });
  const key = (name) => `${prefix}:${name}`;
  const found = {};
  const names = ["user", "n", "h", "text", "big", "scan:a", "scan:b", "scan:c"].map(key);
  // What an earlier run left, if it did not come to its end.
  await redis.del(names);

  found.set = await redis.set(key("user"), { name: "ada", tags: ["a", "é", "😀"] }, { ex: 60 });
  found.user = await redis.get(key("user"));
  found.absent = await redis.get(key("absent"));
  found.nx = await redis.set(key("user"), "other", { nx: true });

  found.pipeline = await redis.pipeline().set(key("n"), 41).incr(key("n")).get(key("n")).exec();
  found.multi = await redis.multi().decrby(key("n"), 2).hset(key("h"), { a: 1, b: "x" }).hgetall(key("h")).exec();

  const outcomes = await redis.pipeline().set(key("text"), "text").incr(key("text")).get(key("text")).exec({ keepErrors: true });
  found.outcomes = outcomes.map(({ result, error }) => result ?? error.code);

  try {
    await redis.lpush(key("text"), "value-that-is-secret");
  } catch (error) {
    found.error = {
      classes: [error instanceof RedisError, error instanceof ServerError, error instanceof Error],
      name: error.name,
      code: error.code,
      command: error.command,
      silent: !error.message.includes("secret") && !error.message.includes(prefix),
    };
  }

  await redis.set(key("big"), "9007199254740993");
  found.big = [await redis.get(key("big")), await redis.incr(key("big")), await redis.eval("return {1, 'a', false}")];

  await redis.mset(Object.fromEntries([..."abc"].map((name) => [key(`scan:${name}`), name])));
  const keys = [];
  for await (const found of redis.scanIterator({ match: key("scan:*"), count: 2 })) keys.push(found.slice(prefix.length));
  found.scan = [...new Set(keys)].sort();

  // Connection failures, which each runtime words differently: no error contains a path, a key or a value.
  found.leaks = [];
  const look = (what) => {
    if (what === null || (typeof what !== "object" && typeof what !== "string")) return;
    const texts = typeof what === "string" ? [what] : [what.message, what.stack, String(what), JSON.stringify(what)];
    for (const text of texts) if (/planted|77777/.test(text)) found.leaks.push(text);
    if (typeof what === "object") [what.cause, what.error].forEach(look);
  };
  for (const address of ["http://127.0.0.1:2", "http://LOCALHOST:2/base-planted", "http://127.0.0.1:6000", "https://127.0.0.1:2", `${url}/no/such/planted`]) {
    const broken = new Redis({ url: address, token: "token-planted", retry: false, timeout: 5000, onRequest: look });
    const bytes = new Uint8Array([0xff, 0xfe]);
    for (const call of [() => broken.get("key-planted'it"), () => broken.set("key-planted'it", bytes, { px: 77_777 })]) {
      try {
        await call();
        found.leaks.push("no error");
      } catch (error) {
        look(error);
      }
    }
  }

  found.script = await redis.createScript("return redis.call('INCRBY', KEYS[1], ARGV[1])").exec([key("n")], [2]);
  found.deleted = await redis.del(names);
  return found;
}

/** What it gives everywhere. */
export const expected = {
  set: "OK",
  user: { name: "ada", tags: ["a", "é", "😀"] },
  absent: null,
  nx: null,
  pipeline: ["OK", 42, 42],
  multi: [40, 2, { a: 1, b: "x" }],
  outcomes: ["OK", "ERR", "text"],
  error: { classes: [true, true, true], name: "ServerError", code: "WRONGTYPE", command: "LPUSH", silent: true },
  big: ["9007199254740993", "9007199254740994", [1, "a", null]],
  scan: [":scan:a", ":scan:b", ":scan:c"],
  leaks: [],
  script: 42,
  deleted: 8,
};
