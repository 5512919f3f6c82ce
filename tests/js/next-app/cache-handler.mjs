import { cacheHandler } from "restis/next";

export default cacheHandler({ prefix: process.env.CACHE_PREFIX });
