"""Plays upstash-ratelimit for tests/processes: each line in is a request, each line out its answer.

Where the server is says the environment.
"""

import json
import sys

from upstash_ratelimit import FixedWindow, Ratelimit, SlidingWindow, TokenBucket
from upstash_redis import Redis

REDIS = Redis.from_env(allow_telemetry=False)


def limiter(words):
    limit, seconds = words["limit"], words["seconds"]
    algorithms = {
        "fixed": lambda: FixedWindow(limit, seconds, "s"),
        "sliding": lambda: SlidingWindow(limit, seconds, "s"),
        "bucket": lambda: TokenBucket(limit, limit, seconds, "s"),
    }
    return Ratelimit(REDIS, algorithms[words["algorithm"]](), prefix=words["prefix"])


for line in sys.stdin:
    request = json.loads(line)
    try:
        found = limiter(request).limit(request["key"])
        answer = {"success": found.allowed, "remaining": found.remaining}
        told = {"id": request["id"], "answer": answer}
    except Exception as error:
        told = {"id": request["id"], "error": repr(error)}
    print(json.dumps(told), flush=True)
