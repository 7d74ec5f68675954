"""The columns that every object has: who created and changed it, and when."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Self

from django.core.exceptions import ValidationError
from django.db import models, router, transaction

from objects.columns import RevisionField
from objects.managers import ClosedManager

# Who acts when no user does: commands and the shell.
SYSTEM = "system"

USER_NAME_LENGTH = 150


class AuthoredModel(models.Model):
    """An object with an id, its authors by user name, its times (UTC) and a revision."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_by = models.CharField(max_length=USER_NAME_LENGTH, default=SYSTEM, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    last_modified_by = models.CharField(max_length=USER_NAME_LENGTH, default=SYSTEM, editable=False)
    last_modified = models.DateTimeField(auto_now=True)
    revision = RevisionField(db_column="version")

    objects = ClosedManager()

    # Fields that `faults` checks instead of Django.
    own_rules: ClassVar[frozenset[str]] = frozenset()
    # Attributes that a save changes, and that have their values again when it is refused.
    undone_when_refused: ClassVar[tuple[str, ...]] = ()
    # Who is changing the object now.
    acting = SYSTEM
    # The `reason` with which a delete is refused while definitions use the object.
    in_use_reason = ""

    class Meta:
        abstract = True
        default_permissions = ()

    def faults(self) -> Iterable[tuple[str, ValidationError]]:
        """The broken rules of the object: field and error, at most one for each field."""
        return ()

    def clean_fields(self, exclude: Any = None) -> None:
        super().clean_fields(exclude=self.own_rules | set(exclude or ()))

    def clean(self) -> None:
        if found := dict(self.faults()):
            raise ValidationError(found)

    @contextmanager
    def acted_on(self, by: str) -> Iterator[None]:
        """Attribute what is saved or deleted meanwhile to the user named `by`."""
        self.acting = self.last_modified_by = by
        try:
            yield
        finally:
            self.acting = SYSTEM

    def save_base(self, *args: Any, using: str | None = None, **kwargs: Any) -> None:
        """Save the row and what the receivers of its signals write in one transaction."""
        using = using or router.db_for_write(type(self), instance=self)
        self.last_modified_by = self.acting
        with transaction.atomic(using=using, savepoint=False):
            type(self).write_first([self])
            super().save_base(*args, **kwargs | {"using": using})

    @classmethod
    def hold_for(cls, instances: Sequence[Self]) -> None:
        """Lock the rows of other objects that saving `instances` relies on, until the commit."""

    @classmethod
    def write_first(cls, instances: Sequence[Self]) -> None:
        """Write, in the transaction that saves `instances`, what their rows refer to."""

    def refusal_of_delete(self) -> ValidationError | None:
        """Why it cannot be deleted, apart from what the database knows of."""
        return None
