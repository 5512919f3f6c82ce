// subscribe and psubscribe: against restis-local, and over streams made by hand where the server cannot be made to say it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError, HttpError, Redis, Subscriber } from "restis";
import { token, url } from "./support.mjs";

const redis = new Redis({ url, token });
const name = () => `channel:${crypto.randomUUID()}`;

/** What a subscriber says of a type, one after the other. */
function heard(subscriber, type) {
  const [told, asked] = [[], []];
  subscriber.on(type, (data) => (asked.shift() ?? ((data) => told.push(data)))(data));
  return () => (told.length > 0 ? Promise.resolve(told.shift()) : new Promise((resolve) => asked.push(resolve)));
}

/** A fetch that gives one stream of these pieces after the other, and then none that ends. */
function streams(...all) {
  const requests = [];
  const fetch = async (address, init) => {
    requests.push({ path: new URL(address).pathname, headers: init.headers });
    const pieces = all.shift();
    if (typeof pieces === "number") return new Response("no", { status: pieces });
    const body = new ReadableStream({
      start(controller) {
        for (const piece of pieces ?? []) controller.enqueue(new TextEncoder().encode(piece));
        if (pieces !== undefined && all.length > 0) controller.close();
        init.signal.addEventListener("abort", () => controller.error(init.signal.reason));
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  };
  return { redis: new Redis({ url: "https://mock.example/base/", token: "t", fetch }), requests, fetch };
}

test("messages come as values, to all listeners of their kind", async () => {
  const channel = name();
  const subscriber = redis.subscribe([channel, `${channel},x`]);
  assert.ok(subscriber instanceof Subscriber && subscriber instanceof EventTarget);
  const ready = heard(subscriber, "subscribe");
  assert.deepEqual([await ready(), await ready()], [1, 1]);
  const [all, own] = [heard(subscriber, "message"), heard(subscriber, `message:${channel}`)];
  await redis.publish(channel, { a: 1 });
  assert.deepEqual(await all(), { channel, message: { a: 1 } });
  assert.deepEqual(await own(), { channel, message: { a: 1 } });
  // A comma in the name, one in the payload, and a payload of several lines.
  await redis.publish(`${channel},x`, "a,b\nsecond line");
  assert.deepEqual(await all(), { channel: `${channel},x`, message: "a,b\nsecond line" });
  assert.deepEqual(subscriber.getSubscribedChannels(), [channel, `${channel},x`]);
  await subscriber.unsubscribe([channel]);
  assert.deepEqual(subscriber.getSubscribedChannels(), [`${channel},x`]);
  await redis.publish(channel, "nobody");
  await redis.publish(`${channel},x`, "7");
  assert.deepEqual(await all(), { channel: `${channel},x`, message: 7 });
  await subscriber.unsubscribe();
  assert.deepEqual(subscriber.getSubscribedChannels(), []);
});

test("patterns: the channel a message came by, and text that is no JSON", async () => {
  const prefix = name();
  const subscriber = redis.psubscribe(`${prefix}:[ab],*`);
  await heard(subscriber, "psubscribe")();
  const messages = heard(subscriber, "pmessage");
  await redis.publish(`${prefix}:b,c`, "plain text, with a comma");
  assert.deepEqual(await messages(), { pattern: `${prefix}:[ab],*`, channel: `${prefix}:b,c`, message: "plain text, with a comma" });
  await redis.publish(`${prefix}:z,c`, "not meant");
  await redis.publish(`${prefix}:a,`, "1");
  assert.deepEqual((await messages()).message, 1);
  await subscriber.unsubscribe();
});

test("a stream that the server ends is begun again, and a gap says so", async () => {
  const channel = name();
  const confirmation = `data: subscribe,${channel},1\n\n`;
  const fault = { kind: "truncate", bytes: confirmation.length, times: 1, path: `/subscribe/${encodeURIComponent(channel)}` };
  const headers = { authorization: `Bearer ${token}` };
  const posted = await fetch(`${url}/_local/faults`, { method: "POST", headers, body: JSON.stringify(fault) });
  assert.equal(posted.status, 204);
  const subscriber = redis.subscribe(channel);
  const [ready, gap, messages] = ["subscribe", "gap", "message"].map((type) => heard(subscriber, type));
  await ready();
  await redis.publish(channel, "cut off");
  await ready();
  const { channel: of, silence } = await gap();
  assert.equal(of, channel);
  assert.ok(silence >= 0);
  await redis.publish(channel, "again");
  assert.equal((await messages()).message, "again");
  await subscriber.unsubscribe();
});

test("automaticDeserialization: false leaves payloads as they are", async () => {
  const channel = name();
  const subscriber = new Redis({ url, token, automaticDeserialization: false }).subscribe(channel);
  await heard(subscriber, "subscribe")();
  const messages = heard(subscriber, "message");
  await redis.publish(channel, "1");
  assert.equal((await messages()).message, "1");
  await subscriber.unsubscribe();
});

test("events in any pieces, comments, and a server that is busy for a while", async () => {
  const { redis, requests } = streams(
    503,
    ["data: subscr", "ibe,a/b?,1\n\n: keep\n\nda", "ta: message,a/b?,x", "\r\n\n"],
    ["data: subscribe,a/b?,1\n\nevent: x\ndata: message,a/b?,one\ntwo\n\n"],
  );
  const subscriber = redis.subscribe("a/b?");
  const [messages, gap] = [heard(subscriber, "message"), heard(subscriber, "gap")];
  assert.equal((await messages()).message, "x\r");
  assert.equal((await gap()).channel, "a/b?");
  assert.equal((await messages()).message, "one\ntwo");
  assert.equal(requests[0].path, "/base/subscribe/a%2Fb%3F");
  assert.equal(requests[0].headers.authorization, "Bearer t");
  assert.equal(requests[0].headers.accept, "text/event-stream");
  await subscriber.unsubscribe();
});

test("a listener that throws, one that rejects and a payload that cannot be read stop nothing", async () => {
  const { redis } = streams(["data: subscribe,a,1\n\ndata: message,a,1\n\ndata: message,a,2\n\n", "data: message,a,3\n\n"]);
  const subscriber = redis.subscribe("a");
  const seen = [];
  const errors = [];
  const all = new Promise((resolve) => {
    subscriber.on("message", ({ message }) => {
      if (message === 1) throw new Error("thrown");
    });
    subscriber.on("message", async ({ message }) => {
      if (message === 2) throw new Error("rejected");
    });
    subscriber.on("message", ({ message }) => seen.push(message) === 3 && resolve());
  });
  subscriber.on("error", (error) => errors.push(error.message));
  await all;
  await subscriber.unsubscribe();
  assert.deepEqual([seen, errors], [[1, 2, 3], ["thrown", "rejected"]]);
  const given = streams(["data: message,a,bad\n\ndata: message,a,good\n\n"]);
  const deserialize = (text) => {
    if (text === "bad") throw new Error("not mine");
    return text;
  };
  const strict = new Redis({ url: "https://mock.example", token: "t", fetch: given.fetch, deserialize }).subscribe("a");
  const [error, message] = [heard(strict, "error"), heard(strict, "message")];
  assert.equal((await error()).message, "not mine");
  assert.equal((await message()).message, "good");
  await strict.unsubscribe();
});

test("streams that confirm and end at once are begun ever later, and a page is reported once", async () => {
  const short = ["data: subscribe,a,1\n\n"];
  const { redis, requests } = streams(short, short, short, short, short, short, undefined);
  const { random } = Math;
  Math.random = () => 0.999;
  const subscriber = redis.subscribe("a");
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  Math.random = random;
  // Begun after 100, 200, 400 and 800 ms; were each a success, after 100 ms each time.
  assert.ok(requests.length <= 5, `${requests.length} requests`);
  await subscriber.unsubscribe();
  const page = () => new Response("<html>", { headers: { "content-type": "text/html" } });
  const errors = [];
  const other = new Redis({ url: "https://mock.example", token: "t", fetch: async () => page() }).subscribe("a");
  other.on("error", (error) => errors.push(error));
  await new Promise((resolve) => setTimeout(resolve, 500));
  await other.unsubscribe();
  assert.equal(errors.length, 1);
  assert.match(errors[0].message, /page/);
});

test("patterns mean what they mean in Redis, and none is slow", async () => {
  const channels = ["a]b", "a*b", "h-llo", "hallo", "hbllo", "hcllo", "a[", "a^", "a\\", "job:,,:done", "é"];
  for (const pattern of ["a[*]b", "h[b-a]llo", "h[^a]llo", "a[", "a[]", "a[^]", "a\\\\", "[é]", "??", "a[\\]]b", "job:*:done", "h[a-]llo"]) {
    const subscriber = redis.psubscribe(pattern);
    const [ready, got] = [heard(subscriber, "psubscribe"), []];
    subscriber.on("pmessage", ({ channel }) => got.push(channel));
    await ready();
    const counts = await Promise.all(channels.map((channel) => redis.publish(channel, "x")));
    const expected = channels.filter((_, index) => counts[index] > 0).sort();
    const begun = Date.now();
    while (got.length < expected.length && Date.now() - begun < 20_000) await new Promise((resolve) => setTimeout(resolve, 10));
    await subscriber.unsubscribe();
    assert.deepEqual(got.sort(), expected, pattern);
  }
  const long = `job:${",".repeat(60_000)}:done`;
  const { redis: mock } = streams([`data: psubscribe,job:*:*:*:*:done,1\n\ndata: pmessage,job:*:*:*:*:done,${long},x\n\n`, "data: pmessage,job:*:*:*:*:done,job:1:2:3:4:done,y\n\n"]);
  const subscriber = mock.psubscribe("job:*:*:*:*:done");
  assert.equal((await heard(subscriber, "pmessage")()).message, "y");
  await subscriber.unsubscribe();
});

test("what repetition cannot mend is an error, and the end", async () => {
  const { redis, requests } = streams(401);
  const subscriber = redis.subscribe("a");
  const error = await heard(subscriber, "error")();
  assert.ok(error instanceof HttpError);
  assert.equal(error.status, 401);
  assert.ok(!error.message.includes("t ") && !error.message.includes("mock"));
  assert.deepEqual(subscriber.getSubscribedChannels(), []);
  assert.equal(requests.length, 1);
  const plain = new Redis({ url: "https://mock.example", token: "t" });
  assert.throws(() => plain.subscribe([]), TypeError);
  assert.throws(() => plain.subscribe(["."]), TypeError);
  assert.throws(() => new Redis({ url: "http://elsewhere.example", token: "t" }), ConfigError);
});

test("listeners are taken off", async () => {
  const channel = name();
  const subscriber = redis.subscribe(channel);
  await heard(subscriber, "subscribe")();
  const first = [];
  const listener = ({ message }) => first.push(message);
  subscriber.on("message", listener);
  const messages = heard(subscriber, "message");
  await redis.publish(channel, "a");
  await messages();
  subscriber.off("message", listener);
  await redis.publish(channel, "b");
  await messages();
  assert.deepEqual(first, ["a"]);
  subscriber.removeAllListeners();
  const after = heard(subscriber, "message");
  await redis.publish(channel, "c");
  assert.equal((await after()).message, "c");
  await subscriber.unsubscribe();
});
