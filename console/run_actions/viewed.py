"""The run and the definition that an action is about, for users who may see them."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from access.policy import RUN, Action, AnyUser, allows
from automation.builds import is_ready
from automation.versions import ScriptVersion
from console.run_actions.wire import RUN_ID
from console.runs.pages import found_run
from definitions.models import ApiDefinition
from fleet.records import RunStatus
from runs.models import Run


def require(request: HttpRequest, *actions: Action) -> None:
    """Let in users who may do all of it with runs.

    Raises:
        PermissionDenied: the user may not.
    """
    if not all(allows(request.user, RUN, action) for action in actions):
        raise PermissionDenied


def viewed_run(request: HttpRequest, run_id: UUID, *actions: Action) -> Run:
    """The run, for users who may view runs and do `actions`.

    Raises:
        PermissionDenied: the user may not.
        Http404: there is no such run.
    """
    require(request, "view", *actions)
    return found_run(run_id)


def may_go_on(run: Run) -> bool:
    """Whether there may be something to cancel: a run that was not answered in time may still go on."""
    return not run.is_over or (run.status == RunStatus.UNANSWERED and not run.later)


@dataclass(frozen=True)
class RunActions:
    """What a user may do with a run."""

    cancel: bool
    again: bool


def actions_on(run: Run, user: AnyUser) -> RunActions:
    again = run.definition_id is not None and run.is_over and allows(user, RUN, "add")
    return RunActions(may_go_on(run) and allows(user, RUN, "cancel"), again)


def comparison_page(run: Run) -> str:
    """The page that compares a run with the one whose id takes the place of `RUN_ID`."""
    return f"{reverse('admin:run_comparison', args=[run.pk])}?with={RUN_ID}"


def definition_of(run: Run) -> ApiDefinition | None:
    """The API that was called, if there still is one."""
    if run.definition_id is None:
        return None
    return ApiDefinition.objects.select_related("script").filter(pk=run.definition_id).first()


@dataclass(frozen=True)
class VersionChoice:
    """A version to run: its number in a form, empty for the one that the API runs now."""

    value: str
    label: str


def version_choices(definition: ApiDefinition, run: Run) -> list[VersionChoice]:
    """The version of that run, if it can still run and is of the script that the API runs now, and the current one."""
    return list(_choices(definition, run))


def _choices(definition: ApiDefinition, run: Run) -> Iterator[VersionChoice]:
    script = definition.script
    if script is None:
        return
    current, then = definition.script_version or script.current_version, run.script_version
    if current is not None and then == current and run.script_id == script.pk:
        yield VersionChoice("", _("version %d, that of the run and the current one") % current)
        return
    known = ScriptVersion.objects.filter(is_ready(), script=script, number=then or 0)
    if run.script_id == script.pk and known.exists():
        yield VersionChoice(str(then), _("the version of that run (%d)") % then)
    if current is None:
        return
    pinned = _("the version that the API is pinned to (%d)") if definition.script_version else ""
    yield VersionChoice("", (pinned or _("the current version (%d)")) % current)
