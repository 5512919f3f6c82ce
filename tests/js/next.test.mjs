// The two cache handlers of Next.js, called as Next.js calls them: one handler of pages for each request, one handler of
// `"use cache"` for a process. A real Next.js calls them in next-app.test.mjs.

import assert from "node:assert/strict";
import http from "node:http";
import { after, test } from "node:test";
import { cacheHandler, useCacheHandler } from "restis/next";
import { Redis } from "restis";
import { rejection, token, url } from "./support.mjs";

const redis = new Redis({ url, token, automaticDeserialization: false });
const name = () => `next-${crypto.randomUUID()}:`;
const bytesOf = async (stream) => new Uint8Array(await new Response(stream).arrayBuffer());

/** A server of Next.js: each request has a handler of its own. */
function serverOf(prefix, options) {
  const Handler = cacheHandler({ url, token, prefix, ...options });
  return () => new Handler({ dev: false });
}

const page = (html, tags = ["posts"]) => ({
  kind: "APP_PAGE", html, rscData: Buffer.from([0, 255, 128]), status: 200, postponed: undefined,
  headers: { "x-next-cache-tags": tags.join(",") }, segmentData: new Map([["/a", Buffer.from("a")], ["/b", Buffer.from([1])]]),
});
const control = { revalidate: 100, expire: 1000 };

/** A request for a page, which is rendered unless it is in the cache. */
async function visit(request, key, html, tags, during = async () => {}) {
  const found = await request.get(key, { kind: "APP_PAGE" });
  if (found !== null) return found;
  await during();
  await request.set(key, page(html, tags), { cacheControl: control });
  return "rendered";
}

const keys = (prefix) => redis.keys(`${prefix}*`);

test("pages with bytes and Maps, and fetches with tags, are served until a tag is revalidated", async () => {
  const prefix = name();
  const [here, elsewhere] = [serverOf(prefix, { ttl: 100 }), serverOf(prefix)];
  await visit(here(), "/", "<h1>ü</h1>", ["layout", "page:/"]);
  const found = await elsewhere().get("/", { kind: "APP_PAGE" });
  assert.deepEqual(found.value, JSON.parse(JSON.stringify(page("<h1>ü</h1>", ["layout", "page:/"])), (key, value) =>
    key === "rscData" ? Buffer.from([0, 255, 128]) : key === "segmentData" ? page("").segmentData : value));
  assert.ok(Buffer.isBuffer(found.value.rscData) && found.value.segmentData instanceof Map);
  assert.deepEqual(found.cacheControl, control);
  assert.ok(Math.abs(Date.now() - found.lastModified) < 60_000);
  const request = here();
  const fetched = { kind: "FETCH", data: { body: "e30=", headers: {}, status: 200, url: "u" }, revalidate: 60 };
  assert.equal(await request.get("fetch", { kind: "FETCH", tags: ["posts"], softTags: ["_N_T_/"] }), null);
  await request.set("fetch", fetched, { fetchCache: true, tags: ["posts"] });
  const read = (tags, softTags) => elsewhere().get("fetch", { kind: "FETCH", tags, softTags });
  assert.deepEqual((await read(["posts"], ["_N_T_/"])).value, fetched);
  await here().revalidateTag("posts");
  assert.equal(await read(["posts"], []), null);
  assert.equal(await read([], []), null);
  assert.notEqual(await elsewhere().get("/", { kind: "APP_PAGE" }), null);
  await here().revalidateTag(["layout", "other"]);
  assert.equal(await elsewhere().get("/", { kind: "APP_PAGE" }), null);
  assert.equal(await here().get("none", { kind: "APP_PAGE" }), null);
  here().resetRequestCache();
});

test("a page that is not found is served as that", async () => {
  const server = serverOf(name());
  const request = server();
  await request.get("/gone", { kind: "PAGES" });
  await request.set("/gone", null, { cacheControl: { revalidate: 10, expire: 60 } });
  assert.equal((await server().get("/gone", { kind: "PAGES" })).value, null);
});

