"""Since when a component has had its status: Redis keeps when a look first saw it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

import redis

from broker.client import brief_client
from broker.installation import prefix
from foundation.times import now_milliseconds
from health.states import ComponentState


def dated(states: Sequence[ComponentState]) -> list[ComponentState]:
    """The components, each since its present status was first seen; without Redis, that is not known."""
    try:
        moments = _moments(states)
    except redis.RedisError:
        return list(states)
    return [
        each if each.since else replace(each, since=datetime.fromtimestamp(moment / 1_000, UTC))
        for each, moment in zip(states, moments, strict=True)
    ]


def _moments(states: Sequence[ComponentState]) -> list[int]:
    """When the present status of each was first seen, in milliseconds since 1970."""
    # Two processes that see a change at once write nearly the same time.
    kept = cast(dict[bytes, bytes], brief_client().hgetall(_key()))
    now, moments, changed = now_milliseconds(), [], {}
    for each in states:
        status, _, moment = kept.get(each.name.encode(), b"").decode().partition(" ")
        if status != each.status:
            moment = str(now)
            changed[each.name] = f"{each.status} {moment}"
        moments.append(int(moment))
    if changed:
        brief_client().hset(_key(), items=[part for pair in changed.items() for part in pair])
    return moments


def _key() -> str:
    return f"{prefix()}health"
