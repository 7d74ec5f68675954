"""The start page: what there is, whether it is alive, what happened last, and what wants attention."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import redis
from django.db.models import Count, Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access.policy import DEFINITION, MESSAGE, MIRROR, NODE, SCRIPT, TOKEN, AnyUser, allows
from automation.models import AutomationScript
from console.attention import Concern, concerns
from definitions.models import ApiDefinition
from events.models import InformationEvent
from events.visibility import readable_events
from fleet import overview
from search import state as mirror
from tokens.models import ApiToken

LAST_EVENTS = 12


@dataclass(frozen=True)
class Card:
    """A part of the product at a glance; `tone` is `good`, `warn`, `bad` or nothing."""

    title: str
    icon: str
    value: object
    note: str
    page: str
    tone: str = ""

    @property
    def link(self) -> str:
        """Where more is to be seen; nothing where there is no such page."""
        return reverse(self.page) if self.page else ""


@dataclass(frozen=True)
class Step:
    """Something to do first."""

    title: str
    text: str
    link: str
    is_done: bool


@dataclass(frozen=True)
class StartPage:
    """What the start page shows to one user."""

    cards: Sequence[Card]
    concerns: Sequence[Concern]
    events: Sequence[InformationEvent]
    steps: Sequence[Step] = field(default=())


def _definitions(user: AnyUser) -> Card | None:
    if not allows(user, DEFINITION, "view"):
        return None
    count = ApiDefinition.objects.count()
    by_author = ApiDefinition.objects.values("created_by").distinct().count()
    note = ngettext("by one author", "by %(count)d authors", by_author) % {"count": by_author} if count else ""
    return Card(_("API definitions"), "api", count, note, "admin:definitions_apidefinition_changelist")


def _tokens(user: AnyUser) -> Card | None:
    if not allows(user, TOKEN, "view"):
        return None
    counts = ApiToken.objects.aggregate(all=Count("pk"), disabled=Count("pk", filter=Q(is_disabled=True)))
    note = _("%(count)d disabled") % {"count": counts["disabled"]} if counts["disabled"] else _("all enabled")
    return Card(
        _("API tokens"), "key", counts["all"], note if counts["all"] else "", "admin:tokens_apitoken_changelist"
    )


def _scripts(user: AnyUser) -> Card | None:
    if not allows(user, SCRIPT, "view"):
        return None
    count = AutomationScript.objects.count()
    published = ApiDefinition.objects.exclude(script=None).values("script").distinct().count()
    note = _("%(count)d published") % {"count": published} if count else ""
    return Card(_("Scripts"), "code", count, note, "admin:automation_automationscript_changelist")


def _nodes(user: AnyUser) -> Card | None:
    if not allows(user, NODE, "view"):
        return None
    page = "admin:automation_workernode_changelist"
    try:
        now = overview.look()
    except redis.RedisError:
        return Card(_("Worker nodes"), "dns", "?", _("the broker is not reachable"), page, "bad")
    if not now.nodes:
        return Card(_("Worker nodes"), "dns", 0, _("none is alive: no API can answer"), page, "bad")
    busy = _("%(running)d of %(limit)d slots busy") % {"running": now.running, "limit": now.limit}
    notes = [busy]
    if now.waiting:
        notes.append(_("%(count)d waiting") % {"count": now.waiting})
    if unconfined := len(now.unconfined):
        text = ngettext("scripts are not confined on one", "scripts are not confined on %(count)d", unconfined)
        notes.append(text % {"count": unconfined})
    tone = "good" if len(notes) == 1 else "warn"
    return Card(_("Worker nodes"), "dns", len(now.nodes), ", ".join(notes), page, tone)


def _mirror(user: AnyUser) -> Card | None:
    if not allows(user, MIRROR, "view"):
        return None
    now = mirror.current()
    if not now.is_on:
        return Card(_("Search mirror"), "manage_search", _("off"), _("searches go to the database"), "")
    value, tone = (_("reachable"), "good") if now.is_reachable else (_("not reachable"), "bad")
    notes = [_("%(count)d changes wait") % {"count": now.backlog}] if now.backlog else [_("up to date")]
    if now.set_aside:
        notes, tone = (
            [*notes, _("%(count)d documents set aside") % {"count": now.set_aside}],
            "warn" if now.is_reachable else "bad",
        )
    return Card(_("Search mirror"), "manage_search", value, ", ".join(notes), "", tone)


CARDS: Final[Sequence[Callable[[AnyUser], Card | None]]] = (_definitions, _tokens, _scripts, _nodes, _mirror)
"""What is shown at a glance, in this order; each says None to a user whom it does not concern."""


def start_page(user: AnyUser) -> StartPage:
    """The start page of `user`; the number of queries does not depend on the number of objects."""
    cards = [card for make in CARDS if (card := make(user)) is not None]
    events = list(readable_events(user).order_by("-number")[:LAST_EVENTS])
    return StartPage(cards, concerns(user), events, list(_first_steps(user)))


def _first_steps(user: AnyUser) -> Iterable[Step]:
    """From nothing to the first answered call, until there is an API; each to who may do it."""
    if not allows(user, DEFINITION, "view") or ApiDefinition.objects.exists():
        return
    add = {
        SCRIPT: ("automation_automationscript", AutomationScript.objects.exists()),
        TOKEN: ("tokens_apitoken", ApiToken.objects.exists()),
        DEFINITION: ("definitions_apidefinition", False),
    }
    for label, (title, text) in _step_words().items():
        if allows(user, label, "view") and allows(user, label, "add"):
            page, is_done = add[label]
            yield Step(title, text, reverse(f"admin:{page}_add"), is_done)
    if allows(user, MESSAGE, "send"):
        yield Step(_("Try it"), _("Trigger the API and look at its answer."), reverse("admin:trigger"), is_done=False)


def _step_words() -> dict[str, tuple[Any, Any]]:
    return {
        SCRIPT: (_("Write a script"), _("A little Python with a function that answers a request.")),
        TOKEN: (_("Create a token"), _("Its secret lets a client in. It is shown once.")),
        DEFINITION: (_("Publish the script"), _("A definition gives it an address and says which tokens may call it.")),
    }
