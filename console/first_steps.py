"""The first steps: from nothing to the first response of an API of one's own, until then or until dismissed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from access.policy import DEFINITION, RUN, SCRIPT, AnyUser, allows
from automation.models import AutomationScript
from automation.versions import ScriptKind
from console.trigger_page import trigger_url
from definitions.models import ApiDefinition
from hosts.jobs import RunKind
from runs.statistics.models import RunCounter, StoredStep

TEMPLATE: Final = "echo"
"""The script to start with: it answers any request, and needs nothing."""

_COOKIE: Final = "console_first_steps"
_YEAR: Final = 365 * 86_400
_ANSWERS: Final = tuple(str(kind) for kind in RunKind if kind is not RunKind.SUBSCRIPT)


@dataclass(frozen=True)
class FirstStep:
    """A step; `action` is what its button says, `page` where that leads."""

    title: str
    text: str
    action: str
    page: str
    is_done: bool


@dataclass(frozen=True)
class FirstSteps:
    """The steps of a user, and which comes next."""

    steps: Sequence[FirstStep]
    is_brief: bool
    """Others have published APIs, and this user has not begun."""

    @property
    def done(self) -> int:
        return sum(step.is_done for step in self.steps)

    @property
    def next(self) -> FirstStep | None:
        return next((step for step in self.steps if not step.is_done), None)


def first_steps(request: HttpRequest) -> FirstSteps | None:
    """None for users who cannot publish, have seen an API of their own answer, or have dismissed the steps."""
    user = request.user
    if not (allows(user, DEFINITION, "view") and allows(user, DEFINITION, "add")) or _is_dismissed(request):
        return None
    name = user.get_username()
    own = ApiDefinition.objects.filter(created_by=name).order_by("-created_at")
    if _have_answered(own):
        return None
    steps = list(_steps(user, name, own.first()))
    return FirstSteps(steps, is_brief=not steps[0].is_done and ApiDefinition.objects.exists())


def _have_answered(definitions: "QuerySet[ApiDefinition]") -> bool:
    """Counters know it: there may be a million runs, but there is one row for each day."""
    counted = RunCounter.objects.filter(step=StoredStep.DAY, succeeded__gt=0, series__kind__in=_ANSWERS)
    return counted.filter(series__definition_id__in=definitions.order_by().values("pk")).exists()


def _steps(user: AnyUser, name: str, api: ApiDefinition | None) -> Iterator[FirstStep]:
    script = None
    if allows(user, SCRIPT, "view") and allows(user, SCRIPT, "add"):
        own = AutomationScript.objects.filter(created_by=name, kind=ScriptKind.SCRIPT)
        script = own.order_by("-created_at").first()
        page = f"{reverse('admin:automation_automationscript_add')}?{urlencode({'template': TEMPLATE})}"
        text = _("A Python function that answers requests. Start with one that answers whatever you send.")
        yield FirstStep(_("Write a script"), text, _("Write a script"), page, bool(script or api))
    page = reverse("admin:definitions_apidefinition_add")
    page += f"?{urlencode({'script': str(script.pk)})}" if script else ""
    text = _("Give the script a route, and create a token that may call it.")
    yield FirstStep(_("Publish it as API"), text, _("Publish as API"), page, bool(api))
    if allows(user, RUN, "add"):
        page = trigger_url(api) if api else reverse("admin:trigger")
        text = _("Call it as yourself, and look at the response.")
        yield FirstStep(_("Try it"), text, _("Try it"), page, is_done=False)


def _is_dismissed(request: HttpRequest) -> bool:
    return request.COOKIES.get(_COOKIE) == str(request.user.pk)


@require_POST
def dismiss_steps(request: HttpRequest) -> HttpResponse:
    """Show this user's first steps no more in this browser."""
    answer = HttpResponseRedirect(reverse("admin:index"))
    answer.set_cookie(
        _COOKIE,
        str(request.user.pk),
        max_age=_YEAR,
        path=reverse("admin:index"),
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
    return answer
