"""What every list of the console knows of its rows: their names, and what several of them are called."""

from typing import Any, ClassVar, Final

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import model_ngettext
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from access.pages import PolicyAdmin
from foundation.texts import is_storable

_PATTERNS: Final = ("__regex", "__iregex")


class NamedRows(PolicyAdmin):
    """Pages of objects that are told apart by a name."""

    confidential: ClassVar[tuple[str, ...]] = ()
    """The beginnings of fields that no filter in the address may reveal."""
    apis_filter: ClassVar[str] = ""
    """The filter of definitions that finds those that use an object, if definitions use such objects."""

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        # A pattern may be none, or take forever.
        is_refused = lookup.startswith(self.confidential) or lookup.endswith(_PATTERNS)
        return not is_refused and super().lookup_allowed(lookup, value, request)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The list, or what an action on its rows answers; of what was sent, only keys that rows may have count."""
        if request.method == "POST":
            sent = request.POST.copy()
            keys = [each for each in sent.getlist(ACTION_CHECKBOX_NAME) if self._may_be_key(each)]
            sent.setlist(ACTION_CHECKBOX_NAME, keys)
            request.POST = sent  # type: ignore[assignment]  # it is mutable
        return super().changelist_view(request, extra_context)

    def _may_be_key(self, text: str) -> bool:
        try:
            self.opts.pk.clean(text, None)
        except ValidationError:
            return False
        return is_storable(text)

    @admin.display(description="")
    def action_checkbox(self, obj: Any) -> SafeString:
        """The box that selects a row."""
        html = '<input type="checkbox" class="action-select ud-box" name="{}" value="{}" aria-label="{}">'
        return format_html(html, ACTION_CHECKBOX_NAME, obj.pk, self.name_of(obj))

    def name_of(self, obj: Any) -> str:
        """What tells `obj` from others."""
        return str(obj)

    def noun(self, count: int) -> str:
        """What `count` of these objects are called."""
        return model_ngettext(self.opts, count)

    @property
    def plural(self) -> str:
        """What many of these objects are called, as the heading of a list."""
        return capfirst(self.noun(2))

    def counted(self, count: int) -> str:
        """`count` objects in words: `3 tokens`."""
        return f"{count:,} {self.noun(count)}"

    def object_context(self, request: HttpRequest, obj: Any, **further: Any) -> dict[str, Any]:
        """The context of a page about `obj`."""
        known = {"opts": self.opts, "original": obj, "subtitle": str(obj), "media": self.media}
        return self.admin_site.each_context(request) | known | further
