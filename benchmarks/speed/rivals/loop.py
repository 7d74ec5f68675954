"""The worker of the bare hand-over: a loop that pops a job and pushes its answer."""

import os
from typing import Any

import redis

if __name__ == "__main__":
    connection = redis.Redis.from_url(os.environ["BENCHMARK_REDIS_URL"], socket_timeout=None)
    while True:
        popped: Any = connection.brpop(["jobs"], timeout=0)
        reply, _, body = popped[1].partition(b"\n")
        connection.rpush(reply, body)
