import * as cache from "next/cache";
import { source } from "../../data.js";

const cacheTag = cache.cacheTag ?? cache.unstable_cacheTag;

export async function used() {
  "use cache";
  cacheTag("used");
  return source("used");
}
