"""The forms that could lose the last superuser: they say so before anything is saved."""

from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from unfold.forms import AdminPasswordChangeForm, UserChangeForm

from logins.superusers import refuse_losing_last


class PersonForm(UserChangeForm):  # type: ignore[misc]  # django-unfold has no types
    """A user."""

    instance: User

    def clean(self) -> dict[str, Any]:
        """Keep the last superuser active, and a superuser."""
        cleaned: dict[str, Any] = super().clean() or {}
        if not (cleaned.get("is_active") and cleaned.get("is_superuser")):
            refuse_losing_last([self.instance.pk])
        return cleaned


class GivenPasswordForm(AdminPasswordChangeForm):  # type: ignore[misc]  # django-unfold has no types
    """A user's password, set by somebody else."""

    user: User

    def clean(self) -> dict[str, Any]:
        """Keep a password for the last superuser."""
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("set_usable_password") is False:
            self._keep_last()
        return cleaned

    def _keep_last(self) -> None:
        try:
            refuse_losing_last([self.user.pk])
        except ValidationError as refusal:
            # The page shows the errors of these fields alone.
            self.add_error("password1", refusal)
