"""What runs and what waits now, for the overview and the page of nodes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import redis
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from access.policy import RUN, TOKEN, AnyUser, allows
from fleet import current_runs
from fleet.records import RunRecord, RunStatus
from foundation.ids import parse_uuid, time_of
from tokens.models import ApiToken

PAGES: Final = ("index", "automation_workernode_changelist")
"""The names of the pages that show it."""

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
    """`rows` is None if Redis cannot say. `running` and `waiting` are how many there are in all.

    `page` is where users come back to after they have cancelled one: the name of the page that shows it.
    """

    rows: Sequence[CurrentRow] | None
    running: int = 0
    waiting: int = 0
    may_cancel: bool = False
    page: str = "index"

    @property
    def more(self) -> int:
        """How many run besides those that are shown."""
        return max(0, self.running - MOST_SHOWN)

    @property
    def address(self) -> str:
        """Where the part is renewed from: the whole page costs more."""
        return f"{reverse('admin:running_now')}?{urlencode({'page': self.page})}"

    @property
    def return_to(self) -> str:
        return reverse(f"admin:{self.page}")


def running_now(user: AnyUser, page: str = "index") -> RunningNow | None:
    """What goes on now; None for users who may not view runs."""
    if not allows(user, RUN, "view"):
        return None
    try:
        now = current_runs.look()
    except redis.RedisError:
        return RunningNow(None, page=page)
    records = [*now.running[:MOST_SHOWN], *now.waiting[:MOST_WAITING_SHOWN]]
    may_cancel = allows(user, RUN, "cancel")
    return RunningNow(_rows(records, user), len(now.running), len(now.waiting), may_cancel, page)


@require_safe
def running_now_page(request: HttpRequest) -> HttpResponse:
    """The part alone.

    Raises:
        PermissionDenied: the user may not view runs.
    """
    asked = request.GET.get("page", "")
    now = running_now(request.user, asked if asked in PAGES else PAGES[0])
    if now is None:
        raise PermissionDenied
    return TemplateResponse(request, "console/runs/running_now.html", {"now": now})


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
