"""The latest runs of an API as a row of dots, and why it fails."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.utils import timezone
from django.utils.text import Truncator
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from access.policy import AnyUser
from console.runs.rows import ShownRun, shown
from definitions.models import ApiDefinition
from runs import selection
from runs.models import FailingApi, Run
from runs.selection import RunFilters

DOTS: Final = 20
LONGEST_ERROR: Final = 240
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class RunDot:
    """A run as a dot; `label` says in words what its colour and shape say."""

    shown: ShownRun

    @property
    def label(self) -> str:
        """`Failed, 500, 12 ms, 3 minutes ago`."""
        accepted = self.shown.run.accepted_at
        is_now = timezone.now() - accepted < _MINUTE
        ago = _("less than a minute ago") if is_now else _("%s ago") % timesince(accepted, depth=1)
        parts = (self.shown.status_word, self.shown.code, self.shown.bar.text, ago)
        return ", ".join(str(part) for part in parts if part)


def last_runs(definition: ApiDefinition, user: AnyUser) -> Sequence[RunDot]:
    """The latest runs, the newest last."""
    runs, _older = selection.page(RunFilters(definition=[definition.pk]), size=DOTS)
    return [RunDot(each) for each in reversed(shown(runs, user))]


@dataclass(frozen=True)
class Failing:
    """An API that fails, and the last run of it that failed, unless that is gone."""

    row: FailingApi
    run: Run | None

    @property
    def error(self) -> str:
        """The first line of what the run said."""
        said = (self.run.message if self.run else "").strip().partition("\n")[0]
        return str(Truncator(said).chars(LONGEST_ERROR))


def failing_state(definition_id: UUID) -> Failing | None:
    row = FailingApi.objects.filter(pk=definition_id).first()
    return Failing(row, Run.objects.filter(pk=row.last_run_id).first()) if row else None
