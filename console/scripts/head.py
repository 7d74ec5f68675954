"""The head of the pages of a script: its tabs, by its kind and by what the user may view, and what can be done."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from access.policy import CREDENTIAL, DEFINITION, RUN, SCRIPT, allows
from automation.builds import Build, BuildState
from automation.models import AutomationScript
from automation.versions import ScriptKind
from console import cells
from console.object_head import ObjectAction, ObjectHead, ObjectTab
from console.object_pages import ReadablePages
from console.scripts.reach import users_of
from definitions.models import ApiDefinition

SETTINGS: Final = "settings"


class ScriptHead(ReadablePages):
    """Tabs, actions and state of a script."""

    tab_of_kind: ClassVar = {
        "version": "versions",
        "difference": "versions",
        "activate": "versions",
        "renew": "dependencies",
        "resolve": "dependencies",
        "renewal": "uses",
    }

    def tabs(self, request: HttpRequest, obj: AutomationScript) -> Sequence[ObjectTab]:
        is_library = obj.kind == ScriptKind.LIBRARY
        code = "change" if self.has_change_permission(request) else "view"
        tabs = [
            ObjectTab(code, _("Code")),
            ObjectTab("versions", _("Versions"), obj.versions.count()),
            ObjectTab("dependencies", _("Dependencies")),
            ObjectTab("uses", _("Uses"), _count_uses(obj)),
        ]
        if not is_library and allows(request.user, CREDENTIAL, "view"):
            tabs.append(ObjectTab("credentials", _("Credentials"), obj.credentials.count()))
        if not is_library and allows(request.user, RUN, "view"):
            tabs.append(ObjectTab("runs", _("Runs")))
        return [*tabs, ObjectTab(SETTINGS, _("Settings"))]

    def page_of(self, obj: AutomationScript, kind: str) -> str:
        """The address of a page; the settings are a part of the page *Code*."""
        if kind == SETTINGS:
            return f"{super().page_of(obj, 'view')}?tab={SETTINGS}"
        return super().page_of(obj, kind)

    def head_of(self, request: HttpRequest, obj: AutomationScript) -> ObjectHead:
        head = super().head_of(request, obj)
        code = head.tabs[0].tab.kind
        name = (request.resolver_match and request.resolver_match.url_name) or ""
        if name.rpartition("_")[2] not in ("change", "view"):
            return head
        current = SETTINGS if request.GET.get("tab") == SETTINGS else code
        page = f"{self.page_of(obj, code)}?tab={SETTINGS}"
        tabs = [replace(one, is_current=one.tab.kind == current) for one in head.tabs]
        return replace(head, tabs=[*tabs[:-1], replace(tabs[-1], page=page)])

    def actions_on(self, request: HttpRequest, obj: AutomationScript) -> Sequence[ObjectAction]:
        """Publishing a script that no API runs comes first; otherwise running it."""
        may_delete = self.has_delete_permission(request)
        delete = ObjectAction(_("Delete…"), self.page_of(obj, "delete"), "delete", tone="bad")
        return [
            *self._uses_of(request, obj),
            ObjectAction(_("Changes"), self.page_of(obj, "history"), "history"),
            ObjectAction(_("JSON"), self.page_of(obj, "raw"), "data_object"),
            *([delete] if may_delete else []),
        ]

    def _uses_of(self, request: HttpRequest, obj: AutomationScript) -> Iterator[ObjectAction]:
        """Running and publishing the script, as far as the user may; one of them is primary."""
        if obj.kind == ScriptKind.LIBRARY:
            return
        user = request.user
        may_publish = allows(user, DEFINITION, "view") and allows(user, DEFINITION, "add")
        is_new = may_publish and not ApiDefinition.objects.filter(script=obj.pk).exists()
        if allows(user, SCRIPT, "try"):
            yield ObjectAction(_("Run"), f"{self.page_of(obj, 'change')}#run", "play_arrow", is_primary=not is_new)
        if may_publish:
            address = f"{reverse('admin:definitions_apidefinition_add')}?script={obj.pk}"
            yield ObjectAction(_("Publish as API"), address, "api", is_primary=is_new)

    def state_of(self, obj: AutomationScript) -> SafeString:
        """Its kind, if it is a library, and how far the build that it waits for has come."""
        library = cells.badge(_("Library"), "info") if obj.kind == ScriptKind.LIBRARY else SafeString()
        return library + _state_of_build(obj)


def _state_of_build(script: AutomationScript) -> SafeString:
    if script.pending_version is None:
        return SafeString()
    pending = Build.objects.filter(version__script=script.pk, version__number=script.pending_version)
    state = pending.values_list("state", flat=True).first() or BuildState.BUILDING
    return cells.build_state(state)


def _count_uses(script: AutomationScript) -> int:
    """The APIs that run it; for a library, the scripts that import it."""
    if script.kind == ScriptKind.LIBRARY:
        return len(users_of(script))
    return ApiDefinition.objects.filter(script=script.pk).count()


def settings_rows() -> Sequence[str]:
    """The fields that the settings show to users who may only read them."""
    return ("name", "description", "kind", "has_api_trigger", "parameters", *_LIMITS)


_LIMITS: Final[Sequence[str]] = ("timeout_seconds", "memory_limit_mb", "reuse")


def chosen_part(request: HttpRequest, form: Any = None) -> str:
    """The part of the page *Code* that is shown: the one in the address, or that of the first wrong field."""
    wanted = SETTINGS if request.GET.get("tab") == SETTINGS else "code"
    if form is None or not form.errors:
        return wanted
    # The name of a new script stands above both.
    always = {"version_note", "name"} if form.instance._state.adding else {"version_note"}
    first = next((name for name in form.fields if name in form.errors and name not in always), None)
    if first is None:
        return wanted
    return "code" if first == "source" else SETTINGS
