// The real @upstash/ratelimit, driven by tests/ratelimit: each line of the input is a call, each line of the output what
// came of it.

import { createInterface } from "node:readline";
import { Ratelimit } from "@upstash/ratelimit";
import { Redis } from "@upstash/redis";

const redis = Redis.fromEnv({ enableTelemetry: false });
const limiters = {
  fixed: (limit, window) => Ratelimit.fixedWindow(limit, window),
  sliding: (limit, window) => Ratelimit.slidingWindow(limit, window),
  bucket: (limit, window) => Ratelimit.tokenBucket(limit, window, limit),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { algorithm, limit, window, prefix, id, cost } = JSON.parse(line);
  const limiter = new Ratelimit({
    redis,
    prefix,
    limiter: limiters[algorithm](limit, window),
    ephemeralCache: false,
    analytics: false,
  });
  const { success, remaining, reset } = await limiter.limit(id, { rate: cost });
  console.log(JSON.stringify({ success, remaining, reset }));
}
