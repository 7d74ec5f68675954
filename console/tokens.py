"""The pages of API tokens. A secret is shown in the answer to the request that sets it, and nowhere else."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from unfold.decorators import action
from unfold.widgets import UnfoldAdminPasswordWidget

from access.changes import save_checked
from console.base import CheckedAdmin
from console.forms import CheckedForm
from console.secret import object_context, secret_page
from console.usage import count_rows
from definitions.models import AllowedToken
from search.models import TOKENS
from tokens import secrets
from tokens.models import ApiToken

_hide_secret = method_decorator(sensitive_post_parameters("secret"))


class TokenForm(CheckedForm):
    """A token that has a secret."""

    needed = ("name",)

    class Meta:
        labels: ClassVar = {"rate_window_seconds": "Rate window (seconds)"}


class SecretForm(CheckedForm):
    """Sets the secret of a token: the user's own, or a generated one."""

    places: ClassVar = {"secret_digest": "secret"}
    secret = forms.CharField(
        required=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=f"Leave it empty to have one generated. An own one has {secrets.SHORTEST} to {secrets.LONGEST} "
        "characters out of A-Z a-z 0-9 _ - . = + /.",
    )
    new_secret = ""

    def clean(self) -> dict[str, Any]:
        """The token takes the secret here, so that its rules find it."""
        cleaned = super().clean()
        try:
            self.new_secret = self.instance.set_secret(cleaned.get("secret") or None)
        except ValidationError as error:
            self.add_error("secret", error)
        return cleaned


class NewTokenForm(SecretForm):
    """A token together with its first secret."""

    needed = TokenForm.needed

    class Meta(TokenForm.Meta):
        pass


class RotateForm(SecretForm):
    """The new secret of a token that exists."""

    class Meta:
        model = ApiToken
        fields: ClassVar[list[str]] = []


class TokenAdmin(CheckedAdmin):
    """API tokens: what a client shows to be let in."""

    used_through = "api_definitions"
    content: ClassVar = ("name", "is_disabled", "rate_limit", "rate_window_seconds")
    actions_detail = ("rotate",)
    list_display = (
        "name",
        "state",
        "id",
        "limit",
        "api_count",
        "created_by",
        "created_at",
        "last_modified_by",
        "last_modified",
    )
    list_filter = ("is_disabled",)
    mirrored = TOKENS
    search_fields = ("name", "=id")
    ordering = ("name", "id")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[ApiToken]":
        """With the number of APIs that allow each."""
        tokens: QuerySet[ApiToken] = super().get_queryset(request)
        return tokens.annotate(api_count=count_rows(AllowedToken.objects.all(), "token"))

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """The address of the list must not answer questions about secrets."""
        return not lookup.startswith(("secret", "pepper")) and super().lookup_allowed(lookup, value, request)

    @admin.display(description="state", ordering="is_disabled")
    def state(self, obj: ApiToken) -> str:
        """Whether it opens anything."""
        return "Disabled" if obj.is_disabled else "Enabled"

    @admin.display(description="rate limit", ordering="rate_limit")
    def limit(self, obj: ApiToken) -> str:
        """Its rate limit in words."""
        return f"{obj.rate_limit} in {obj.rate_window_seconds} s" if obj.rate_limit else "none"

    @admin.display(description="APIs", ordering="api_count")
    def api_count(self, obj: Any) -> int:
        """How many APIs allow it."""
        return int(obj.api_count)

    def get_content(self, request: HttpRequest, obj: Any) -> Any:
        """A token gets a secret when it is made; later ones by rotation."""
        return (*self.content, "secret") if obj is None else self.content

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form of a new token has the secret in it."""
        form = TokenForm if change else NewTokenForm
        return super().get_form(request, obj, change=change, **{"form": form} | kwargs)

    @_hide_secret
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """The form of a new token; it can only be left through the page with the secret."""
        buttons = {"show_save_and_continue": False, "show_save_and_add_another": False}
        return super().add_view(request, form_url, buttons | (extra_context or {}))

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        """Save it, and hand a new secret on to the answer."""
        super().save_model(request, obj, form, change)
        if not change:
            request.new_secret = form.new_secret  # type: ignore[attr-defined]  # for response_add

    def response_add(self, request: HttpRequest, obj: ApiToken, post_url_continue: str | None = None) -> HttpResponse:
        """The page with the secret."""
        secret: str = request.new_secret  # type: ignore[attr-defined]
        return secret_page(self, request, obj, secret, "was created. Its secret:")

    @action(  # type: ignore[untyped-decorator]  # django-unfold has no types
        description="Rotate secret", url_path="rotate", permissions=["change"], icon="autorenew"
    )
    @_hide_secret
    def rotate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The page that gives a token a new secret; the old one opens nothing from then on."""
        with transaction.atomic():
            token = self.get_object(request, unquote(object_id))
            if token is None:
                raise Http404
            form = RotateForm(request.POST if request.method == "POST" else None, instance=token)
            if form.is_valid() and self._rotated(request, token, form):
                return secret_page(self, request, token, form.new_secret, "has a new secret:")
        context = {"title": "Rotate secret", "form": form}
        return TemplateResponse(request, "console/rotate.html", object_context(self, request, token) | context)

    def _rotated(self, request: HttpRequest, token: ApiToken, form: RotateForm) -> bool:
        try:
            save_checked(token, by=request.user.get_username())
        except ValidationError as error:
            form.add_error(None, error)
            return False
        self.log_change(request, token, "Rotated the secret.")
        return True