test("soft tags of a page invalidate the data that it reads, and no other page's", async () => {
  const prefix = name();
  const server = serverOf(prefix);
  const read = (softTags, request = server()) => request.get("data", { kind: "FETCH", tags: ["t"], softTags });
  const store = async (softTags) => {
    const request = server();
    await read(softTags, request);
    await request.set("data", { kind: "FETCH", data: { body: "1" }, revalidate: 60 }, { fetchCache: true, tags: ["t"] });
  };
  await store(["_N_T_/a"]);
  assert.notEqual(await read(["_N_T_/b"]), null);
  await server().revalidateTag("_N_T_/a");
  assert.equal(await read(["_N_T_/a"]), null);
  // The log proves it for a page whose tags have no record.
  assert.notEqual(await read(["_N_T_/b"]), null);
  await store(["_N_T_/a"]);
  assert.notEqual(await read(["_N_T_/a"]), null);
  await redis.del(`${prefix}tag:_N_T_/b`, `${prefix}log`);
  await server().revalidateTag("_N_T_/c");
  await redis.del(`${prefix}log`);
  assert.notEqual(await read(["_N_T_/a"]), null);
  assert.equal(await read(["_N_T_/unknown"]), null);
});

test("a page rendered from data that was revalidated meanwhile is not stored", async () => {
  const prefix = name();
  const [slow, other] = [serverOf(prefix), serverOf(prefix)];
  for (const tags of [["posts"], ["posts", "never seen before"]]) {
    await visit(slow(), "/", "old", tags, () => other().revalidateTag("posts"));
    assert.equal(await other().get("/", { kind: "APP_PAGE" }), null);
    assert.equal(await visit(other(), "/", "new", tags), "rendered");
    assert.equal((await visit(slow(), "/", "none", tags)).value.html, "new");
    await other().revalidateTag("posts");
  }
  // One that is rendered again on demand had an entry before.
  await visit(other(), "/", "old");
  const request = slow();
  assert.equal((await request.get("/", { kind: "APP_PAGE" })).value.html, "old");
  await other().revalidateTag("posts");
  await request.set("/", page("rendered from old data"), { cacheControl: control });
  assert.equal(await other().get("/", { kind: "APP_PAGE" }), null);
  // Invalidations of other tags do not keep it from being stored.
  await visit(slow(), "/", "kept", ["posts"], () => other().revalidateTag(["a", "b"]));
  assert.equal((await other().get("/", { kind: "APP_PAGE" })).value.html, "kept");
});

test("one handler that reads, stores and revalidates by turns serves what was stored last", async () => {
  const handler = serverOf(name())();
  const get = () => handler.get("/", { kind: "APP_PAGE" });
  for (const html of ["1", "2", "3"]) {
    await handler.set("/", page(html), { cacheControl: control });
    assert.equal((await get()).value.html, html);
    await handler.set(`/${html}`, page(html), { cacheControl: control });
    assert.equal((await handler.get(`/${html}`, { kind: "APP_PAGE" })).value.html, html);
    await handler.revalidateTag("posts");
    assert.equal(await get(), null);
  }
  const use = useCacheHandler({ url, token, prefix: name() });
  for (let i = 0; i < 3; i += 1) {
    await use.set("k", Promise.resolve(cached("x", { timestamp: performance.timeOrigin + performance.now() })));
    assert.notEqual(await use.get("k", ["soft"]), undefined);
    await use.updateTags(["a"]);
  }
});

test("fetches of a page that is rendered on demand are stored by the turn of the page", async () => {
  const prefix = name();
  const Handler = cacheHandler({ url, token, prefix });
  const data = { kind: "FETCH", data: { body: "1" }, revalidate: 60 };
  for (const invalidated of [false, true]) {
    const request = new Handler({ _requestHeaders: { "x-prerender-revalidate": "id" } });
    await request.get("/", { kind: "APP_PAGE" });
    if (invalidated) await new Handler().revalidateTag("t");
    await request.set("data", data, { fetchCache: true, tags: ["t"] });
    assert.equal((await new Handler().get("data", { kind: "FETCH", tags: ["t"] })) === null, invalidated);
  }
});

