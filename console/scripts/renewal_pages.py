"""The libraries that a script uses, the scripts that use a library, and renewing either."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access.flags import needed
from access.policy import SCRIPT
from automation.models import AutomationScript
from automation.renewal import renew, renew_users
from automation.versions import ScriptKind
from console import cells
from console.blockers import SHOWN, name_scripts, refusal_text
from console.object_pages import ReadablePages
from console.scripts.build_panels import being_built
from console.scripts.reach import libraries_of, names_of_users, reach_of, users_of
from console.scripts.seen_form import SeenForm
from definitions.publication import refused_renewal
from objects.changes import refusal


class RenewalPages(ReadablePages):
    """The pages that renew scripts."""

    def get_urls(self) -> list[URLPattern]:
        prefix = "automation_automationscript"
        pages = [
            path(f"<path:object_id>/{kind}/", self.admin_site.admin_view(page), name=f"{prefix}_{kind}")
            for kind, page in (("renew", self.renew_page), ("renewal", self.renewal_page))
        ]
        return [*pages, *super().get_urls()]

    def libraries_of(self, request: HttpRequest, script: AutomationScript) -> dict[str, Any]:
        """What the form of a script shows of libraries."""
        uses, users = libraries_of(script), []
        if script.kind == ScriptKind.LIBRARY:
            users = users_of(script)
        return {
            "uses": uses,
            "is_outdated": any(_is_outdated(number, library) for _name, number, library in uses),
            "users": users,
            "users_outdated": sum(number != script.current_version for _script, number in users),
            "may_renew": self._may_renew(request, script),
            "may_renew_users": self._may_renew_users(request, users),
        }

    def blockers(self, objs: Sequence[AutomationScript]) -> Mapping[UUID, SafeString]:
        """The scripts that import each library."""
        used = names_of_users([script.pk for script in objs if script.kind == ScriptKind.LIBRARY])
        return {library: name_scripts(names) for library, names in used.items()}

    def offer_renewal(self, request: HttpRequest, library: AutomationScript) -> None:
        """After a save of a library, offer to renew the scripts that use it."""
        users = users_of(library)
        outdated = sum(number != library.current_version for _script, number in users)
        if outdated and self._may_renew_users(request, users):
            address = reverse("admin:automation_automationscript_renewal", args=[library.pk])
            told = ngettext(
                "%(count)d script keeps the version that it was saved with.",
                "%(count)d scripts keep the version that they were saved with.",
                outdated,
            )
            offer = ngettext("Renew %(count)d script", "Renew %(count)d scripts", outdated)
            link = cells.offer(address, offer % {"count": outdated})
            self.message_user(request, format_html("{} {}", told % {"count": outdated}, link))

    def renew_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then save a script with the current versions of its libraries.

        Raises:
            PermissionDenied: the user may not change scripts, or not publish what the change would publish.
        """
        if not self.has_change_permission(request):
            raise PermissionDenied
        with transaction.atomic():
            # `get_object` locks the row of a script that is about to be changed.
            script = self.found(request, object_id)
            if not self._may_renew(request, script):
                raise PermissionDenied(needed(SCRIPT, "publish"))
            form = SeenForm(request.POST if request.method == "POST" else None, instance=script)
            if form.is_valid():
                try:
                    renewed = renew(script, by=request.user.get_username())
                except ValidationError as error:
                    form.add_error(None, refusal_text(request.user, error))
                else:
                    return self._renewed(request, script, renewed)
        stored = self.found(request, object_id)
        context = {
            "title": _("Renew"),
            "form": form,
            "stored": stored,
            "uses": libraries_of(stored),
            "reach": reach_of(request.user, stored),
        }
        return self._answer(request, stored, "console/scripts/renew.html", context)

    def renewal_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then renew every script that uses a library; messages name the refused ones and say why.

        Raises:
            PermissionDenied: the user may renew none of them.
        """
        if not self.has_change_permission(request):
            raise PermissionDenied
        library = self.found(request, object_id)
        users = users_of(library)
        if users and not self._may_renew_users(request, users):
            raise PermissionDenied(needed(SCRIPT, "publish"))
        if request.method == "POST":
            self._renew_users(request, library)
            return HttpResponseRedirect(cells.page_of(library))
        context = {"title": _("Renew"), "users": users}
        return self._answer(request, library, "console/scripts/renewal.html", context)

    def _may_renew(self, request: HttpRequest, script: AutomationScript) -> bool:
        return self.has_change_permission(request) and refused_renewal(request.user, script) is None

    def _check(self, request: HttpRequest, script: AutomationScript) -> None:
        """Refuse what would publish code that the user may not publish.

        Raises:
            ValidationError: it would.
        """
        if (refused := refused_renewal(request.user, script)) is not None:
            raise refusal("PermissionDenied", str(refused))

    def _may_renew_users(self, request: HttpRequest, users: Sequence[tuple[AutomationScript, int]]) -> bool:
        """Whether the user may renew some of them, at least."""
        return any(self._may_renew(request, script) for script, _number in users)

    def _renewed(self, request: HttpRequest, script: AutomationScript, renewed: bool) -> HttpResponse:
        if renewed:
            self.log_change(request, script, "Renewed.")
            is_current = script.pending_version is None
            text = _("Renewed: version %d is current.") % (script.current_version or 0)
            self.message_user(request, text if is_current else being_built(script))
        else:
            self.message_user(request, _("The libraries are up to date. Nothing was saved."), messages.INFO)
        return HttpResponseRedirect(cells.page_of(script))

    def _renew_users(self, request: HttpRequest, library: AutomationScript) -> None:
        done = renew_users(library.pk, request.user.get_username(), lambda script: self._check(request, script))
        for script in done.renewed:
            self.log_change(request, script, "Renewed.")
        if count := len(done.renewed):
            text = ngettext("%(count)d script renewed.", "%(count)d scripts renewed.", count)
            self.message_user(request, text % {"count": count}, messages.SUCCESS)
        if refused := len(done.refused):
            text = ngettext("%(count)d script not renewed.", "%(count)d scripts not renewed.", refused)
            lines = [
                (cells.offer(cells.page_of(script), script.name), refusal_text(request.user, error))
                for script, error in done.refused[:SHOWN]
            ]
            reasons = format_html_join("", "<br>{}: {}", lines)
            self.message_user(request, format_html("{}{}", text % {"count": refused}, reasons), messages.ERROR)
        if not done.renewed and not done.refused:
            self.message_user(request, _("All scripts use its current version already."), messages.INFO)


def _is_outdated(number: int, library: AutomationScript | None) -> bool:
    return library is not None and library.current_version != number
