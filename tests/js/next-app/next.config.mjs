// The application that next-app.test.mjs builds and starts, with both caches in Redis.
const handler = (name) => import.meta.resolve(`./${name}`).slice("file://".length);
const major = Number(process.env.NEXT_MAJOR);
/** Whether this build is one with cache components, which forbid what the other routes export. */
const components = process.env.CACHE_COMPONENTS === "1";

export default {
  cacheHandler: handler("cache-handler.mjs"),
  cacheMaxMemorySize: 0,
  ...(major > 15 && { cacheHandlers: { default: handler("use-cache-handler.mjs"), remote: handler("use-cache-handler.mjs") } }),
  ...(components && { cacheComponents: true, pageExtensions: ["cc.js"] }),
  experimental: { ...(!components && { useCache: true }), ...(major === 15 && { cacheHandlers: { default: handler("use-cache-handler.mjs") } }) },
  // The packages are links to those of tests/js.
  outputFileTracingRoot: process.env.REPOSITORY,
  ...(major > 15 && { turbopack: { root: process.env.REPOSITORY } }),
};
