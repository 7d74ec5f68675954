"""Actions on many rows of a list: each asks first, naming number, consequence and last use."""

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, TypeVar

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.last_use import last_use_in_words
from console.named_rows import NamedRows

WORK_SECONDS: Final = 0.4
PAUSE_SECONDS: Final = 0.12
UNDOING: Final = frozenset({"enable_selected", "disable_selected"})
"""The actions that take another one back, and so need no question."""
NAMED: Final = 10
"""How many objects a question names."""


Key = TypeVar("Key")


@dataclass(frozen=True)
class Question:
    """What is asked: `title` names the number, `button` the verb, `says` the consequence."""

    action: str
    title: str
    button: str
    says: Any
    tone: str = ""
    fields: str = ""
    """The template of what the user chooses."""
    target: str = ""
    """The address that does it, if that is not the list's own."""


def joined(keys: Iterable[Any]) -> str:
    """Keys as one field of a form: Django refuses forms of more than a thousand fields."""
    return ",".join(str(key) for key in keys)


def undo_button(action: str, keys: Iterable[Any]) -> SafeString:
    """A button in a message above a list that does `action` to the rows with these keys."""
    html = '<button type="submit" class="ud-offer" form="changelist-form" name="undo" value="{}:{}">{}</button>'
    return format_html(html, action, joined(keys), _("Undo"))


def in_turn(keys: Iterable[Key]) -> Iterator[Key]:
    """The keys one by one, with a pause now and then that lets other writers in.

    Waiting writers of SQLite look every tenth of a second, and would never find it free between two transactions.
    """
    begun = time.monotonic()
    for key in keys:
        if time.monotonic() - begun > WORK_SECONDS:
            time.sleep(PAUSE_SECONDS)
            begun = time.monotonic()
        yield key


class BulkPages(NamedRows):
    """A list with actions on many rows."""

    use_word: ClassVar[Any] = gettext_lazy("used")
    """The word for the use of such an object, as in "last used" or "last called"."""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """The list, or what an action on its rows answers."""
        if request.method == "POST":
            request.POST = _with_selection(request.POST)  # type: ignore[assignment]  # it is mutable
        return super().changelist_view(request, extra_context)

    def response_action(self, request: HttpRequest, queryset: "QuerySet[Any]", *args: Any) -> HttpResponse | None:
        """What was asked about is meant, also if it no longer matches the filters of the list."""
        chosen = self.get_queryset(request) if "ids" in request.POST else queryset
        return super().response_action(request, chosen, *args)

    def last_uses(self, request: HttpRequest, keys: Collection[Any]) -> Collection[datetime] | None:
        """When those of the objects were last used that ever were; None where that is not known to the user."""
        return None

    def last_use(self, request: HttpRequest, keys: Collection[Any]) -> SafeString:
        """A sentence about the last use; empty where it is not known to the user."""
        moments = self.last_uses(request, keys)
        return SafeString() if moments is None else last_use_in_words(self.use_word, moments, len(keys))

    def is_confirmed(self, request: HttpRequest) -> bool:
        """Whether the user has been asked and wants it."""
        return "post" in request.POST

    def ask(self, request: HttpRequest, chosen: "QuerySet[Any]", question: Question, **further: Any) -> HttpResponse:
        """The page that asks about the chosen rows."""
        keys = list(chosen.values_list("pk", flat=True))
        context = {
            "title": question.title,
            "question": question,
            "names": self._names(chosen),
            "more": max(0, len(keys) - NAMED),
            "keys": joined(keys),
            "last_use": self.last_use(request, keys),
            "opts": self.opts,
            "media": self.media,
            "list_page": request.get_full_path(),
        }
        context = self.admin_site.each_context(request) | context | further
        return TemplateResponse(request, "console/bulk/question.html", context)

    def _names(self, chosen: "QuerySet[Any]") -> Sequence[str]:
        return [self.name_of(obj) for obj in chosen[:NAMED]]


def _with_selection(sent: QueryDict) -> QueryDict:
    """What the browser has sent, with the rows that a question or an undo names in one field."""
    action, _separator, undone = sent.get("undo", "").partition(":")
    keys = undone or sent.get("ids", "")
    if not keys:
        return sent
    read = sent.copy()
    for name in ("index", "undo"):
        read.pop(name, None)
    read["ids"] = keys
    if action in UNDOING:
        read["action"], read["post"] = action, "yes"
    read["select_across"] = "0"
    read.setlist(ACTION_CHECKBOX_NAME, keys.split(","))
    return read
