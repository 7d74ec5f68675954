"""What a worker node logs about its Redis whenever it has connected."""

from typing import Any

import pytest

from testbed.stack import Stack, wait_until

EVICTS, SAVES, WELL = "udapi.W014", "udapi.I001", "Redis meets all requirements"


class Watched:
    """A stack whose Redis a test may configure, and what `manager.log` has said since."""

    def __init__(self, stack: Stack, redis: Any) -> None:
        self._stack, self._redis = stack, redis
        self._before = len(stack.log_text("manager.log"))

    def count(self, text: str) -> int:
        return self._stack.log_text("manager.log")[self._before :].count(text)

    def configure(self, name: str, value: str) -> None:
        """Configure Redis, cut all connections but this one, and wait until the node has checked Redis."""
        # While a consumer starts, Celery replaces a lost connection without another start.
        wait_until(lambda: "cmd=brpop" in str(self._redis.execute_command("CLIENT", "LIST")), what="the node consumes")
        self._redis.config_set(name, value)
        looks = self._looks()
        self._redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        wait_until(lambda: self._looks() > looks, what="the node has connected")

    def _looks(self) -> int:
        """How often the configuration of Redis was read or changed."""
        commands = self._redis.info("commandstats")
        return int(sum(told["calls"] for command, told in commands.items() if command.startswith("cmdstat_config")))


@pytest.fixture
def watched(breakable_stack):
    """A stack with a safe Redis before and after the test."""
    with breakable_stack.redis_client() as redis:
        yield Watched(breakable_stack, redis)
        redis.config_set("maxmemory-policy", "noeviction")
        redis.config_set("save", "")


def test_dangers_of_redis_are_logged_once_per_change(watched):
    watched.configure("maxmemory-policy", "allkeys-lru")
    wait_until(lambda: watched.count(EVICTS) == 1, what="a line about the eviction")
    watched.configure("slowlog-max-len", "100")
    watched.configure("save", "3600 1")
    wait_until(lambda: watched.count(SAVES) == 1, what="a line about the disk")
    assert watched.count(EVICTS) == 2, "what is dangerous has changed: all of it is told"
    watched.configure("save", "")
    watched.configure("maxmemory-policy", "noeviction")
    wait_until(lambda: watched.count(WELL) == 1, what="a line about the end of it")
    assert (watched.count(EVICTS), watched.count(SAVES)) == (3, 1)
