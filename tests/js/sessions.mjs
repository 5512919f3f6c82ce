// Plays express-session over connect-redis and node-redis for tests/processes: each line in is a request, each line out its
// answer. REDIS says where the server is. A browser is the cookie that it keeps.

import { once } from "node:events";
import { createServer } from "node:http";
import { RedisStore } from "connect-redis";
import session from "express-session";
import { createClient } from "redis";
import { play } from "./play.mjs";

const client = createClient({ url: `redis://${process.env.REDIS}` });
await client.connect();
const idle = 2_000;
const sessions = session({
  store: new RedisStore({ client }), secret: "of the server", resave: false, saveUninitialized: false, cookie: { maxAge: idle },
});

/** Two that wait for each other. */
const gate = { waiting: [] };
function both() {
  return new Promise((resolve) => {
    gate.waiting.push(resolve);
    if (gate.waiting.length === 2) for (const go of gate.waiting.splice(0)) go();
  });
}

const pages = {
  async login(request, user) {
    await new Promise((resolve, reject) => request.session.regenerate((error) => (error ? reject(error) : resolve())));
    Object.assign(request.session, { user, items: [] });
    return user;
  },
  read: async (request) => request.session.user ?? null,
  items: async (request) => request.session.items?.length ?? null,
  add: async (request, item) => request.session.items.push(item),
  async race(request, item) {
    await both();
    return request.session.items.push(item);
  },
  logout: (request) => new Promise((resolve, reject) => request.session.destroy((error) => (error ? reject(error) : resolve(null)))),
};

const server = createServer((request, response) => {
  const [, page, word] = request.url.split("/");
  sessions(request, response, async (error) => {
    const answer = error ? { error: String(error) } : { answer: await pages[page](request, word) };
    response.end(JSON.stringify(answer));
  });
}).listen(0, "127.0.0.1");
await once(server, "listening");
const origin = `http://127.0.0.1:${server.address().port}`;

const cookies = new Map();
async function visit(browser, path) {
  const response = await fetch(`${origin}/${path}`, { headers: { cookie: cookies.get(browser) ?? "" } });
  const [cookie] = response.headers.getSetCookie();
  if (cookie) cookies.set(browser, cookie.split(";")[0]);
  const { error, answer } = await response.json();
  if (error) throw new Error(error);
  return answer;
}

const plays = {
  visit: ({ browser, path }) => visit(browser, path),
  /** What the browser keeps, without the signature: who knows it and the server's secret is that user. */
  id: async ({ browser }) => decodeURIComponent(cookies.get(browser).split("=")[1]).slice(2).split(".")[0],
};

await play(plays);
process.exit();
