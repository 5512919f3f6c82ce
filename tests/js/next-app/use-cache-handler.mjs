import { useCacheHandler } from "restis/next";

export default useCacheHandler({ prefix: `${process.env.CACHE_PREFIX}use:` });
