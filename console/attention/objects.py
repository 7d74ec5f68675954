"""Objects that need attention: APIs, tokens, scripts and credentials that are of no use, or lost."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from access.policy import RUN, AnyUser, allows
from automation.models import AutomationScript, Credential
from automation.versions import ScriptVersion
from console.attention import conditions
from console.attention.concern import BAD, WARN, Concern, Finding
from console.cells import page_of, version_page
from definitions.models import ApiDefinition
from tokens.models import ApiToken

SHOWN: Final = 5


def of_definitions(user: AnyUser) -> Iterator[Concern]:
    """The failing ones are in `console.attention.operation`."""
    rows = _Rows(ApiDefinition.objects.order_by("route"))
    why = _("The script is missing or lacks the entry point.")
    yield from rows.concern("broken", conditions.cannot_answer, "code_off", BAD, _("APIs that cannot answer"), why)
    if allows(user, RUN, "view"):
        why = _("Over the last 30 days they failed, or were slow, more often than their objectives allow.")
        yield from rows.concern("objectives", conditions.misses_objectives, "flag", WARN, _("Missed objectives"), why)
    why = _("They allow no token.")
    yield from rows.concern("closed", conditions.without_token, "lock", WARN, _("APIs nobody can call"), why)
    why = _("Calls are refused with error 2009 (503).")
    query = "state=disabled"
    yield from rows.concern("disabled", conditions.is_disabled, "block", WARN, _("Disabled APIs"), why, query)


def of_tokens() -> Iterator[Concern]:
    rows = _Rows(ApiToken.objects.order_by("name", "id"))
    title, why = _("Disabled tokens that APIs still allow"), _("Calls with them are refused.")
    yield from rows.concern("allowed", conditions.disabled_but_allowed, "key_off", WARN, title, why)
    why = _("They are older than a day.")
    yield from rows.concern("unused", conditions.never_used, "hourglass_empty", WARN, _("Tokens never used"), why)


def of_scripts() -> Iterator[Concern]:
    """Each finding leads to the version that was not built."""
    count = AutomationScript.objects.filter(conditions.not_built()).count()
    if not count:
        return
    failed = ScriptVersion.objects.filter(conditions.newest_failed()).order_by("script__name")
    rows = failed.values_list("script", "script__name", "number", "created_at")[:SHOWN]
    findings = [
        Finding(
            _("%(name)s, version %(number)d") % {"name": name, "number": number},
            version_page(script, number),
            since=since,
        )
        for script, name, number, since in rows
    ]
    why = _("Their packages could not be installed. The version before runs on, if there is one.")
    page = _list_of(AutomationScript, "attention=build")
    yield Concern("build", _("Failed builds"), why, "inventory_2", BAD, count, page, findings)


def of_credentials() -> Iterator[Concern]:
    rows = _Rows(Credential.objects.order_by("name"))
    why = _("Scripts that they are granted to cannot run. Restore the missing key, or enter their values again.")
    yield from rows.concern("key", conditions.without_key, "lock", BAD, _("Credentials that no active key opens"), why)


class _Rows:
    """The objects of a list, in the order of their names."""

    def __init__(self, objects: "QuerySet[Any]") -> None:
        self._objects = objects

    def concern(
        self,
        key: str,
        condition: Callable[[], Q],
        icon: str,
        tone: str,
        title: str | Promise,
        meaning: str | Promise,
        query: str = "",
    ) -> Iterator[Concern]:
        """What is wrong with those that fulfil the condition, if any do; by default `key` is the filter's value."""
        found = self._objects.filter(condition())
        if count := found.count():
            page = _list_of(found.model, query or f"{conditions.PARAMETER}={key}")
            findings = [Finding(_name_of(each), page_of(each)) for each in found[:SHOWN]]
            yield Concern(key, title, meaning, icon, tone, count, page, findings)


def _list_of(model: Any, query: str) -> str:
    return f"{reverse(f'admin:{model._meta.app_label}_{model._meta.model_name}_changelist')}?{query}"


def _name_of(obj: Any) -> str:
    return obj.route if isinstance(obj, ApiDefinition) else str(obj)
