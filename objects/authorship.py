"""The columns that every object has: who created and changed it, and when."""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, ClassVar, Self

from django.core.exceptions import ValidationError
from django.db import models, router, transaction

from objects.columns import RevisionField
from objects.field_changes import FieldChange, LinkedRows, column_changes
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
    # What is saved together with the object, in rows of other tables.
    links: LinkedRows | None = None
    # What the last save changed. A stored object that is saved without a change stays as it is, and sends no signals.
    changes: Sequence[FieldChange] = ()
    # Columns that its row has given up in this transaction for another object, with their values before.
    given_up: Mapping[str, Any] = MappingProxyType({})
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
        self.last_modified_by, self.changes = self.acting, ()
        with transaction.atomic(using=using, savepoint=False):
            stored = None if self._state.adding else self._stored(using)
            if stored is not None and not self.is_changed_from(stored):
                self.take_over(stored)
                return
            type(self).write_first([self])
            if stored is not None:
                self.revision, self.changes = stored["revision"], tuple(self.changes_from(stored))
            super().save_base(*args, **kwargs | {"using": using})

    def is_changed_from(self, stored: Mapping[str, Any]) -> bool:
        """Whether saving does anything, compared with the stored columns, whose row is locked."""
        return next(iter(self.changes_from(stored)), None) is not None

    def changes_from(self, stored: Mapping[str, Any]) -> Iterator[FieldChange]:
        """What saving changes, compared with the stored columns."""
        yield from column_changes(self, stored)
        if self.links is not None and (change := self.links.change()) is not None:
            yield change

    def _stored(self, using: str) -> dict[str, Any] | None:
        """The columns that the object has in memory, as they are stored. The row stays locked until the commit."""
        deferred = self.get_deferred_fields()
        loaded = [field.attname for field in self._meta.concrete_fields if field.attname not in deferred]
        row = type(self)._base_manager.using(using).filter(pk=self.pk).select_for_update()
        # The revision may be deferred, too.
        stored: dict[str, Any] | None = row.values(*{*loaded, "revision"}).first()
        return None if stored is None else {**stored, **self.given_up}

    def take_over(self, stored: Mapping[str, Any]) -> None:
        """Take the stored values, because there is no change to save."""
        for column, value in stored.items():
            setattr(self, column, value)

    @classmethod
    def hold_for(cls, instances: Sequence[Self]) -> None:
        """Lock the rows of other objects that saving `instances` relies on, until the commit."""

    @classmethod
    def write_first(cls, instances: Sequence[Self]) -> None:
        """Write, in the transaction that saves `instances`, what their rows refer to."""

    def refusal_of_delete(self) -> ValidationError | None:
        """Why it cannot be deleted, apart from what the database knows of."""
        return None