test("what is deleted of the cache's own keys brings no old page back", async () => {
  const kinds = [/:clock$/, /:tag:/, /:log$/, /:(clock|log)$/, /:(tag:.*|clock|log)$/, /:stale:/];
  for (const soft of [false, true]) {
    for (const kind of kinds) {
      const prefix = name();
      const server = serverOf(prefix);
      await visit(server(), "/", "old", ["posts", "more"]);
      await server().revalidateTag("posts", soft ? { expire: 1000 } : undefined);
      const gone = (await keys(prefix)).filter((key) => kind.test(`:${key.slice(prefix.length)}`));
      if (gone.length > 0) await redis.del(...gone);
      const found = await server().get("/", { kind: "APP_PAGE" });
      const fresh = found !== null && found.lastModified + found.cacheControl.revalidate * 1000 > Date.now();
      assert.ok(!fresh && (soft || found === null), `${kind}`);
      assert.ok(["rendered"].includes(await visit(server(), "/", "new", ["posts", "more"])) || soft);
    }
  }
});

test("random deletions, renders and invalidations never serve a page that is older than its tags", async () => {
  let seed = 7;
  const random = (below) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return Math.floor((seed / 2147483648) * below);
  };
  let served = 0;
  for (let round = 0; round < 6; round += 1) {
    const prefix = name();
    const servers = [serverOf(prefix), serverOf(prefix)];
    const versions = { a: 0, b: 0, c: 0 };
    const rendering = [];
    for (let step = 0; step < 60; step += 1) {
      const request = servers[random(2)]();
      const tags = [["a"], ["b"], ["a", "c"], ["c"]][random(4)];
      const key = `/${tags.join("")}`;
      switch (random(12)) {
        case 0: {
          const tag = "abc"[random(3)];
          versions[tag] += 1;
          await request.revalidateTag(tag);
          break;
        }
        case 1: {
          const all = await keys(prefix);
          if (all.length > 0) await redis.del(all[random(all.length)]);
          break;
        }
        case 2:
        case 3:
        case 4:
        case 5:
          if (rendering.length > 0) await rendering.splice(random(rendering.length), 1)[0]();
          break;
        default: {
          const found = await request.get(key, { kind: "APP_PAGE" });
          const now = JSON.stringify(tags.map((tag) => versions[tag]));
          if (found === null) rendering.push(() => request.set(key, page(now, tags), { cacheControl: control }));
          else {
            served += 1;
            assert.equal(found.value.html, now, `round ${round}, step ${step}`);
          }
        }
      }
    }
  }
  assert.ok(served > 20, `${served} pages were served`);
});

test("a server whose clock is wrong invalidates, and stores, as the others do", async () => {
  const prefix = name();
  const server = serverOf(prefix);
  const real = Date.now;
  const origin = Object.getOwnPropertyDescriptor(performance, "timeOrigin") ?? Object.getOwnPropertyDescriptor(Performance.prototype, "timeOrigin");
  const shifted = async (by, run) => {
    Date.now = () => real() + by;
    Object.defineProperty(performance, "timeOrigin", { configurable: true, value: origin.get.call(performance) + by });
    try {
      return await run();
    } finally {
      Date.now = real;
      delete performance.timeOrigin;
    }
  };
  for (const by of [-5000, 5000, -3_600_000]) {
    await visit(server(), "/", "old");
    await shifted(by, () => server().revalidateTag("posts"));
    assert.equal(await visit(server(), "/", "new"), "rendered", `${by}`);
    await server().revalidateTag("posts");
    await shifted(by, () => visit(server(), "/", "by the wrong clock"));
    assert.equal((await server().get("/", { kind: "APP_PAGE" })).value.html, "by the wrong clock", `${by}`);
    await server().revalidateTag("posts");
  }
});

test("stale-while-revalidate by tag serves a page once more and lets it be rendered in the background", async () => {
  const prefix = name();
  const server = serverOf(prefix);
  const stale = (found) => found.lastModified + found.cacheControl.revalidate * 1000 < Date.now();
  await visit(server(), "/", "old");
  await server().revalidateTag(["posts"], { expire: 1000 });
  const request = server();
  const found = await request.get("/", { kind: "APP_PAGE" });
  assert.ok(found.value.html === "old" && stale(found));
  assert.ok(found.lastModified + found.cacheControl.expire * 1000 > Date.now());
  await request.set("/", page("new"), { cacheControl: control });
  const after = await server().get("/", { kind: "APP_PAGE" });
  assert.ok(after.value.html === "new" && !stale(after));
  // Next.js stores the old page again when rendering it failed: it stays old.
  await server().revalidateTag(["posts"], { expire: 1000 });
  const failing = server();
  const retained = await failing.get("/", { kind: "APP_PAGE" });
  await failing.set("/", retained.value, { cacheControl: control });
  assert.ok(stale(await server().get("/", { kind: "APP_PAGE" })));
  // Its time is over: the server deletes the key.
  await redis.del(`${prefix}stale:posts`);
  assert.equal(await server().get("/", { kind: "APP_PAGE" }), null);
  // A later call does not bring back what was over.
  await server().revalidateTag(["posts"], { expire: 1000 });
  assert.equal(await server().get("/", { kind: "APP_PAGE" }), null);
  await visit(server(), "/", "newest");
  await server().revalidateTag(["posts"], { expire: 0 });
  assert.equal(await server().get("/", { kind: "APP_PAGE" }), null);
});

