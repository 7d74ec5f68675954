"""When a token was last used: noted in Redis by a trip that a trigger makes anyway, moved to the database here.

`tokens/tasks.py` does so once a minute. This is bookkeeping and no change of a token: no event, no version, no author.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from django.db import Error as DatabaseError
from django.db.models import Q

from broker.client import client
from broker.last_use_key import last_use_key
from tokens.models import ApiToken

# Of two nodes that take the notes at once, one gets them. What was used since keeps its newer note.
_GIVE_BACK = "for i = 1, #ARGV, 2 do redis.call('HSETNX', KEYS[1], ARGV[i], ARGV[i + 1]) end"


def move() -> int:
    """Move the notes from Redis to the database; how many tokens they were about.

    Raises:
        redis.RedisError: the broker is not reachable; the notes stay.
        django.db.Error: the database is not; the notes are given back.
    """
    notes = _take()
    try:
        for token_id, milliseconds in notes.items():
            _keep(UUID(token_id.decode()), int(milliseconds))
    except DatabaseError:
        client().eval(_GIVE_BACK, 1, last_use_key(), *(part for note in notes.items() for part in note))
        raise
    return len(notes)


def _take() -> Mapping[bytes, bytes]:
    pipeline = client().pipeline(transaction=True)
    pipeline.hgetall(last_use_key())
    pipeline.delete(last_use_key())
    notes: Mapping[bytes, bytes] = pipeline.execute()[0]
    return notes


def _keep(token_id: UUID, milliseconds: int) -> None:
    moment = datetime.fromtimestamp(milliseconds / 1_000, UTC)
    is_newer = Q(last_used__isnull=True) | Q(last_used__lt=moment)
    ApiToken._base_manager.filter(is_newer, pk=token_id).update(last_used=moment)
