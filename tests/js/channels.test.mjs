// The subscriber over streams made by hand: how servers end events and lines, and which channel a pattern means.

import assert from "node:assert/strict";
import { test } from "node:test";
import { readFileSync } from "node:fs";
import { InterruptedError, Redis } from "restis";
import { url, token } from "./support.mjs";

const { cases, frames } = JSON.parse(readFileSync(new URL("glob-cases.json", import.meta.url), "utf8"));

/** The messages that a subscriber gives of one stream of these pieces, up to a second confirmation. */
async function heard(subscribe, pieces) {
  const fetch = async (_, { signal }) => {
    const body = new ReadableStream({
      start(controller) {
        for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
        signal.addEventListener("abort", () => controller.error(signal.reason));
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  };
  const subscriber = subscribe(new Redis({ url: "https://mock.example", token: "t", fetch, automaticDeserialization: false }));
  const found = [];
  await new Promise((done) => {
    for (const kind of ["message", "pmessage"]) subscriber.on(kind, (data) => found.push(data));
    for (const kind of ["subscribe", "psubscribe"]) subscriber.on(kind, (count) => count === 2 && done());
  });
  await subscriber.unsubscribe();
  return found;
}

const messages = async (pieces) => (await heard((redis) => redis.subscribe("ch"), pieces)).map(({ message }) => message);

/** The channels that a subscriber to a pattern reads in a message. */
async function channels(pattern, frame) {
  const stream = `data: psubscribe,${pattern},1\n\ndata: pmessage,${pattern},${frame}\n\ndata: psubscribe,${pattern},2\n\n`;
  const found = await heard((redis) => redis.psubscribe(pattern), [stream]);
  return found.map(({ channel }) => channel);
}

test("events end with an empty line, or with each line of data where the server writes no empty ones", async () => {
  for (const end of ["\n", "\r\n"]) {
    const spaced = ["data: subscribe,ch,1", "", "data: message,ch,a", "data: b", "", ": beat", "", "data: message,ch,", "", "data: subscribe,ch,2", "", ""].join(end);
    const lines = ["data: subscribe,ch,1", "data: message,ch,a", ": beat", "data: message,ch,", "data: subscribe,ch,2", ""].join(end);
    for (const cut of [1, 7, 1000]) {
      const inPieces = (text) => text.match(new RegExp(`[^]{1,${cut}}`, "g"));
      assert.deepEqual(await messages(inPieces(spaced)), ["a\nb", ""]);
      assert.deepEqual(await messages(inPieces(lines)), ["a", ""]);
    }
  }
  // Where lines end in LF, a CR is data.
  assert.deepEqual(await messages(["data: subscribe,ch,1\n\ndata: message,ch,a\r\n\ndata: subscribe,ch,2\n\n"]), ["a\r"]);
});

test("a large event is read in linear time, and one that is too large is an error", async () => {
  const large = "x".repeat(16 * 1024 * 1024);
  const text = `data: subscribe,ch,1\n\ndata: message,ch,${large}\n\ndata: subscribe,ch,2\n\n`;
  // Pieces of a few KB, as sockets give them.
  const pieces = [];
  for (let at = 0; at < text.length; at += 4096) pieces.push(text.slice(at, at + 4096));
  const [found] = await messages(pieces);
  assert.ok(found === large);
});

test("patterns mean what they mean to Redis, in the cases that Rust reads too", async () => {
  const redis = new Redis({ url, token, automaticDeserialization: false });
  const prefix = `glob:${Date.now()}:`;
  for (const [pattern, text, expected] of cases) {
    // A real server first, by KEYS, which compares names as PSUBSCRIBE does. It has a short cut for a star alone.
    if (pattern !== "*" && text !== "") {
      await redis.set(prefix + text, 1);
      const literal = prefix.replace(/[\\*?[\]]/g, "\\$&");
      assert.deepEqual((await redis.keys(literal + pattern)).includes(prefix + text), expected, `the server: ${pattern} ${text}`);
      await redis.del(prefix + text);
    }
    // A URL cannot hold an empty pattern, and a comma ends the shortest channel.
    if (pattern === "" || text.includes(",")) continue;
    assert.deepEqual(await channels(pattern, `${text},payload`), expected ? [text] : [], `${pattern} ${text}`);
  }
  for (const [pattern, frame, channel] of frames) {
    assert.deepEqual(await channels(pattern, frame), channel === null ? [] : [channel], `${pattern} ${frame}`);
  }
});

test("no channel and no pattern makes the subscriber slow", async () => {
  const pattern = "user:*:*:*:done";
  const name = `user:${",:a".repeat(20_000)}:done`;
  assert.deepEqual(await channels(pattern, `${name},payload`), [name]);
});

test("an error of a stream quotes no channel", async () => {
  const fetch = async (address) => {
    throw Object.assign(new TypeError(`cannot reach ${address}`), { cause: new Error(`refused: ${new URL(address).pathname}`) });
  };
  const redis = new Redis({ url: "https://MOCK.example:443", token: "t", fetch });
  const subscriber = redis.subscribe("channel-planted");
  const error = await new Promise((report) => subscriber.on("error", report));
  await subscriber.unsubscribe();
  assert.ok(error instanceof InterruptedError, String(error));
  assert.ok(!/planted|MOCK|mock/.test(`${error.message}${error.stack}${error.cause}`), error.message);
});
