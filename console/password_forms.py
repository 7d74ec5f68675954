"""The log-in form and the user's own password page, both within the limits of log-ins."""

import math
from functools import wraps
from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import render
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables
from unfold.forms import AdminOwnPasswordChangeForm
from unfold.forms import AuthenticationForm as UnfoldLogIn

from access.policy import may_enter
from console.forms import INPUT
from logins import hash_slots, traces
from logins.attempts import Attempt, LogInRefusedError
from logins.backend import checked
from web.client_address import client_address


class LogInForm(UnfoldLogIn):  # type: ignore[misc]  # django-unfold has no types
    """Lets in active users who have a flag."""

    # Those of Django's admin speak of "staff".
    error_messages = AuthenticationForm.error_messages

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs |= INPUT

    def confirm_login_allowed(self, user: Any) -> None:
        """Called once the password is known to be right.

        Raises:
            ValidationError: the user is not active or has no flag.
        """
        AuthenticationForm.confirm_login_allowed(self, user)
        if not may_enter(user):
            attempt = Attempt(user.get_username(), client_address(self.request))
            traces.refused(attempt, "The account has no permission flag.")
            text = _("You have no permissions yet. Ask an administrator for access.")
            raise ValidationError(text, code="no_flag")


class PasswordForm(AdminOwnPasswordChangeForm):  # type: ignore[misc]  # django-unfold has no types
    """The old password and a new one."""

    def __init__(self, *args: Any, address: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._address = address

    @sensitive_variables("typed")
    def clean_old_password(self) -> str:
        """The old password, within the limits of log-ins: someone at an open session could guess it.

        Raises:
            ValidationError: it is wrong.
            LogInRefusedError: too many attempts; it was not checked.
        """
        typed: str = self.cleaned_data["old_password"]
        attempt = Attempt(self.user.get_username(), self._address)
        if not checked(attempt, lambda: self.user.check_password(typed)):
            raise ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
        return typed

    def save(self, commit: bool = True) -> Any:
        """Save the new password and, in the same transaction, end the user's keys.

        Raises:
            LogInRefusedError: the machine is busy with other passwords.
        """
        # Outside the transaction: hashing takes long, and a lock on the user would be held all the while.
        with hash_slots.slots.hold():
            self.user.set_password(self.cleaned_data["new_password1"])
        with transaction.atomic():
            self.user.save()
        return self.user


class PasswordPage(PasswordChangeView):
    """The user's own password."""

    form_class = PasswordForm
    success_url = reverse_lazy("admin:password_change_done")
    title = _("Change password")

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"address": client_address(self.request)}


def within_limits(page: Any) -> Any:
    """A decorator for pages of the site that take passwords: a refused attempt gets a page of its own."""

    @wraps(page)
    def guarded(site: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return page(site, request, *args, **kwargs)
        except LogInRefusedError as refusal:
            answer = render(request, "429.html", {"minutes": math.ceil(refusal.retry_after / 60)}, status=429)
            answer["Retry-After"] = str(refusal.retry_after)
            return answer

    return guarded
