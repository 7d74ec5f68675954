"""Which worker nodes have left on purpose. Others that are not alive are missed."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from broker.client import brief_client, client
from fleet import redis_keys

KEPT: Final = timedelta(hours=25)
"""A little longer than a node that is gone is told of."""


def note(node_id: int, milliseconds: int) -> None:
    """The node left at this time (milliseconds since 1970), or somebody says that it is not missed.

    Raises:
        redis.RedisError
    """
    brief_client().set(redis_keys.departure(node_id), milliseconds, ex=KEPT)


def of_nodes(node_ids: Sequence[int]) -> dict[int, datetime]:
    """When those of these nodes left that did.

    Raises:
        redis.RedisError
    """
    if not node_ids:
        return {}
    found = cast(list[bytes | None], client().mget([redis_keys.departure(each) for each in node_ids]))
    return {
        node_id: datetime.fromtimestamp(int(text) / 1_000, UTC)
        for node_id, text in zip(node_ids, found, strict=True)
        if text is not None
    }
