"""A run as the console shows it, in a row of a list or on its page."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.policy import AnyUser
from console.runs.durations import Bar, bar_of, milliseconds_taken
from console.runs.references import References
from endpoint.errors import CATALOGUE, RequestFailedError
from fleet.answer import Reason
from fleet.records import RunStatus
from hosts.jobs import RunKind
from runs.explanations import STATUS_WORDS, Words
from runs.models import Run

TONES: Final[Mapping[str, str]] = {
    RunStatus.QUEUED: "plain",
    RunStatus.RUNNING: "info",
    RunStatus.SUCCEEDED: "good",
    RunStatus.FAILED: "bad",
    RunStatus.REFUSED: "warn",
    RunStatus.CANCELLED: "off",
    RunStatus.NEVER_STARTED: "warn",
    RunStatus.UNANSWERED: "bad",
}
KIND_WORDS: Final[Mapping[str, Words]] = {
    RunKind.TRIGGER: gettext_lazy("Trigger"),
    RunKind.MESSAGE: gettext_lazy("Trigger message"),
    RunKind.SUBSCRIPT: gettext_lazy("Subscript"),
    RunKind.TRIAL: gettext_lazy("Trial"),
    RunKind.REPLAY: gettext_lazy("Replay"),
}


@dataclass(frozen=True)
class ShownRun:
    """A run, and how it looks."""

    run: Run
    bar: Bar
    references: References

    @property
    def url(self) -> str:
        return run_page(self.run)

    @property
    def status_word(self) -> Words:
        return STATUS_WORDS[self.run.status]

    @property
    def tone(self) -> str:
        return TONES[self.run.status]

    @property
    def kind_word(self) -> Words:
        return KIND_WORDS[self.run.kind]

    @property
    def is_plain_trigger(self) -> bool:
        return self.run.kind == RunKind.TRIGGER

    @property
    def what(self) -> str:
        """The route as called; for a run without one, the script."""
        route = self.run.called_route or self.run.route
        return (route if self.run.route else "") or self.run.script_name or route or _("unknown")

    @property
    def title(self) -> str:
        """Method and route."""
        return f"{self.run.method.upper()} {self.what}".strip()

    @property
    def code(self) -> int | None:
        """The HTTP code of the response."""
        if not self.run.reason:
            return self.run.response_code
        if self.run.reason == Reason.NEVER_STARTED:
            return RequestFailedError.status
        row = CATALOGUE.get(self.run.reason)
        return row.status if row else None

    @property
    def code_tone(self) -> str:
        code = self.code or 0
        return "bad" if code >= 500 else "warn" if code >= 400 else ""

    @property
    def token(self) -> str:
        return self.references.token_name(self.run)

    @property
    def token_page(self) -> str:
        return self.references.token_page(self.run)

    @property
    def definition_page(self) -> str:
        return self.references.definition_page(self.run)

    @property
    def version_page(self) -> str:
        return self.references.version_page(self.run)


@dataclass(frozen=True)
class Later:
    """How a run ended after its caller had been told something else."""

    status: Words
    code: int | None
    message: str


def later_of(run: Run) -> Later | None:
    if not run.later:
        return None
    told = json.loads(run.later)
    code = told.get("responseCode") or told.get("errorCode")
    return Later(STATUS_WORDS[told["status"]], code, told.get("message", ""))


def run_page(run: Run) -> str:
    return reverse("admin:run", args=[run.pk])


def shown(runs: Sequence[Run], user: AnyUser) -> list[ShownRun]:
    """Runs beside each other: the bar of the slowest takes the whole width."""
    references = References.of(runs, user)
    longest = max(map(milliseconds_taken, runs), default=0)
    return [ShownRun(run, bar_of(run, longest), references) for run in runs]


def shown_alone(run: Run, user: AnyUser) -> ShownRun:
    return ShownRun(run, bar_of(run), References.of([run], user))