test("stale data is older than its time to revalidate, even where it has none", async () => {
  const server = serverOf(name());
  for (const revalidate of [60, 0xfffffffe]) {
    const request = server();
    await request.get("data", { kind: "FETCH", tags: ["t"], revalidate });
    await request.set("data", { kind: "FETCH", data: { body: "1" }, revalidate }, { fetchCache: true, tags: ["t"] });
    await server().revalidateTag("t", { expire: 100 });
    const { lastModified } = await server().get("data", { kind: "FETCH", tags: ["t"], revalidate });
    assert.ok((Date.now() - lastModified) / 1000 > revalidate);
    await server().revalidateTag("t");
  }
});

test("every key expires, those of tags among them", async () => {
  const prefix = name();
  const server = serverOf(prefix, { ttl: 100 });
  await visit(server(), "/", "x", ["posts", "more"]);
  await server().revalidateTag(["posts", "other"]);
  await server().revalidateTag(["more"], { expire: 0.5 });
  const use = useCacheHandler({ url, token, prefix: `${prefix}use:`, ttl: 100 });
  await use.set("k", Promise.resolve({ value: new Response("x").body, tags: ["t"], stale: 1, timestamp: Date.now(), expire: Infinity, revalidate: 60 }));
  await use.updateTags(["t"]);
  const all = await keys(prefix);
  assert.ok(all.length >= 8, String(all));
  for (const key of all) {
    const left = await redis.ttl(key);
    assert.ok((left >= 0 && left <= 200) || left === -2, `${key} ${left}`);
  }
});

test("the log of invalidations is bounded, and tags that it has dropped count as invalidated", async () => {
  const prefix = name();
  const server = serverOf(prefix);
  await visit(server(), "/", "x", ["posts"]);
  await redis.del(`${prefix}tag:posts`);
  const tags = Array.from({ length: 1200 }, (_, i) => `tag ${i}`);
  await server().revalidateTag(tags.slice(0, 900));
  assert.notEqual(await server().get("/", { kind: "APP_PAGE" }), null);
  await server().revalidateTag(tags.slice(900));
  assert.equal(await redis.zcard(`${prefix}log`), 1001);
  assert.equal(await server().get("/", { kind: "APP_PAGE" }), null);
  assert.equal(await visit(server(), "/", "x", ["posts"]), "rendered");
  assert.notEqual(await server().get("/", { kind: "APP_PAGE" }), null);
});

test("keys of entries, tags and builds are apart, whatever their names are", async () => {
  const prefix = name();
  const server = serverOf(prefix);
  for (const key of ["clock", "log", "tag:posts", "stale:posts", "build:x", "page::/", "data:x", "__proto__"]) {
    for (const kind of ["APP_PAGE", "FETCH"]) {
      const request = server();
      assert.equal(await request.get(key, { kind, tags: [key] }), null);
      const value = kind === "FETCH" ? { kind, data: { body: key }, revalidate: 1 } : page(key, [key]);
      await request.set(key, value, { fetchCache: kind === "FETCH", tags: [key], cacheControl: control });
      assert.equal((await server().get(key, { kind, tags: [key] })).value.kind, kind);
    }
  }
});

