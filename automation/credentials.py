"""Credentials: passwords and keys of other systems, which scripts use without having them in their source."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from automation import credential_keys
from foundation.texts import NAME_LENGTH, is_name, is_storable
from objects.authorship import AuthoredModel
from objects.changes import refusal
from objects.field_changes import FieldChange
from objects.managers import ClosedManager

LARGEST_VALUE_BYTES: Final = 16 * 1024


class CredentialManager(ClosedManager["Credential"]):
    """Leaves the encrypted value in the database: whoever saves what they have read here does not write it back."""

    def get_queryset(self) -> "models.QuerySet[Credential]":
        return super().get_queryset().defer("ciphertext", "key_fingerprint")


class Credential(AuthoredModel):
    """A secret text for the scripts that it is granted to. It is stored encrypted, and nobody can read it back."""

    name = models.CharField(max_length=NAME_LENGTH, unique=True, blank=True)
    description = models.TextField(blank=True, default="")
    # When a run last read it. Storing runs sets it without changing the revision.
    last_used_at = models.DateTimeField(gettext_lazy("last used"), null=True, editable=False)
    allowed_scripts: "models.ManyToManyField[Any, CredentialGrant]" = models.ManyToManyField(
        "automation.AutomationScript", through="CredentialGrant", related_name="credentials"
    )
    key_fingerprint = models.CharField(max_length=credential_keys.FINGERPRINT_LENGTH, editable=False, db_index=True)
    """Which key the value is encrypted under; see `automation.credential_keys`."""
    # The last column, because SQLite reads all that stand before the ones that a list needs.
    ciphertext = models.TextField(editable=False)

    objects: ClassVar = CredentialManager()

    # `faults` checks the value without reading it.
    own_rules = frozenset({"name", "description", "key_fingerprint", "ciphertext"})
    # What is wrong with the value that was set last.
    _value_error: ValidationError | None = None

    class Meta(AuthoredModel.Meta):
        abstract = False
        verbose_name = gettext_lazy("credential")
        ordering: ClassVar = ["name"]
        permissions: ClassVar = [
            ("credentials_ui_available", "Automation > Credentials > UI available"),
            ("credentials_add_edit", "Automation > Credentials > Add/Edit"),
            ("credentials_delete", "Automation > Credentials > Delete"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(name="credential_name_not_blank", condition=Q(name__regex=r"\S")),
            models.CheckConstraint(name="credential_has_value", condition=~Q(ciphertext="")),
        ]

    def __str__(self) -> str:
        return self.name

    def set_value(self, value: str) -> None:
        """Encrypt `value`, and keep nothing else of it; the caller saves the credential afterwards.

        That save is refused if the value is empty, too large or cannot be stored.

        Raises:
            CredentialKeyMissingError: there is no key to encrypt it.
        """
        self._value_error = None
        if value and is_storable(value) and len(value.encode()) <= LARGEST_VALUE_BYTES:
            self.ciphertext, self.key_fingerprint = credential_keys.encrypt(value)
        else:
            rule = _("A value has 1 byte to {} KB in UTF-8, without NUL.").format(LARGEST_VALUE_BYTES // 1024)
            self._value_error = refusal("InvalidField", rule, field="value")

    def changes_from(self, stored: Mapping[str, Any]) -> Iterator[FieldChange]:
        """A value that was set always counts, so that nobody learns by trying whether it is the stored one."""
        yield from super().changes_from(stored)
        # Only a value that was set is in memory: to ask for the other one would read it.
        if "ciphertext" in stored and stored["ciphertext"] != self.ciphertext:
            yield FieldChange("value")

    def faults(self) -> Iterator[tuple[str, ValidationError]]:
        """`InvalidName`, `InvalidField` (+ `field`)."""
        if not is_name(self.name):
            rule = _("A name of 1 to %(most)d characters is needed.") % {"most": NAME_LENGTH}
            yield "name", refusal("InvalidName", rule)
        if not is_storable(self.description):
            rule = _("The description contains characters that cannot be stored.")
            yield "description", refusal("InvalidField", rule, field="description")
        if self._value_error is not None:
            yield "ciphertext", self._value_error
        elif self._state.adding and not self.ciphertext:
            yield "ciphertext", refusal("InvalidField", _("A new credential needs a value."), field="value")

    def unique_error_message(self, model_class: type[models.Model], unique_check: Any) -> ValidationError:
        """`NameInUse` for the name, in place of Django's own code."""
        if unique_check == ("name",):
            return refusal("NameInUse", _("Another credential has this name."))
        return super().unique_error_message(model_class, unique_check)


class CredentialGrant(models.Model):
    """A script that may read a credential. Both keep it when they get another name, and it goes with either."""

    credential = models.ForeignKey(Credential, on_delete=models.CASCADE, related_name="grants", db_index=False)
    # Without a constraint in the database: the release before knows no grants, and deletes scripts that have some.
    script = models.ForeignKey(
        "automation.AutomationScript", on_delete=models.CASCADE, related_name="credential_grants", db_constraint=False
    )

    objects = ClosedManager()

    class Meta:
        default_permissions = ()
        verbose_name = gettext_lazy("grant of a credential")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["credential", "script"], name="credential_granted_once")
        ]

    def __str__(self) -> str:
        return f"{self.script_id} may read {self.credential_id}"


def note_use(credential_ids: Collection[UUID], at: datetime) -> None:
    """Note that runs have read these credentials, unless a later use is known. This is no change of them."""
    is_newer = Q(last_used_at=None) | Q(last_used_at__lt=at)
    Credential._base_manager.filter(is_newer, pk__in=credential_ids).update(last_used_at=at)
