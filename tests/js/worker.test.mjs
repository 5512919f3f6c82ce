// examples/worker in the real workerd, in front of a restis-local.
//
// `cargo xtask test worker` builds the Worker, starts the server and runs this. By hand it needs
// RESTIS_TEST_URL and RESTIS_TEST_TOKEN of a restis-local, and Node 22 or newer.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import net from "node:net";
import path from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const root = path.resolve(import.meta.dirname, "../..");
const build = path.resolve(process.env.RESTIS_WORKER_DIR ?? path.join(root, "examples/worker/build"));
const url = process.env.RESTIS_TEST_URL;
const token = process.env.RESTIS_TEST_TOKEN;
assert.ok(url && token, "RESTIS_TEST_URL and RESTIS_TEST_TOKEN name a running restis-local");

const COOKIE = "__Host-session";
const DAYS_7 = 7 * 24 * 60 * 60;
/** What the limit takes of a visitor's first request in a minute, and then. */
const COUNTED = { EVALSHA: 1, INCRBY: 1 };
const FIRST = { ...COUNTED, PEXPIRE: 1 };
const SESSION_KEY = "0123456789abcdef0123456789abcdef";
/** A token as `Sessions` makes it, which nobody has. */
const UNKNOWN = `${"A".repeat(22)}.${"A".repeat(22)}.${"A".repeat(43)}`;

/** What every Worker of this file has logged. */
let log = "";
let worker;

before(async () => {
  worker = await start({ UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token, SESSION_KEY });
  // The server knows the limit's script from then on.
  await call("/");
});

beforeEach(async () => {
  await admin("DELETE", "faults");
  log = "";
});

after(async () => {
  await admin("DELETE", "faults");
  await worker?.dispose();
});

/** The Worker as wrangler.toml runs it, with these variables. */
async function start(bindings) {
  const wrangler = await readFile(path.join(root, "wrangler.toml"), "utf8");
  const [, main] = wrangler.match(/^main = "(.+)"$/m);
  const [, compatibilityDate] = wrangler.match(/^compatibility_date = "(.+)"$/m);
  const options = convertV4MiniflareOptions({
    modules: [
      { type: "ESModule", path: path.join(build, path.basename(main)) },
      { type: "CompiledWasm", path: path.join(build, "index_bg.wasm") },
    ],
    modulesRoot: build,
    compatibilityDate,
    bindings,
    handleStructuredLogs: ({ message }) => (log += `${message}\n`),
  });
  const miniflare = new Miniflare(options);
  try {
    await miniflare.ready;
  } catch (error) {
    // What has half started keeps the process alive.
    await miniflare.dispose();
    throw error;
  }
  return miniflare;
}

/** An address that no test has used: its counters are at zero. */
let hosts = Date.now() % 2 ** 24;
function newIp() {
  hosts += 1;
  return `10.${(hosts >> 16) & 255}.${(hosts >> 8) & 255}.${hosts & 255}`;
}

function call(target, { method = "GET", ip = newIp(), cookie, body, headers, to = worker } = {}) {
  return to.dispatchFetch(`https://example.com${target}`, {
    method,
    body: typeof body === "object" ? JSON.stringify(body) : body,
    headers: { "CF-Connecting-IP": ip, ...(cookie && { Cookie: cookie }), ...headers },
  });
}

const login = (userId, options) => call("/login", { method: "POST", body: { userId }, ...options });

/** The cookie that an answer sets, as a browser would send it back. */
const cookieOf = (response) => response.headers.getSetCookie()[0].split(";")[0];