test("values are read as they were written: Buffers, Maps, and names like the marks at any depth", async () => {
  const server = serverOf(name());
  let seed = 11;
  const random = (below) => (seed = (seed * 48271) % 2147483647) % below;
  const names = ["$bytes", "$map", "$$bytes", "$$$map", "$", "$bytesx", "a", "", "__proto__", "toJSON", "constructor", "ü\ud83d\ude00"];
  const value = (depth) => {
    switch (random(depth > 4 ? 6 : 10)) {
      case 0: return null;
      case 1: return random(2) === 0;
      case 2: return random(1e6) / 7;
      case 3: return ["$bytes", "{\"$map\":[]}", "", "AQ==", "\u0000\u2028"][random(5)];
      case 4: return Buffer.from(Array.from({ length: random(9) }, () => random(256)));
      case 5: return names[random(names.length)];
      case 6: return Array.from({ length: random(4) }, () => value(depth + 1));
      case 7: return new Map(Array.from({ length: random(4) }, () => [value(depth + 2), value(depth + 1)]));
      default: {
        const object = {};
        for (let i = random(4); i > 0; i -= 1) {
          const own = { value: value(depth + 1), enumerable: true, configurable: true, writable: true };
          Object.defineProperty(object, names[random(names.length)], own);
        }
        return object;
      }
    }
  };
  for (let i = 0; i < 150; i += 1) {
    const request = server();
    const props = { kind: "PAGES", html: "", pageData: { pageProps: value(0) }, headers: {} };
    await request.get("/", { kind: "PAGES" });
    await request.set("/", props, { cacheControl: control });
    assert.deepEqual((await server().get("/", { kind: "PAGES" })).value, props, `value ${i}`);
  }
  const dates = server();
  await dates.get("/dates", { kind: "PAGES" });
  await dates.set("/dates", { kind: "PAGES", pageData: { at: new Date(0) } }, { cacheControl: control });
  assert.equal((await server().get("/dates", { kind: "PAGES" })).value.pageData.at, "1970-01-01T00:00:00.000Z");
});

const doors = [];
after(() => doors.forEach((server) => server.closeAllConnections() ?? server.close()));

/** A door to the server that can be shut: requests then hang. */
async function door() {
  const state = { open: true, requests: 0 };
  const server = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    state.requests += 1;
    if (!state.open) return;
    const answer = await fetch(url + (request.url === "/" ? "" : request.url), {
      method: "POST", body: Buffer.concat(chunks), headers: { authorization: request.headers.authorization, "content-type": "application/json" },
    });
    response.writeHead(answer.status, { "content-type": "application/json" }).end(await answer.text());
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  doors.push(server);
  return Object.assign(state, { url: `http://127.0.0.1:${server.address().port}` });
}

test("while Redis is away everything is a miss that does not wait long, and a failed revalidateTag rejects", async () => {
  const errors = [];
  const onError = (error, about) => errors.push([error.kind, about.operation]);
  const down = serverOf(name(), { url: "http://127.0.0.1:65534", retry: false, onError });
  const request = down();
  assert.equal(await request.get("/", { kind: "APP_PAGE" }), null);
  await request.set("/", page("x"), { cacheControl: control });
  // It is not asked again at once.
  assert.deepEqual(errors, [["connect", "get"]]);
  assert.equal((await rejection(down().revalidateTag("posts"))).kind, "connect");
  assert.deepEqual(errors[1], ["connect", "revalidateTag"]);
  const use = useCacheHandler({ url: "http://127.0.0.1:65534", token, retry: false, onError });
  assert.equal(await use.get("k", []), undefined);
  await use.refreshTags();
  await use.set("k", Promise.resolve({ value: new Response("x").body, tags: [], stale: 1, timestamp: Date.now(), expire: 9, revalidate: 9 }));
  assert.equal((await rejection(use.updateTags(["t"]))).kind, "connect");
});

test("a Redis that hangs is waited for once, and a render of that time is not stored", async () => {
  const prefix = name();
  const way = await door();
  const server = serverOf(prefix, { url: way.url, timeout: 200, onError: () => {} });
  way.open = false;
  const request = server();
  for (let i = 0; i < 5; i += 1) assert.equal(await request.get(`/${i}`, { kind: "APP_PAGE" }), null);
  const { requests } = way;
  assert.ok(requests <= 2, `${requests} requests`);
  way.open = true;
  await redis.del(`${prefix}clock`);
  await request.set("/0", page("x"), { cacheControl: control });
  // It is back after a while, and works as before.
  const until = performance.now() + 20_000;
  while (performance.now() < until && (await visit(server(), "/", "new")) === "rendered") await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal((await server().get("/", { kind: "APP_PAGE" })).value.html, "new");
  await request.set("/0", page("x"), { cacheControl: control });
  const stored = (await keys(prefix)).filter((key) => key.endsWith(":/0"));
  assert.deepEqual(stored, []);
});

