// One call of the cache, and then the program ends, as a function of an edge does: node cache-exit.mjs CALL NAMESPACE.

import { Cache, Redis } from "restis/helpers";

const [call, namespace] = process.argv.slice(2);
const redis = new Redis({ url: process.env.RESTIS_TEST_URL, token: process.env.RESTIS_TEST_TOKEN });
const cache = new Cache(redis, { namespace, jitter: 0, staleWhileRevalidate: 60_000, staleIfError: 60_000 });
const calls = {
  getOrSet: () => cache.getOrSet("k", async () => "new"),
  fetch: () => cache.fetch("k", async () => "new", { tags: ["t"] }).then(({ value }) => value),
  getOrSetMany: async () => (await cache.getOrSetMany(["k"], async () => ({ k: "new" }))).get("k"),
  update: () => cache.update("k", async () => "new"),
  failing: () => cache.getOrSet("k", async () => { throw new Error("the source is down"); }).catch((error) => error.message),
  failingMany: () => cache.getOrSetMany(["k"], async () => { throw new Error("the source is down"); }).catch((error) => error.message),
  failingUpdate: () => cache.update("k", async () => { throw new Error("the source is down"); }).catch((error) => error.message),
  unwritable: () => cache.getOrSet("k", async () => new Map()).catch((error) => error.message),
};
process.stdout.write(String(await calls[call]()));
process.exit(0);
