"""One kind of work after the other, by PyPI's upstash-redis: CPU and wall time of one, and how much larger it made the
process. `cargo xtask bench` runs it: python values_bench.py WHAT ROUNDS, with the two UPSTASH variables exported."""

import json
import resource
import sys
import time

from upstash_redis import Redis

what, rounds = sys.argv[1], int(sys.argv[2])
redis = Redis.from_env(allow_telemetry=False)
redis.ping()
keys = [f"key:{n}" for n in range(100)]


def pipeline():
    pipe = redis.pipeline()
    for _ in range(1_000):
        pipe.set("set", "a value of usual size")
    pipe.exec()


work = {
    "set": lambda: redis.set("set", "a value of usual size"),
    "pipeline": pipeline,
    "lrange": lambda: redis.lrange("list", 0, -1),
    "mget": lambda: redis.mget(*keys),
    "text": lambda: redis.get("text"),
}[what]


def used():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss


_, before = used()
for _ in range(rounds // 10 + 1):
    work()
cpu, _ = used()
wall = time.perf_counter()
for _ in range(rounds):
    work()
wall = time.perf_counter() - wall
after, size = used()
print(json.dumps({
    "cpu_us": (after - cpu) * 1e6 / rounds,
    "wall_us": wall * 1e6 / rounds,
    "larger_kb": size - before,
}))
