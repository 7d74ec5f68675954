"""What runs and what waits now, for the overview and the page of nodes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import redis

from access.policy import RUN, TOKEN, AnyUser, allows
from fleet import current_runs
from fleet.records import RunRecord, RunStatus
from foundation.ids import parse_uuid, time_of
from tokens.models import ApiToken

MOST_SHOWN: Final = 20
MOST_WAITING_SHOWN: Final = 5


@dataclass(frozen=True)
class CurrentRow:
    """A run that runs or waits, since a time. `who` is the user, or the token where the viewer may see its name."""

    record: RunRecord
    since: datetime
    who: str

    @property
    def is_running(self) -> bool:
        return self.record.status is RunStatus.RUNNING

    @property
    def what(self) -> str:
        """The API as called, or the script of a run that no API began."""
        record = self.record
        return f"{record.method.upper()} {record.called_route or record.route}" if record.route else record.script_name


@dataclass(frozen=True)
class RunningNow:
    """`rows` is None if Redis cannot say. `more` is how many run besides, `waiting` how many wait in all."""

    rows: Sequence[CurrentRow] | None
    more: int = 0
    waiting: int = 0
    may_cancel: bool = False


def running_now(user: AnyUser) -> RunningNow | None:
    """What goes on now; None for users who may not view runs."""
    if not allows(user, RUN, "view"):
        return None
    try:
        now = current_runs.look()
    except redis.RedisError:
        return RunningNow(None)
    records = [*now.running[:MOST_SHOWN], *now.waiting[:MOST_WAITING_SHOWN]]
    more = max(0, len(now.running) - MOST_SHOWN)
    return RunningNow(_rows(records, user), more, len(now.waiting), allows(user, RUN, "cancel"))


def _rows(records: Sequence[RunRecord], user: AnyUser) -> list[CurrentRow]:
    tokens = {token for record in records if (token := parse_uuid(record.token_id))}
    names: dict[UUID | None, str] = {}
    if tokens and allows(user, TOKEN, "view"):
        names = dict(ApiToken._base_manager.filter(pk__in=tokens).values_list("pk", "name"))
    return [
        CurrentRow(record, _since(record), record.user or names.get(parse_uuid(record.token_id), ""))
        for record in records
    ]


def _since(record: RunRecord) -> datetime:
    """When it began to run, or to wait."""
    return time_of(UUID(record.id)) + timedelta(milliseconds=record.queue_milliseconds or 0)