async function redis(...command) {
  const response = await fetch(url, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}` },
    body: JSON.stringify(command),
  });
  const { result, error } = await response.json();
  assert.equal(error, undefined);
  return result;
}

async function admin(method, what, body) {
  const response = await fetch(`${url}/_local/${what}`, {
    method,
    headers: { Authorization: `Bearer ${token}` },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  assert.ok(response.ok, text);
  return text;
}

const inject = (fault) => admin("POST", "faults", fault);

const counts = async () => JSON.parse(await admin("GET", "stats"));

/** What `action` gave, and what the server counted meanwhile. */
async function counted(action) {
  await admin("DELETE", "stats");
  const value = await action();
  return [value, await counts()];
}

/** Waits for a condition, not for a time. */
async function until(condition) {
  const end = Date.now() + 30_000;
  for (;;) {
    const value = await condition();
    if (value) return value;
    assert.ok(Date.now() < end, `not within 30 s: ${condition}`);
    await sleep(10);
  }
}

const statusOf = (response) => response.headers.get("cache-status");
const MISS = "users; fwd=uri-miss; stored";
const HIT = /^users; hit; ttl=\d+$/;

/** Asks until the answer comes from the cache and is fresh: values are stored behind the answer. */
const hit = (target) =>
  until(async () => {
    const response = await call(target);
    return HIT.test(statusOf(response)) && response;
  });

const databaseCalls = async () => (await (await call("/")).json()).databaseCalls;

/** A limit counts within a minute of the clock; a test of it must not run across the end of one. */
async function earlyInTheMinute() {
  const left = 60_000 - (Date.now() % 60_000);
  if (left < 15_000) await sleep(left + 100);
}

test("a profile is loaded once and then comes from the cache", async () => {
  // The first of all makes the version of the cache, too.
  await hit("/users/40");
  await redis("DEL", "user:41");
  const loads = await databaseCalls();

  const [first, missed] = await counted(async () => {
    const response = await call("/users/41");
    // The value is stored behind the answer.
    await until(async () => (await counts()).requests >= 4);
    return response;
  });
  assert.equal(first.status, 200);
  assert.equal(statusOf(first), MISS);
  const user = await first.json();
  assert.deepEqual(user, { id: 41, name: "User 41", city: "Zürich" });
  // One for the limit, and three for a profile that is not in the cache: a look, a claim, the value.
  assert.equal(missed.requests, 4);
  assert.deepEqual(missed.by_command, { ...FIRST, MGET: 1, SET: 2 });

  const [second, found] = await counted(() => call("/users/41"));
  assert.match(statusOf(second), HIT);
  assert.deepEqual(await second.json(), user);
  assert.equal(found.requests, 2);
  assert.deepEqual(found.by_command, { ...FIRST, MGET: 1 });

  assert.equal(await databaseCalls(), loads + 1);
  assert.ok((await redis("GET", "user:41")).endsWith(`;${JSON.stringify(user)}`));
  // 300 s, a tenth more or less, and 300 s in which it may be stale.
  const left = await redis("TTL", "user:41");
  assert.ok(left > 560 && left <= 630, `${left} s`);
});

test("a notification is a job that a worker of BullMQ takes", async () => {
  const cookie = cookieOf(await login("notifier", { ip: newIp() }));
  await redis("DEL", "bull:notifications:wait");
  const send = (body, headers = { cookie }) =>
    call("/notifications", { method: "POST", body, headers, ip: newIp() });
  assert.equal((await send({ to: "ada", text: "hello" }, {})).status, 401);
  assert.equal((await send({ to: "ada" })).status, 400);
  assert.equal((await send({ to: "", text: "hello" })).status, 400);
  const added = await send({ to: "ada", text: "hello" });
  assert.equal(added.status, 202);
  const { id } = await added.json();
  assert.deepEqual(await redis("LRANGE", "bull:notifications:wait", "0", "-1"), [id]);
  const [name, data, opts] = await redis("HMGET", `bull:notifications:${id}`, "name", "data", "opts");
  assert.equal(name, "notification");
  assert.deepEqual(JSON.parse(data), { to: "ada", text: "hello" });
  assert.deepEqual(JSON.parse(opts), {
    attempts: 5,
    backoff: { type: "exponential", delay: 1000 },
    jobId: id,
    removeOnComplete: { age: 86_400 },
  });
  // A double click is one notification.
  const once = [{ to: "ada", text: "hi", once: "click-1" }, { to: "ada", text: "hi", once: "click-1" }];
  const ids = [];
  for (const body of once) ids.push((await (await send(body)).json()).id);
  assert.equal(ids[0], ids[1]);
  assert.equal(await redis("LLEN", "bull:notifications:wait"), 2);
});

test("a profile that has left the cache is loaded again", async () => {
  await hit("/users/42");
  await redis("DEL", "user:42");
  const loads = await databaseCalls();
  assert.equal(statusOf(await call("/users/42")), MISS);
  assert.equal(await databaseCalls(), loads + 1);
});

test("of visitors at once one loads a profile, and all have it", async () => {
  await redis("DEL", "user:50");
  const loads = await databaseCalls();
  const responses = await Promise.all(Array.from({ length: 20 }, () => call("/users/50")));
  for (const response of responses) assert.equal((await response.json()).id, 50);
  assert.equal(responses.filter((response) => statusOf(response) === MISS).length, 1);
  assert.equal(await databaseCalls(), loads + 1);
});

test("a profile that is stale is answered, and loaded again behind the answer", async () => {
  await hit("/users/48");
  const loads = await databaseCalls();
  // Its third field is until when it is fresh.
  const record = (await redis("GET", "user:48")).split(";");
  record[2] = Date.now() - 60_000;
  await redis("SET", "user:48", record.join(";"), "KEEPTTL");
  const stale = await call("/users/48");
  assert.match(statusOf(stale), /^users; hit; ttl=-6\d$/);
  assert.equal((await stale.json()).id, 48);
  await hit("/users/48");
  assert.equal(await databaseCalls(), loads + 1);
});

test("what an older Worker cached in another shape is loaded anew", async () => {
  await hit("/users/43");
  const record = await redis("GET", "user:43");
  const olds = [record.replace('"name"', '"fullName"'), '{"id":43,"name":"Old","city":""}', "not ours", ""];
  for (const old of olds) {
    await redis("SET", "user:43", old);
    const response = await call("/users/43");
    assert.equal(response.status, 200, old);
    assert.equal(statusOf(response), MISS, old);
    assert.equal((await (await hit("/users/43")).json()).name, "User 43");
  }
});

test("that there is no such user is kept for a while", async () => {
  for (const id of ["0", "1000", "18446744073709551615"]) {
    await redis("DEL", `user:${id}`);
    const loads = await databaseCalls();
    const missing = await call(`/users/${id}`);
    assert.equal(missing.status, 404);
    assert.equal(statusOf(missing), MISS);
    const kept = await hit(`/users/${id}`);
    assert.equal(kept.status, 404);
    const left = Number(statusOf(kept).split("ttl=")[1]);
    assert.ok(left <= 11, `${left} s`);
    assert.equal(await databaseCalls(), loads + 1);
  }
});

test("a profile that cannot be written to the cache is answered all the same", async () => {
  await hit("/users/40");
  await redis("DEL", "user:44");
  // The limit, a look and a claim pass; the value and all its repetitions fail.
  await inject({ kind: "status", status: 500, path: "/", skip: 3, times: 9 });
  const response = await call("/users/44");
  assert.equal(response.status, 200);
  assert.equal((await response.json()).id, 44);
  await until(() => /get_or_set of a profile: /.test(log));
  await admin("DELETE", "faults");
  // The next one waits for no longer than the claim lasts.
  assert.equal((await (await hit("/users/44")).json()).id, 44);
});

test("a cache that cannot be read is a 503, and the database is spared", async () => {
  const loads = await databaseCalls();
  // Behind the limit.
  await inject({ kind: "status", status: 500, path: "/", skip: 1, times: 99 });
  assert.equal((await call("/users/49")).status, 503);
  await admin("DELETE", "faults");
  assert.equal(await databaseCalls(), loads);
  assert.equal((await call("/users/49")).status, 200);
});

test("what is not a route costs no request", async () => {
  const [responses, stats] = await counted(() =>
    Promise.all([
      call("/nothing"),
      call("/users"),
      call("/users/"),
      call("/users/abc"),
      call("/users/-1"),
      call("/users/18446744073709551616"),
      call("/users/1/2"),
      call("/users/1", { method: "POST" }),
      call("/login"),
      call("/me", { method: "POST" }),
    ]),
  );
  assert.deepEqual(
    responses.map((response) => response.status),
    responses.map(() => 404),
  );
  assert.equal(stats.requests, 0);
});

test("a session lives for 7 days, and holds who logged in, with what and from where", async () => {
  const ip = newIp();
  const [response, began] = await counted(() => login("ada", { ip, headers: { "User-Agent": "Engine/1" } }));
  assert.equal(response.status, 200);
  assert.equal(began.requests, 2);
  assert.deepEqual(began.by_command, { ...FIRST, HSETEX: 1 });

  const [cookie, ...flags] = response.headers.getSetCookie()[0].split("; ");
  assert.match(cookie, /^__Host-session=[\w-]{22}\.[\w-]{22}\.[\w-]{43}$/);
  assert.deepEqual(flags.sort(), ["HttpOnly", `Max-Age=${DAYS_7}`, "Path=/", "SameSite=Lax", "Secure"]);
  assert.equal(response.headers.get("cache-control"), "no-store");

  // Who reads the database finds nothing to log in with, and no name.
  const [tag, , secret] = cookie.slice(COOKIE.length + 1).split(".");
  const stored = await redis("HGETALL", `sess:${tag}`);
  assert.equal(stored.length, 2);
  assert.ok(!stored.join().includes(secret));

  const [me, read] = await counted(() => call("/me", { cookie: `theme=dark; ${cookie}; lang=en` }));
  assert.equal(me.status, 200);
  assert.deepEqual(await me.json(), { userId: "ada", userAgent: "Engine/1", ipAddress: ip });
  assert.equal(me.headers.get("cache-control"), "no-store");
  assert.equal(read.requests, 2);
  assert.deepEqual(read.by_command, { ...FIRST, HGETEX: 1 });

  const [logout, ended] = await counted(() => call("/logout", { method: "POST", cookie }));
  assert.equal(logout.status, 204);
  assert.match(logout.headers.getSetCookie()[0], /^__Host-session=; .*Max-Age=0$/);
  assert.equal(ended.requests, 2);
  assert.deepEqual(ended.by_command, { ...FIRST, HDEL: 1 });

  assert.equal(await redis("EXISTS", `sess:${tag}`), 0);
  // A copy of the cookie is worth nothing.
  assert.equal((await call("/me", { cookie })).status, 401);
});

test("each login has a token of its own, and ends no other browser's", async () => {
  const cookies = [cookieOf(await login("grace")), cookieOf(await login("grace"))];
  assert.notEqual(cookies[0], cookies[1]);
  await call("/logout", { method: "POST", cookie: cookies[0] });
  assert.equal((await call("/me", { cookie: cookies[0] })).status, 401);
  assert.equal((await call("/me", { cookie: cookies[1] })).status, 200);
});

test("what a browser had before it logged in is over", async () => {
  const before = cookieOf(await login("lin"));
  const after = cookieOf(await login("lin", { cookie: before }));
  assert.equal((await call("/me", { cookie: before })).status, 401);
  assert.equal((await call("/me", { cookie: after })).status, 200);
});

test("a user sees his sessions, and ends all of them at once", async () => {
  const [phone, desk] = [
    cookieOf(await login("mary", { headers: { "User-Agent": "Phone" } })),
    cookieOf(await login("mary", { headers: { "User-Agent": "Desk" } })),
  ];
  const devices = await (await call("/sessions", { cookie: desk })).json();
  assert.deepEqual(devices.map((device) => [device.userAgent, device.isThisOne]).sort(), [["Desk", true], ["Phone", false]]);
  const [gone, stats] = await counted(() => call("/logout-everywhere", { method: "POST", cookie: desk }));
  assert.equal(gone.status, 204);
  assert.deepEqual(stats.by_command, { ...FIRST, HGETEX: 1, UNLINK: 1 });
  for (const cookie of [phone, desk]) assert.equal((await call("/me", { cookie })).status, 401);
  for (const [target, method] of [["/sessions", "GET"], ["/logout-everywhere", "POST"]]) {
    assert.equal((await call(target, { method })).status, 401);
  }
});

test("who is logged in at the service before stays so, under a new token", async () => {
  const former = "0123456789abcdef".repeat(4);
  const session = { userId: "joan", userAgent: "Engine/2", ipAddress: "192.0.2.7" };
  await redis("SET", `session:${former}`, JSON.stringify(session), "EX", DAYS_7);
  const me = await call("/me", { cookie: `${COOKIE}=${former}` });
  assert.deepEqual(await me.json(), session);
  const cookie = cookieOf(me);
  assert.match(cookie, /^__Host-session=[\w-]{22}\.[\w-]{22}\.[\w-]{43}$/);
  assert.deepEqual(await (await call("/me", { cookie })).json(), session);
  const left = await redis("TTL", `session:${former}`);
  assert.ok(left <= 10, `${left} s`);
});

test("nobody is let in without a session", async () => {
  for (const [unknown, read] of [[UNKNOWN, "HGETEX"], ["0".repeat(64), "GET"]]) {
    const [response, stats] = await counted(() => call("/me", { cookie: `${COOKIE}=${unknown}` }));
    assert.equal(response.status, 401);
    assert.deepEqual(stats.by_command, { ...FIRST, [read]: 1 });
  }

  // What cannot be a token is not looked up: only the limit is counted.
  const cookies = [undefined, "", `${COOKIE}=`, `${COOKIE}=a:b`, `other=${UNKNOWN}`, `x${COOKIE}=${UNKNOWN}`, "a;b;;=;"];
  for (const cookie of cookies) {
    const [response, stats] = await counted(() => call("/me", { cookie }));
    assert.equal(response.status, 401);
    assert.deepEqual(stats.by_command, FIRST);
  }
});

test("without its key the Worker says what to do, and serves what needs none", async () => {
  const keyless = await start({ UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token });
  try {
    assert.equal((await login("ada", { to: keyless })).status, 500);
    assert.match(log, /SESSION_KEY is missing: make one/);
    assert.equal((await call("/", { to: keyless })).status, 200);
  } finally {
    await keyless.dispose();
  }
  const short = await start({ UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token, SESSION_KEY: "short" });
  try {
    assert.equal((await login("ada", { to: short })).status, 500);
    assert.match(log, /fewer than 32 bytes/);
  } finally {
    await short.dispose();
  }
});

test("a login that says nothing of use is a 400, and stores nothing", async () => {
  for (const body of ["", "{", "[]", "{}", '{"userId":7}', { userId: "" }, { userId: "x".repeat(65) }]) {
    const [response, stats] = await counted(() => call("/login", { method: "POST", body }));
    assert.equal(response.status, 400, JSON.stringify(body));
    assert.equal(response.headers.getSetCookie().length, 0);
    assert.equal(stats.by_command.HSETEX, undefined);
  }
});

test("the 101st request of a minute is refused, for that address and that endpoint", async () => {
  await earlyInTheMinute();
  const ip = newIp();
  for (let number = 1; number <= 100; number += 1) {
    assert.equal((await call("/users/45", { ip })).status, 200, `request ${number}`);
  }
  const [refused, stats] = await counted(() => call("/users/45", { ip }));
  assert.equal(refused.status, 429);
  const wait = Number(refused.headers.get("retry-after"));
  assert.ok(Number.isInteger(wait) && wait >= 1 && wait <= 60, `Retry-After: ${wait}`);
  assert.equal(stats.requests, 1);
  assert.deepEqual(stats.by_command, { ...COUNTED, DECRBY: 1 });

  assert.equal((await call("/users/46", { ip })).status, 429, "every profile is one endpoint");
  assert.equal((await call("/users/45")).status, 200, "another address passes");
  assert.equal((await call("/", { ip })).status, 200, "another endpoint passes");
  assert.equal((await login("ada", { ip })).status, 200, "another endpoint passes");

  assert.equal(refused.headers.get("ratelimit"), `"minute";r=0;t=${wait}`);
  assert.equal(refused.headers.get("ratelimit-policy"), '"minute";q=100;w=60');

  const keys = await redis("KEYS", `limit:users:${ip}:*`);
  assert.equal(keys.length, 1);
  const left = await redis("TTL", keys[0]);
  assert.ok(left > 0 && left <= 60, `${left} s`);
});

test("a count is given its end once, and no later request pushes it away", async () => {
  await earlyInTheMinute();
  const ip = newIp();
  await call("/", { ip });
  const [key] = await redis("KEYS", `limit:index:${ip}:*`);
  await redis("EXPIRE", key, 30);
  await call("/", { ip });
  assert.equal(await redis("GET", key), "2");
  const left = await redis("TTL", key);
  assert.ok(left > 20 && left <= 30, `${left} s`);
});

test("a network of IPv6 is one visitor, and all are told what is left", async () => {
  await earlyInTheMinute();
  const network = `2001:db8:${(hosts % 65_536).toString(16)}:1`;
  const left = [];
  for (const host of ["::1", "::2", ":a:b:c:d"]) {
    const response = await call("/", { ip: `${network}${host}` });
    left.push(response.headers.get("ratelimit").split(";")[1]);
  }
  assert.deepEqual(left, ["r=99", "r=98", "r=97"]);
  const other = await call("/", { ip: `2001:db8:${(hosts % 65_536).toString(16)}:2::1` });
  assert.match(other.headers.get("ratelimit"), /r=99/);
});

test("of requests at once, exactly 100 pass", async () => {
  await earlyInTheMinute();
  const ip = newIp();
  const responses = await Promise.all(Array.from({ length: 120 }, () => call("/", { ip })));
  const passed = responses.filter((response) => response.status === 200);
  const refused = responses.filter((response) => response.status === 429);
  assert.equal(passed.length, 100);
  assert.equal(refused.length, 20);
});

test("requests at once do not mix up their visitors", async () => {
  const names = Array.from({ length: 40 }, (_, number) => `visitor-${number}`);
  const cookies = (await Promise.all(names.map((name) => login(name)))).map(cookieOf);
  assert.equal(new Set(cookies).size, names.length);
  const answers = await Promise.all(
    cookies.map(async (cookie, number) => {
      const id = 100 + number;
      const [me, user] = await Promise.all([call("/me", { cookie }), call(`/users/${id}`)]);
      return [(await me.json()).userId, (await user.json()).id];
    }),
  );
  assert.deepEqual(
    answers,
    names.map((name, number) => [name, 100 + number]),
  );
});

test("a Redis that is busy for a moment is not noticed", async () => {
  await inject({ kind: "status", status: 503, headers: { "restis-ran": "no" }, path: "/" });
  const [response, stats] = await counted(() => call("/"));
  assert.equal(response.status, 200);
  assert.equal(stats.requests, 2);
  assert.equal(stats.by_command.INCRBY, 1);
});

test("a lost answer of the limit is a 503, and is counted once", async () => {
  await inject({ kind: "drop_after", path: "/" });
  const [response, stats] = await counted(() => call("/"));
  assert.equal(response.status, 503);
  assert.equal(stats.requests, 1);
  assert.equal(stats.by_command.INCRBY, 1);
  assert.equal((await call("/")).status, 200);
});

test("a visitor does not wait for an answer that stalls", async () => {
  await inject({ kind: "stall", bytes: 3, path: "/" });
  const begun = performance.now();
  const response = await call("/");
  const waited = performance.now() - begun;
  assert.equal(response.status, 503);
  assert.ok(waited > 2_500 && waited < 10_000, `${waited} ms`);
  assert.equal((await call("/")).status, 200);
});

test("an outage is a 503 with a number for the log, and passes", async (t) => {
  // A door to the server that can be shut, for a Worker of its own.
  const target = new URL(url);
  const open = new Set();
  const listen = (port) => {
    const door = net.createServer((socket) => {
      const upstream = net.connect(Number(target.port), target.hostname);
      for (const end of [socket, upstream]) open.add(end.on("error", () => end.destroy()));
      socket.pipe(upstream).pipe(socket);
    });
    return once(door.listen(port, "127.0.0.1"), "listening").then(() => door);
  };
  let door = await listen(0);
  const { port } = door.address();
  const shut = () => {
    for (const socket of open) socket.destroy();
    return new Promise((done) => door.close(done));
  };
  const outage = await start({
    SESSION_KEY,
    UPSTASH_REDIS_REST_URL: `http://127.0.0.1:${port}`,
    UPSTASH_REDIS_REST_TOKEN: token,
  });
  t.after(async () => {
    await outage.dispose();
    await shut();
  });

  const cookie = cookieOf(await login("ada", { to: outage }));
  await shut();
  for (const target of ["/", "/users/47", "/me"]) {
    const headers = { "CF-Ray": "8f00ba5e1234-ZRH" };
    const response = await call(target, { to: outage, cookie, headers });
    assert.equal(response.status, 503, target);
    const answer = await response.text();
    assert.equal(JSON.parse(answer).requestId, "8f00ba5e1234-ZRH");
    assert.ok(!answer.includes(token) && !answer.includes(String(port)), answer);
  }
  assert.match(log, /8f00ba5e1234-ZRH: EVALSHA: /);
  assert.ok(!log.includes(cookie.slice(COOKIE.length + 1)), "a session's token is in the log");

  door = await listen(port);
  assert.equal((await call("/users/47", { to: outage })).status, 200);
  const me = await call("/me", { to: outage, cookie });
  assert.equal((await me.json()).userId, "ada");
});

test("a Worker that is not configured says so in its log, and not to visitors", async (t) => {
  const bare = await start({ UPSTASH_REDIS_REST_URL: url });
  t.after(() => bare.dispose());
  const response = await call("/me", { to: bare });
  assert.equal(response.status, 500);
  assert.ok(!(await response.text()).includes("UPSTASH"));
  assert.match(log, /UPSTASH_REDIS_REST_TOKEN is missing/);
});

test("a token that Redis refuses is in neither the answer nor the log", async (t) => {
  const secret = "wrong-token-a5c1";
  const refused = await start({ UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: secret });
  t.after(() => refused.dispose());
  const response = await call("/", { to: refused });
  assert.equal(response.status, 503);
  assert.ok(!(await response.text()).includes(secret));
  assert.match(log, /check that the token/);
  assert.ok(!log.includes(secret));
});
