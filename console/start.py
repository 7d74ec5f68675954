"""The start page: what needs attention, health, statistics, counts, what runs, and recent changes."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import redis
from django.db.models import Count, F, Q
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access.policy import DEFINITION, MIRROR, NODE, RUN, SCRIPT, TOKEN, AnyUser, allows
from automation.models import AutomationScript
from console.attention import concerns
from console.charts.overview import statistics
from console.health_summary import health_summary
from console.running_now import running_now
from definitions.models import ApiDefinition
from events.models import InformationEvent, Verb
from events.visibility import readable_events
from fleet import overview
from search import state as mirror
from tokens.models import ApiToken

EVENTS_SHOWN = 12
EVENTS_LOOKED_AT = 200


@dataclass(frozen=True)
class Card:
    """A figure at a glance; `tone` is `good`, `warn`, `bad` or empty."""

    title: str
    icon: str
    value: object
    note: str
    page: str
    tone: str = ""


@dataclass(frozen=True)
class FirstStep:
    """A step on the way to the first answered call."""

    title: str
    text: str
    page: str
    is_done: bool


def _definitions() -> Card:
    count = ApiDefinition.objects.count()
    by_author = ApiDefinition.objects.values("created_by").distinct().count()
    notes = [ngettext("by one author", "by %(count)d authors", by_author) % {"count": by_author}] if count else []
    if older := ApiDefinition.objects.filter(script_version__lt=F("script__current_version")).count():
        notes.append(_("%(count)d pinned to an older version") % {"count": older})
    return Card(_("Definitions"), "api", count, ", ".join(notes), "admin:definitions_apidefinition_changelist")


def _tokens() -> Card:
    counts = ApiToken.objects.aggregate(all=Count("pk"), disabled=Count("pk", filter=Q(is_disabled=True)))
    note = _("%(count)d disabled") % {"count": counts["disabled"]} if counts["disabled"] else _("all enabled")
    return Card(_("Tokens"), "key", counts["all"], note if counts["all"] else "", "admin:tokens_apitoken_changelist")


def _scripts() -> Card:
    count = AutomationScript.objects.count()
    published = ApiDefinition.objects.exclude(script=None).values("script").distinct().count()
    note = _("%(count)d published") % {"count": published} if count else ""
    return Card(_("Scripts"), "code", count, note, "admin:automation_automationscript_changelist")


def _nodes() -> Card:
    page = "admin:automation_workernode_changelist"
    try:
        now = overview.look()
    except redis.RedisError:
        return Card(_("Nodes"), "dns", "?", _("Redis is not reachable"), page, "bad")
    if not now.nodes:
        return Card(_("Nodes"), "dns", 0, _("none is alive, so no API can answer"), page, "bad")
    notes = [_("%(running)d of %(limit)d slots busy") % {"running": now.running, "limit": now.limit}]
    if now.waiting:
        notes.append(_("%(count)d waiting") % {"count": now.waiting})
    if unconfined := len(now.unconfined):
        text = ngettext("scripts are not confined on one", "scripts are not confined on %(count)d", unconfined)
        notes.append(text % {"count": unconfined})
    tone = "good" if len(notes) == 1 else "warn"
    return Card(_("Nodes"), "dns", len(now.nodes), ", ".join(notes), page, tone)


def _mirror() -> Card:
    now = mirror.current()
    if not now.is_on:
        return Card(_("Search mirror"), "manage_search", _("off"), _("searches go to the database"), "")
    notes = [_("%(count)d changes waiting") % {"count": now.backlog}] if now.backlog else [_("up to date")]
    if now.set_aside:
        notes.append(_("%(count)d documents set aside") % {"count": now.set_aside})
    value, tone = (_("reachable"), "good") if now.is_reachable else (_("not reachable"), "bad")
    if now.is_reachable and now.set_aside:
        tone = "warn"
    return Card(_("Search mirror"), "manage_search", value, ", ".join(notes), "", tone)


CARDS: Final = {DEFINITION: _definitions, TOKEN: _tokens, SCRIPT: _scripts, NODE: _nodes, MIRROR: _mirror}
"""The cards, by what users must be allowed to view."""


def start_page(request: HttpRequest) -> dict[str, Any]:
    """The start page of a user, in a number of queries that does not grow with the objects.

    Its script asks for it every other second; the statistics have an address of their own.
    """
    user = request.user
    is_renewal = request.headers.get("X-Requested-With") == "fetch"
    return {
        "statistics": None if is_renewal else statistics(request),
        "cards": [card() for label, card in CARDS.items() if allows(user, label, "view")],
        "health": health_summary(user),
        "now": running_now(user),
        "concerns": concerns(user),
        "events": _recent_changes(user),
        "steps": list(_first_steps(user)),
    }


def _recent_changes(user: AnyUser) -> list[InformationEvent]:
    """The newest events; of what a script says only the newest, so that one that says much hides little."""
    newest = readable_events(user).order_by("-number")[:EVENTS_LOOKED_AT]
    shown = {(event.object_id if event.verb == Verb.SAID else event.number): event for event in reversed(newest)}
    return sorted(shown.values(), key=lambda event: -event.number)[:EVENTS_SHOWN]


def _first_steps(user: AnyUser) -> Iterable[FirstStep]:
    """The first steps that `user` may take, as long as there is no API."""
    if not allows(user, DEFINITION, "view") or ApiDefinition.objects.exists():
        return
    for model, title, text in (
        (AutomationScript, _("Write a script"), _("A Python function that answers requests.")),
        (ApiToken, _("Create a token"), _("Clients call APIs with its secret, which is shown once.")),
        (ApiDefinition, _("Publish as API"), _("Give the script a route and choose the tokens that may call it.")),
    ):
        label = model._meta.label_lower
        if allows(user, label, "view") and allows(user, label, "add"):
            yield FirstStep(title, text, f"admin:{label.replace('.', '_')}_add", model.objects.exists())
    if allows(user, RUN, "add"):
        yield FirstStep(_("Try it"), _("Trigger the API and look at the response."), "admin:trigger", is_done=False)
