"""The console's door: flags let a user in, and Django's "staff" means nothing."""

from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, cast

from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.views.i18n import JavaScriptCatalog
from unfold.forms import AuthenticationForm as UnfoldLogIn

from access.policy import may_enter

if TYPE_CHECKING:
    # django-unfold has no types; what we use of its class is Django's.
    from django.contrib.admin import AdminSite

    UnfoldSite: TypeAlias = AdminSite
else:
    from unfold.sites import UnfoldAdminSite as UnfoldSite


class LogInForm(UnfoldLogIn):  # type: ignore[misc]  # django-unfold has no types
    """Lets in every active user who has a flag."""

    error_messages: ClassVar[dict[str, Any]] = {
        **AuthenticationForm.error_messages,
        "no_flag": "This account has no permission flag, so there is nothing here for it.",
    }

    def confirm_login_allowed(self, user: Any) -> None:
        """Asked once the password is known to be right.

        Raises:
            ValidationError: the user is not active or has no flag.
        """
        AuthenticationForm.confirm_login_allowed(self, user)
        if not may_enter(user):
            raise ValidationError(self.error_messages["no_flag"], code="no_flag")


class ConsoleSite(UnfoldSite):
    """The console."""

    login_form = LogInForm

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the user of the request may see any page at all."""
        return may_enter(request.user)

    def i18n_javascript(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The words of the scripts, Django's and the console's own, in the user's language."""
        return cast(HttpResponse, JavaScriptCatalog.as_view(packages=["django.contrib.admin", "console"])(request))

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """What every page knows; the colours stand in a file, because the policy allows no style element."""
        return super().each_context(request) | {"colors": {}}
