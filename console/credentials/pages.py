"""The pages of credentials. No page contains a value: the form takes one, and nothing gives it back."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from access.policy import SCRIPT, allows
from automation.credential_changes import save_credential
from automation.models import AutomationScript, Credential
from automation.serializers import allowed_scripts
from automation.versions import ScriptKind
from console.base import CheckedAdmin
from console.credentials.columns import FILTERS, CredentialColumns, with_scripts
from console.credentials.forms import CredentialForm
from console.lists import AUTHORSHIP_COLUMNS, search

OFFERED = 50
NAMED = 10
"""How many scripts the delete page names for each credential."""

_hide_value = method_decorator(sensitive_post_parameters("value"))


class CredentialAdmin(CredentialColumns, CheckedAdmin):
    """Credentials: secret values, and the scripts that may read them."""

    form = CredentialForm
    content: ClassVar = ("name", "description")
    further_rows = ("ciphertext", "allowed_scripts", "last_used_at")
    change_form_template = "console/credentials/form.html"
    list_display = ("title", "description", "scripts", "used", *AUTHORSHIP_COLUMNS)
    usual_columns = ("description", "scripts", "used", "at_modified", "last_modified_by")
    on_tablets = ("scripts", "used")
    on_phones = ("scripts", "used")
    list_filter = FILTERS
    search_fields = ("name", "description", "=id")
    confidential = ("ciphertext", "key_fingerprint")
    ordering = ("name",)
    delete_says = gettext_lazy("Scripts can no longer read it. Its value cannot be brought back.")
    search_hint = gettext_lazy("Search by name, description or id")
    empty_icon = "lock"
    empty_title = gettext_lazy("No credentials yet")
    empty_text = gettext_lazy("A credential keeps a password or key of another system for your scripts.")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Credential]":
        return with_scripts(super().get_queryset(request), request.user)

    def get_urls(self) -> list[URLPattern]:
        pick = path("pick-scripts/", self.admin_site.admin_view(self.pick_scripts), name="credentials_pick_scripts")
        return [pick, *super().get_urls()]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*self.content, "value", "allowed_scripts")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Nothing from the address, which must not hold a value."""
        return {}

    @_hide_value
    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        return super().changeform_view(request, object_id, form_url, extra_context)

    def store(self, obj: Credential, form: Any, by: str) -> None:
        """Save the credential, whose value the form has set, and its grants where the form has them."""
        save_credential(obj, by, form.cleaned_data.get("allowed_scripts"))

    def pick_scripts(self, request: HttpRequest) -> HttpResponse:
        """The scripts that match the typed text, by name. No credential is granted to a library.

        Raises:
            PermissionDenied: the user may not change credentials, or not view scripts.
        """
        if not (self.has_change_permission(request) and allows(request.user, SCRIPT, "view")):
            raise PermissionDenied
        known = AutomationScript.objects.filter(kind=ScriptKind.SCRIPT).defer("source").order_by("name")
        found = search(known, request.GET.get("q"), ("name", "description"), id_at="pk")
        context = {"scripts": found[:OFFERED], "more": found.count() - OFFERED}
        return TemplateResponse(request, "console/credentials/script_options.html", context)

    def _sort(self, request: HttpRequest, objs: Sequence[Any]) -> tuple[list[str], list[SafeString]]:
        """A line for each credential, with the scripts that lose it. Nothing prevents its deletion."""
        scripts = allowed_scripts(objs)
        return [_who_loses(obj, scripts[obj.pk]) for obj in objs], []


def _who_loses(credential: Credential, scripts: Sequence[str]) -> SafeString:
    if not scripts:
        return format_html(_("<strong>{}</strong>: no script reads it"), credential.name)
    more = len(scripts) - NAMED
    names = ", ".join(scripts[:NAMED]) + (" " + _("and %d more") % more if more > 0 else "")
    return format_html(_("<strong>{}</strong>: these scripts lose it: {}"), credential.name, names)
