// What the declarations promise, checked by tsc and never run: types.test.mjs does that for each module resolution.

import {
  ConfigError,
  errors,
  init,
  Pipeline,
  Redis,
  RedisError,
  s,
  ServerError,
  TimeoutError,
  type Commands,
  type Outcome,
  type RedisOptions,
  type SetOptions,
} from "restis";
import { secondaryStorage } from "restis/better-auth";
import { createClient, ErrorReply, type Client } from "restis/node-redis";
import driver from "restis/unstorage";
import {
  Cache, Cookie, Idempotency, Loaded, Lock, LostError, RateLimiter, Redis as WithHelpers, Semaphore, Sessions, Throttle, Queue as FullQueue, UnrecoverableError, type Held,
} from "restis/helpers";
import { FlowProducer, Queue, type JobOptions } from "restis/queue";
import { initSync, init as initSlim, Redis as Slim } from "restis/slim";

/** The two types are the same, not only assignable. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function is<A, B>(same: Same<A, B>): void {}
type User = { name: string };

const options: RedisOptions = { url: "https://a.upstash.io", token: "t" };
const redis = new Redis({ ...options, retry: { retries: 2 }, timeout: 1000 });
const slim: Redis = new Slim(options);
new Redis({ ...options, retry: false, fetch: { fetch: async (url: string) => new Response(url) } });
new Redis({ ...options, fetch: (url: string, init: RequestInit) => fetch(url, init) });
Redis.fromEnv();
Redis.fromEnv({ UPSTASH_REDIS_REST_URL: "u", OTHER: { a: 1 } } as { UPSTASH_REDIS_REST_URL: string; OTHER: object }, { timeout: 5 });
// @ts-expect-error a token is needed
new Redis({ url: "u" });
// @ts-expect-error there is no such setting
new Redis({ ...options, retries: 3 });
// @ts-expect-error true says nothing
new Redis({ ...options, retry: true });

async function results() {
  const text = await redis.get<string>("k");
  is<typeof text, string | null>(true);
  const unknown = await redis.get("k");
  is<typeof unknown, unknown>(true);
  const user = await redis.hgetall<User>("k");
  is<typeof user, User | null>(true);

  // The options decide what comes back.
  const plain = await redis.set("k", "v", { ex: 5 });
  is<typeof plain, "OK">(true);
  const conditional = await redis.set("k", { a: 1 }, { nx: true, px: 5 });
  is<typeof conditional, "OK" | null>(true);
  const before = await redis.set<User>("k", 1, { get: true, xx: true });
  is<typeof before, User | null>(true);
  const one = await redis.lpop<number>("k");
  is<typeof one, number | null>(true);
  const some = await redis.lpop<number>("k", 2);
  is<typeof some, number[] | null>(true);
  const place = await redis.lpos("k", "v");
  is<typeof place, number | null>(true);
  const places = await redis.lpos("k", "v", { count: 2 });
  is<typeof places, number[]>(true);
  const added = await redis.zadd("k", { score: 1, member: "a" }, { score: 2, member: { b: 1 } });
  is<typeof added, number>(true);
  const score = await redis.zadd("k", { incr: true, nx: true }, { score: 1, member: "a" });
  is<typeof score, number | null>(true);
  const [cursor, keys] = await redis.scan(0, { match: "*" });
  is<[typeof cursor, typeof keys], [string, string[]]>(true);
  const [, typed] = await redis.scan("0", { withType: true });
  is<typeof typed, { key: string; type: string }[]>(true);
  const fields = await redis.hrandfield<User>("k", 2, true);
  is<typeof fields, User | null>(true);
  const any = await redis.command<number>("OBJECT", "FREQ", "k");
  is<typeof any, number>(true);
  const same = await redis.exec<number>(["OBJECT", "FREQ", "k"]);
  is<typeof same, number>(true);
  for await (const key of redis.scanIterator({ match: "*" })) is<typeof key, string>(true);
  for await (const { member, score } of redis.zscanIterator<User>("k")) is<[typeof member, typeof score], [User, number]>(true);
  const script = await redis.createScript<number>("return 1").exec(["k"], [1]);
  is<typeof script, number>(true);
  const reads = redis.createScript<string>("return 1", { readonly: true });
  is<Awaited<ReturnType<typeof reads.evalRo>>, string>(true);
}

async function batches() {
  const pipeline = redis.pipeline().incr("n").get<User>("u").set("k", "v", { nx: true }).hgetall<User>("h");
  is<typeof pipeline, Pipeline<[number, User | null, "OK" | null, User | null]>>(true);
  const results = await pipeline.exec();
  is<typeof results, [number, User | null, "OK" | null, User | null]>(true);
  const [views, user] = await redis.multi().incr("n").get<User>("u").exec({ keepErrors: true });
  is<typeof views, Outcome<number>>(true);
  if (user.error === undefined) is<typeof user.result, User | null>(true);
  else is<typeof user.error, RedisError>(true);
  const count: number = pipeline.length();

  // One in a loop gives a list of what all have in common.
  let many: Pipeline<any[]> = redis.pipeline();
  for (const key of ["a", "b"]) many = many.get(key);
  const values: unknown[] = await many.exec();
}

function impossible(expiry: { ex: number; px: number }, dynamic: SetOptions) {
  redis.set("k", "v", dynamic);
  redis.set("k", 5n);
  redis.mset({ a: 1, b: { c: 2 } });
  // @ts-expect-error one end is enough
  redis.set("k", "v", expiry);
  // @ts-expect-error if absent and if present
  redis.set("k", "v", { nx: true, xx: true });
  // @ts-expect-error an end that is kept and set
  redis.set("k", "v", { ex: 5, keepTtl: true });
  // @ts-expect-error there is no such option
  redis.set("k", "v", { EX: 5 });
  // @ts-expect-error a number of seconds
  redis.set("k", "v", { ex: "5" });
  // @ts-expect-error nothing is no value
  redis.set("k", undefined);
  // @ts-expect-error a value is needed
  redis.set("k");
  // @ts-expect-error a symbol cannot be stored
  redis.set("k", Symbol("s"));
  // @ts-expect-error one or the other
  redis.zadd("k", { lt: true, gt: true }, { score: 1, member: "a" });
  // @ts-expect-error only one member can be incremented
  redis.zadd("k", { incr: true }, { score: 1, member: "a" }, { score: 2, member: "b" });
  // @ts-expect-error offset and count go together
  redis.zrange("k", 0, 1, { offset: 1 });
  // @ts-expect-error by score or by name
  redis.zrange("k", 0, 1, { byScore: true, byLex: true });
  // @ts-expect-error one weight for all, or a weight for each
  redis.zunionstore("d", 1, "k", { weight: 1, weights: [1] });
  // @ts-expect-error a pipeline is made by a client
  new Pipeline();
}

function failures(error: unknown) {
  if (!(error instanceof RedisError)) return;
  is<typeof error.ambiguous, boolean>(true);
  is<typeof error.code, string | undefined>(true);
  if (error instanceof ServerError) is<typeof error.code, string>(true);
  if (error instanceof TimeoutError) is<typeof error.kind, "timeout">(true);
  if (error instanceof errors.UrlError) is<typeof error, ConfigError>(true);
  switch (error.kind) {
    case "http":
      return error.status;
    // @ts-expect-error there is no such kind
    case "nonsense":
      return;
  }
}

async function loading(module: WebAssembly.Module) {
  await init();
  await initSlim(module);
  initSync({ module });
}

async function betterAuth() {
  const storage = secondaryStorage({ prefix: "auth:", timeout: 3000 });
  is<Awaited<ReturnType<typeof storage.get>>, string | null>(true);
  is<Awaited<ReturnType<typeof storage.increment>>, number>(true);
  await storage.set("k", "v", 60);
  secondaryStorage();
  // @ts-expect-error values come back as text
  secondaryStorage({ automaticDeserialization: true });
}

async function queues() {
  const emails = new Queue<{ to: string }, "welcome" | "bye">("emails", { redis, defaultJobOptions: { attempts: 3 } });
  const job = await emails.add("welcome", { to: "ada" }, { delay: 5, backoff: { type: "exponential", delay: 1 } });
  is<typeof job.data, { to: string }>(true);
  await emails.addBulk([{ name: "bye", data: { to: "eve" }, opts: { removeOnComplete: { age: 60 } } }]);
  // @ts-expect-error there is no such job
  await emails.add("hello", { to: "ada" });
  // @ts-expect-error the data are of another type
  await emails.add("bye", { from: "ada" });
  // @ts-expect-error one way only
  const both: JobOptions = { failParentOnFailure: true, removeDependencyOnFailure: true };
  // @ts-expect-error a child is not deduplicated
  const child: JobOptions = { parent: { id: "a", queue: "bull:b" }, deduplication: { id: "x" } };
  // @ts-expect-error a client is needed
  new Queue("emails", {});
  const flows = new FlowProducer({ redis });
  const { children } = await flows.add({ name: "a", queueName: "b", children: [{ name: "c", queueName: "d" }] });
  const id: string | undefined = children?.[0]?.job.id;
}

async function structures() {
  const found = await redis.geosearch("k", { type: "FROMMEMBER", member: "a" }, { type: "BYRADIUS", radius: 1, radiusType: "KM" }, "ASC", {
    withDist: true,
  });
  is<(typeof found)[number]["dist"], number>(true);
  // @ts-expect-error the coordinate was not asked for
  found[0]!.coord;
  // @ts-expect-error a circle has no rectangle
  await redis.geosearch("k", { type: "FROMMEMBER", member: "a" }, { type: "BYRADIUS", rect: { width: 1, height: 1 } }, "ASC");
  const places = await redis.geopos("k", "a");
  is<typeof places, ({ lng: number; lat: number } | null)[]>(true);
  const [bits, document] = await redis.pipeline().bitfield("k").get("u4", 0).exec().json.get<{ a: number }>("doc").exec();
  is<typeof bits, (number | null)[]>(true);
  is<typeof document, { a: number } | null>(true);
  await redis.xadd("s", "*", { a: 1 }, { trim: { type: "MAXLEN", threshold: 10, comparison: "~", limit: 5 } });
  // @ts-expect-error an exact cut has no limit
  await redis.xadd("s", "*", { a: 1 }, { trim: { type: "MAXLEN", threshold: 10, comparison: "=", limit: 5 } });
  // @ts-expect-error the consumers of which group?
  await redis.xinfo("s", { type: "CONSUMERS" });
  // @ts-expect-error one of them
  await redis.json.set("k", "$", 1, { nx: true, xx: true });
  const hits = await redis.argrep("a", "-", "+", { predicates: [{ exact: "x" }], withValues: true });
  is<typeof hits, [index: string, value: unknown][]>(true);
  const { engines } = await redis.functions.stats();
  is<(typeof engines)["LUA"], { librariesCount: number; functionsCount: number }>(true);
}

async function storages() {
  const made = driver({ base: "cache", ttl: 60, timeout: 3000 });
  const value = await made.getItem("k");
  is<typeof value, string | null>(true);
  await made.setItem("k", "v", { ttl: 5 });
  // @ts-expect-error unstorage writes values as text
  await made.setItem("k", { a: 1 });
  // @ts-expect-error values come back as text
  driver({ automaticDeserialization: true });
}

// One call's own settings, bytes, hooks, requesters.
redis.with({ timeout: 5, signal: new AbortController().signal, retry: false, bytes: true }).get<Uint8Array>("k");
// @ts-expect-error a call has no URL
redis.with({ url: "u" });
redis.use(async (request, next) => next({ ...request, body: ["GET", "k"] }));
new Redis({ ...options, serialize: (value) => JSON.stringify(value), deserialize: (text) => text, bigint: true, compat: "upstash" });
new Redis({ ...options, onRequest: ({ path, status, duration }) => console.log(path, status, duration) });
// @ts-expect-error there is one other client to be like
new Redis({ ...options, compat: "ioredis" });
new Redis({ request: async <T>() => ({ result: undefined as T }) });
is<typeof redis.readYourWritesSyncToken, string | undefined>(true);
const subscriber = redis.subscribe<User>(["a", "b"]);
subscriber.on("message", ({ message }) => is<typeof message, User>(true));
subscriber.on("message:a", ({ channel }) => is<typeof channel, string>(true));
subscriber.on("gap", ({ silence }) => is<typeof silence, number>(true));
// @ts-expect-error there is no such event
subscriber.on("messages", () => {});

// Indexes: what a schema says is what can be asked and what comes back.
const people = redis.search.index({ name: "people", schema: { name: "TEXT", born: { type: "U64", fast: true }, home: { city: "KEYWORD" } } });
const found = await people.query({ filter: { name: { $fuzzy: "ada" }, born: { $lt: 1900 }, "home.city": "London" }, orderBy: { born: "ASC" } });
is<(typeof found)[number], { key: string; score: number; data: { name: string; born: number; home: { city: string } } }>(true);
const part = await people.query({ select: { name: true, "home.city": true } });
part[0]?.data.home.city satisfies string | undefined;
// @ts-expect-error it was not selected
part[0]?.data.born;
const bare = await people.query({ select: {} });
is<(typeof bare)[number], { key: string; score: number }>(true);
// @ts-expect-error there is no such field
people.query({ filter: { age: 1 } });
// @ts-expect-error text is not compared
people.query({ filter: { name: { $gt: "a" } } });
// @ts-expect-error order and score exclude each other
people.query({ orderBy: { born: "ASC" }, scoreFunc: "born" });
const numbers = await people.aggregate({
  aggregations: { by: { $terms: { field: "home.city" }, $aggs: { oldest: { $min: { field: "born" } } } }, mean: { $avg: { field: "born" } } },
});
numbers.by.buckets[0]?.key satisfies string | undefined;
numbers.by.buckets[0]?.oldest.value satisfies number | undefined;
is<typeof numbers.mean, { value: number }>(true);
const untold = await redis.search.index({ name: "i" }).query({ filter: { anything: 1 } });
untold[0]?.data.whatever;
const made = await redis.search.createIndex({
  name: "i", dataType: "json", prefix: "p:",
  schema: s.object({ title: s.string().noStem(), price: s.number(), at: s.date().fast().from("created") }),
});
const [hit] = await made.query({ filter: { price: { $gte: 1 } } });
is<typeof hit, { key: string; score: number; data: { title: string; price: number } }>(true);
// @ts-expect-error a stream has no prefix
redis.search.createIndex({ name: "i", dataType: "stream", stream: "s", prefix: "p", schema: { t: "TEXT" } });
// @ts-expect-error a hash has no objects
redis.search.createIndex({ name: "i", dataType: "hash", prefix: "p", schema: { o: { t: "TEXT" } } });
const vectors = await redis.vector.createIndex({ name: "v", dimension: 3, metric: "COSINE" });
is<Awaited<ReturnType<typeof vectors.query>>, { id: string; score: number }[]>(true);

// The helpers.
const helped: Redis = new WithHelpers(options);
const cache = new Cache(redis, { ttl: 60_000, memory: { bytes: 1000, ttl: 5 } });
is<Awaited<ReturnType<typeof cache.get<User>>>, User | undefined>(true);
const user = await cache.getOrSet("k", async (): Promise<User> => ({ name: "ada" }), { tags: ["t"], waitUntil: (work) => void work });
is<typeof user, User>(true);
const cached = await cache.fetch("k", () => new Loaded<User>({ name: "ada" }, { etag: "e" }));
is<typeof cached.value, User>(true);
is<Awaited<ReturnType<typeof cache.getOrSetMany<User>>>, Map<string, User>>(true);
// @ts-expect-error a time is a number
new Cache(redis, { ttl: "1m" });
const sessions = new Sessions<{ cart: string[] }>(helped, "key", { idle: Infinity });
(await sessions.validate("t"))?.data.cart satisfies string[] | undefined;
sessions.update("t", (data) => { data.cart.push("x"); });
// @ts-expect-error the data have another shape
sessions.create("ada", { carts: [] });
const refreshed = await sessions.refresh("t");
if (refreshed.status === "rotated") is<typeof refreshed.token, string>(true);
new Cookie("sid", { lax: true }).set("t") satisfies string;
const limiter = RateLimiter.tokenBucket(redis, 1, 1000, 5, { failOpen: 100 });
(await limiter.check("ada", { cost: 2 })).allowed satisfies boolean;
// @ts-expect-error it is made by its algorithm
new RateLimiter();
const held: Held | null = await new Lock(redis, ["a", "b"], { fenced: true }).acquire();
held?.fence satisfies number | undefined;
const ran = await new Semaphore(redis, "s", 2).forEach("a").run(async ({ signal }) => signal.aborted);
if (ran.acquired) is<typeof ran.value, boolean>(true);
new Throttle(redis, "t", { every: 5 }).allow() satisfies Promise<boolean>;
const once = await new Idempotency(redis).run("k", { any: 1 }, () => 5);
if (once.status === "now" || once.status === "before") is<typeof once.value, number>(true);
new LostError("m") satisfies RedisError;
const emails = new FullQueue<{ to: string }, number>("emails", { redis: helped, defaultJobOptions: { attempts: 3 } });
(await emails.add("welcome", { to: "ada" }, { delay: 5 })).id satisfies string;
(await emails.consumer({ limit: { max: 1, duration: 5 } }).runUntil(1000, (job) => job.data.to.length)).completed satisfies number;
// @ts-expect-error the handler gives another type
emails.consumer().runUntil(1000, () => "text");
const finished = await emails.waitFinished("1", 5);
if (finished?.status === "completed") is<typeof finished.value, number>(true);
// @ts-expect-error there is no such state
emails.jobs("done");
new UnrecoverableError("m") satisfies Error;

const facade: Client = createClient({ url: "u", token: "t", socket: { keepAlive: true }, commandOptions: { timeout: 5 } });
const stored = await facade.set("k", "v", { expiration: { type: "EX", value: 5 }, condition: "NX" });
is<typeof stored, string | null>(true);
(await facade.zScore("z", "m")) satisfies number | null;
facade.hSet("h", [["f", 1]]) satisfies Promise<number>;
facade.multi().mSet([["a", "1"]]).sAdd("s", ["a", "b"]).exec() satisfies Promise<unknown[]>;
for await (const page of facade.scanIterator({ MATCH: "a*" })) page satisfies string[];
new ErrorReply("m") satisfies ServerError;
// @ts-expect-error a misspelt option
facade.set("k", "v", { ex: 5 });