test("a revalidateTag that did not arrive is made up for before the next read of its process", async () => {
  const prefix = name();
  const way = await door();
  const server = serverOf(prefix, { url: way.url, timeout: 200, onError: () => {} });
  await visit(server(), "/", "old");
  await visit(server(), "/soft", "old", ["soft"]);
  way.open = false;
  await rejection(server().revalidateTag(["posts", "more"]));
  await rejection(server().revalidateTag(["soft"], { expire: 100 }));
  way.open = true;
  const until = performance.now() + 20_000;
  let found = null;
  while (found === null && performance.now() < until) {
    found = await server().get("/soft", { kind: "APP_PAGE" });
    assert.equal(await server().get("/", { kind: "APP_PAGE" }), null);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.ok(found.value.html === "old" && found.lastModified + control.revalidate * 1000 < Date.now());
  assert.equal(await serverOf(prefix)().get("/", { kind: "APP_PAGE" }), null);
  assert.equal(await visit(server(), "/", "new"), "rendered");
  assert.equal((await visit(server(), "/", "none")).value.html, "new");
});

test("an entry that is too large is not stored, and takes the one before it along", async () => {
  const errors = [];
  const prefix = name();
  const server = serverOf(prefix, { maxSize: 5000, onError: (error, { operation, key }) => errors.push([error.name, operation, key]) });
  await visit(server(), "/", "small");
  const request = server();
  await request.get("/", { kind: "APP_PAGE" });
  await request.set("/", page("x".repeat(5000)), { cacheControl: control });
  assert.equal(await server().get("/", { kind: "APP_PAGE" }), null);
  assert.deepEqual(errors, [["RangeError", "set", "/"]]);
  // The server's own limit is found by its answer.
  const limited = serverOf(prefix, { maxSize: 1e9, onError: (error) => errors.push(error.kind) });
  const large = limited();
  await large.get("/large", { kind: "APP_PAGE" });
  await large.set("/large", page("x".repeat(12_000_000)), { cacheControl: control });
  assert.equal(await limited().get("/large", { kind: "APP_PAGE" }), null);
  assert.equal(errors.length, 2);
});

test("what is not an entry is a miss", async () => {
  const prefix = name();
  const server = serverOf(prefix);
  for (const text of ["", "x", "\n", "[]\nx", "{}\n{}", "[1,2,3,4,5]\n{}", '[1,"e",1,1,[],null]\n{"broken', "null\n1"]) {
    await redis.set(`${prefix}page::/`, text);
    assert.equal(await serverOf(prefix, { onError: () => {} })().get("/", { kind: "APP_PAGE" }), null, text);
  }
  assert.equal(await visit(server(), "/", "x"), "rendered");
});

test("options that mean nothing are refused when the handler is made", () => {
  for (const options of [{ ttl: 0 }, { ttl: NaN }, { ttl: "1" }, { prefix: 1 }, { maxSize: -1 }, { onError: true }, { timeout: 0 }, { unknown: 1 }]) {
    assert.throws(() => cacheHandler({ url, token, ...options }), { name: "ConfigError" }, JSON.stringify(options));
    assert.throws(() => useCacheHandler({ url, token, ...options }), { name: "ConfigError" }, JSON.stringify(options));
  }
});

test("a read is one request, a write and a revalidation are one", async () => {
  const prefix = name();
  const way = await door();
  const server = serverOf(prefix, { url: way.url });
  await visit(server(), "/warm", "x", ["posts", "more"]);
  await server().revalidateTag("warm");
  const costs = async (run) => {
    const before = way.requests;
    await run();
    return way.requests - before;
  };
  const request = server();
  assert.equal(await costs(() => request.get("/", { kind: "APP_PAGE" })), 1);
  assert.equal(await costs(() => request.set("/", page("x", ["posts", "more"]), { cacheControl: control })), 1);
  assert.equal(await costs(() => server().get("/", { kind: "APP_PAGE" })), 1);
  assert.equal(await costs(() => server().revalidateTag(["a", "b", "c"])), 1);
  assert.equal(await costs(() => server().get("/", { kind: "APP_PAGE" })), 1);
  // A process that has not read the entry before asks for its tags when it knows them.
  const other = serverOf(prefix, { url: way.url });
  assert.equal(await costs(() => other().get("/", { kind: "APP_PAGE" })), 2);
  assert.equal(await costs(() => other().get("/", { kind: "APP_PAGE" })), 1);
});

const cached = (value, more) => ({
  value: new Response(value).body, tags: ["a"], stale: 30, timestamp: Date.now(), expire: 3600, revalidate: 60, ...more,
});

test('"use cache": entries are streams with their tags and times, and a read waits for a write of its process', async () => {
  const handler = useCacheHandler({ url, token, prefix: name() });
  let give;
  const set = handler.set("k", new Promise((resolve) => (give = resolve)));
  const reading = handler.get("k", []);
  give(cached(new Uint8Array([0, 255, 1])));
  await set;
  const found = await reading;
  assert.deepEqual(await bytesOf(found.value), new Uint8Array([0, 255, 1]));
  assert.deepEqual([found.tags, found.revalidate, found.stale], [["a"], 60, 30]);
  assert.equal(await handler.getExpiration(["a", "soft"]), Infinity);
  await handler.updateTags(["soft"]);
  assert.equal(await handler.get("k", ["soft"]), undefined);
  assert.notEqual(await handler.get("k", []), undefined);
  await handler.updateTags(["a"]);
  assert.equal(await handler.get("k", []), undefined);
  await handler.set("over", Promise.resolve(cached("x", { timestamp: Date.now() - 61_000, expire: 60 })));
  assert.equal(await handler.get("over", []), undefined);
  await assert.rejects(handler.set("failed", Promise.reject(new RangeError("mine"))), RangeError);
  assert.equal(await handler.get("failed", []), undefined);
  const broken = new ReadableStream({ start: (controller) => controller.error(new Error("half of it")) });
  await handler.set("half", Promise.resolve(cached("", { value: broken })));
  assert.equal(await handler.get("half", []), undefined);
  await handler.refreshTags();
});

test('"use cache": an entry rendered before an invalidation is not served, and one rendered after it is', async () => {
  const prefix = name();
  const [here, there] = [useCacheHandler({ url, token, prefix }), useCacheHandler({ url, token, prefix })];
  // Next.js 16 stores an entry when it is whole, Next.js 15 when it begins.
  for (const early of [false, true]) {
    await here.refreshTags();
    assert.equal(await here.get("k", []), undefined);
    let give;
    const given = new Promise((resolve) => (give = resolve));
    const entry = cached("old");
    const begun = early && here.set("k", given);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await there.updateTags(["a"]);
    give(entry);
    await (begun || here.set("k", given));
    assert.equal(await there.get("k", []), undefined);
    assert.equal(await here.get("k", []), undefined);
    await here.set("k", Promise.resolve(cached("new")));
    assert.equal(new TextDecoder().decode(await bytesOf((await there.get("k", [])).value)), "new");
    await there.expireTags("a", "b");
  }
});

test('"use cache": stale-while-revalidate by tag, and by time until the entry expires', async () => {
  const handler = useCacheHandler({ url, token, prefix: name() });
  await handler.get("k", []);
  await handler.set("k", Promise.resolve(cached("x", { revalidate: 1, timestamp: Date.now() - 5000 })));
  assert.equal((await handler.get("k", [])).revalidate, 1);
  await handler.updateTags(["a"], { expire: 100 });
  assert.equal((await handler.get("k", [])).revalidate, -1);
  await handler.set("k", Promise.resolve(cached("x")));
  assert.equal((await handler.get("k", [])).revalidate, 60);
  await handler.updateTags(["a"], { expire: 0 });
  assert.equal(await handler.get("k", []), undefined);
});

test("requests of the handlers go past the fetch that Next.js has patched", async () => {
  const real = globalThis.fetch;
  let patched = 0;
  globalThis.fetch = Object.assign((...args) => ((patched += 1), real(...args)), { _nextOriginalFetch: real });
  try {
    await visit(serverOf(name())(), "/", "x");
  } finally {
    globalThis.fetch = real;
  }
  assert.equal(patched, 0);
});
