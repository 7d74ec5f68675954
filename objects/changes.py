"""Saving and deleting with every rule kept, also against a second writer at the same moment.

Console, management API, commands and imports change objects through these functions only. A refused change is a
`django.core.exceptions.ValidationError` whose `code` is the contract's `reason` and whose `params` are its details.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final, TypeVar

from django.core.exceptions import ValidationError
from django.db import IntegrityError, router, transaction
from django.db.models import ProtectedError
from django.dispatch import Signal
from django.utils.translation import gettext as _

from objects.authorship import AuthoredModel
from objects.field_changes import LinkedRows

# Sent by the model of objects that one statement has added, without a `post_save` each: `instances`, `using`.
added_together: Final = Signal()

# Sent by the model of an object that begins or ceases to fail: `instance`, `verb` (str), `text` (str), its predicate.
health_changed: Final = Signal()

# Sent by the policy's label of the subject: `name` (str), `text` (str), `properties` (dict).
announced: Final = Signal()

# Sent by the policy's label of runs when a user reads what a run keeps: `run_id` (UUID), `by` (a user name).
bodies_read: Final = Signal()


Authored = TypeVar("Authored", bound=AuthoredModel)


def refusal(reason: str, message: str, /, **details: object) -> ValidationError:
    """The error of a refused change; `message` may name details as `%(name)s`."""
    return ValidationError(message, code=reason, params=details)


def save_checked(instance: Authored, by: str, links: LinkedRows | None = None) -> Authored:
    """Validate and save `instance` for the user named `by`, together with `links`.

    `instance.changes` then says what has changed. If nothing has, the object keeps its revision and its authors.

    Raises:
        ValidationError: a rule refuses the change; nothing was saved.
        ObjectDoesNotExist: another writer has deleted the object since it was read.
    """
    if instance._state.adding:
        instance.created_by = by
    is_new = instance._state.adding
    with instance.acted_on(by), _linked(instance, links), _unsaved_when_refused([instance]), transaction.atomic():
        _lock(instance)
        try:
            # Uniqueness and constraints are left to the database: asking for them costs queries for each save.
            instance.full_clean(validate_unique=False, validate_constraints=False)
            # A savepoint: PostgreSQL lets a transaction go on only from there.
            with _unsaved_when_refused([instance]), transaction.atomic():
                instance.save()
        except (IntegrityError, ValidationError):
            # Now ask for every rule, to name those that are broken. None is if another writer has just made room.
            instance.full_clean()
            instance.save()
        if links is not None and (is_new or instance.changes):
            links.store()
    return instance


def add_checked(instances: Sequence[Authored], by: str, then: Callable[[], None] | None = None) -> None:
    """Validate and save new objects of one model for the user named `by`, all or none, in a few statements.

    Otherwise the same as `save_checked` for each of them.

    Raises:
        ValidationError, IntegrityError: one of them is refused; nothing was saved. `save_checked` says which, and why.
    """
    model = type(instances[0])
    with ExitStack() as acting, _unsaved_when_refused(instances), transaction.atomic():
        model.hold_for(instances)
        for instance in instances:
            acting.enter_context(instance.acted_on(by))
            instance.created_by = by
            instance.full_clean(validate_unique=False, validate_constraints=False)
        model.write_first(instances)
        model._base_manager.bulk_create(instances)
        added_together.send(sender=model, instances=instances, using=router.db_for_write(model))
        if then is not None:
            then()


def delete_checked(instance: AuthoredModel, by: str) -> None:
    """Delete `instance` for the user named `by`.

    Raises:
        ValidationError: definitions use it: `TokenInUse`, `ScriptInUse` with `apiDefinitionIdLinks`. Or scripts do:
            `ScriptInUse` with `scriptLinks`.
        ObjectDoesNotExist: another writer has deleted it already.
    """
    try:
        with instance.acted_on(by), transaction.atomic():
            _lock(instance)
            if (error := instance.refusal_of_delete()) is not None:
                raise error
            instance.delete()
    except ProtectedError as error:
        # What protects a script is a definition; what protects a token is a row that names a definition.
        links = sorted({str(getattr(row, "definition_id", row.pk)) for row in error.protected_objects})
        message = _("In use by %(count)d API definition(s); remove it from them first.")
        details = {"apiDefinitionIdLinks": links, "count": len(links)}
        raise refusal(instance.in_use_reason, message, **details) from error


def _lock(instance: AuthoredModel) -> None:
    """Lock the rows that the change relies on, the object's own first. SQLite locks the database at BEGIN."""
    own_row = type(instance)._base_manager.filter(pk=instance.pk).select_for_update().values_list("pk")
    if not instance._state.adding and not own_row:
        # A save would bring it back; a delete would be recorded twice.
        raise type(instance).DoesNotExist(f"{instance} has been deleted.")
    instance.hold_for([instance])


@contextmanager
def _linked(instance: AuthoredModel, links: LinkedRows | None) -> Iterator[None]:
    instance.links = links
    try:
        yield
    finally:
        instance.links = None


@contextmanager
def _unsaved_when_refused(instances: Sequence[AuthoredModel]) -> Iterator[None]:
    """Mark new objects as unsaved again when their insert is rolled back, and undo what the save did in memory."""
    are_new = [instance._state.adding for instance in instances]
    before = [{name: getattr(instance, name) for name in instance.undone_when_refused} for instance in instances]
    try:
        yield
    except (IntegrityError, ValidationError):
        for instance, is_new, values in zip(instances, are_new, before, strict=True):
            instance._state.adding = is_new
            for name, value in values.items():
                setattr(instance, name, value)
        raise
