"""Saving and deleting with every rule kept, also against a second writer at the same moment.

Console, management API, commands and imports all change objects through these three functions.
A refused change is a `django.core.exceptions.ValidationError` whose `code` is the contract's `reason`
and whose `params` are its details.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol, TypeVar, cast

from django.core.exceptions import ValidationError
from django.db import IntegrityError, router, transaction
from django.db.models import ProtectedError, QuerySet
from django.utils.translation import gettext as _

from objects.announcements import added_together
from objects.authorship import AuthoredModel

Authored = TypeVar("Authored", bound=AuthoredModel)


class UsesIt(Protocol):
    """A row that stands in the way of a delete."""

    @property
    def api_definition_id(self) -> Any:
        """The definition that the row belongs to."""


def refusal(reason: str, message: str, /, **details: object) -> ValidationError:
    """The error of a refused change; `message` may name details as `%(name)s`."""
    return ValidationError(message, code=reason, params=details)


def save_checked(instance: Authored, by: str, then: Callable[[], None] | None = None) -> Authored:
    """Validate and save `instance` for the user named `by`; `then` runs in the same transaction.

    Raises:
        ValidationError: a rule refuses the change; nothing was saved.
        ObjectDoesNotExist: another writer has deleted the object since it was read.
    """
    if instance._state.adding:
        instance.created_by = by
    with instance.acted_on(by):
        try:
            _save(instance, then)
        except (IntegrityError, ValidationError):
            # Now all rules are asked, also those that the database keeps: what it refuses is to be named.
            _save(instance, then, asks_everything=True)
    return instance


def add_checked(instances: Sequence[Authored], by: str, then: Callable[[], None] | None = None) -> None:
    """Validate and save new objects of one model for the user named `by`, all or none, in a few statements.

    Nothing else differs from `save_checked` for each of them.

    Raises:
        ValidationError, IntegrityError: one of them is refused; nothing was saved. `save_checked` says which, and why.
    """
    model = type(instances[0])
    with _all_acted_on(instances, by), _unsaved_when_refused(instances), transaction.atomic():
        model.hold_for(instances)
        for instance in instances:
            instance.created_by = by
            _check(instance)
        model._base_manager.bulk_create(instances)
        added_together.send(sender=model, instances=instances, using=router.db_for_write(model))
        if then is not None:
            then()


def delete_checked(instance: AuthoredModel, by: str) -> None:
    """Delete `instance` for the user named `by`.

    Raises:
        ValidationError: definitions need it: `TokenInUse`, `ScriptInUse` with `apiDefinitionIdLinks`.
        ObjectDoesNotExist: another writer has deleted it already.
    """
    try:
        with instance.acted_on(by), transaction.atomic():
            _lock(instance)
            instance.delete()
    except ProtectedError as error:
        links = sorted({str(cast(UsesIt, user).api_definition_id) for user in error.protected_objects})
        raise refusal(
            instance.in_use_reason,
            _("In use by %(count)d API definition(s); take it out of them first."),
            apiDefinitionIdLinks=links,
            count=len(links),
        ) from error


def _save(instance: AuthoredModel, then: Callable[[], None] | None, asks_everything: bool = False) -> None:
    with _unsaved_when_refused([instance]), transaction.atomic():
        _lock(instance)
        _check(instance, asks_everything)
        instance.save()
        if then is not None:
            then()


def _check(instance: AuthoredModel, asks_everything: bool = False) -> None:
    """What `clean` does not know of, the database refuses; only then is it worth queries to ask for the rule."""
    instance.full_clean(validate_unique=asks_everything, validate_constraints=asks_everything)


@contextmanager
def _unsaved_when_refused(instances: Sequence[AuthoredModel]) -> Iterator[None]:
    are_new = [instance._state.adding for instance in instances]
    try:
        yield
    except (IntegrityError, ValidationError):
        for instance, is_new in zip(instances, are_new, strict=True):
            instance._state.adding = is_new
        raise


@contextmanager
def _all_acted_on(instances: Sequence[AuthoredModel], by: str) -> Iterator[None]:
    with ExitStack() as stack:
        for instance in instances:
            stack.enter_context(instance.acted_on(by))
        yield


def _lock(instance: AuthoredModel) -> None:
    """Hold the rows that the change relies on, its own first. SQLite begins transactions with the write lock."""
    if not instance._state.adding and not _hold(type(instance)._base_manager.filter(pk=instance.pk)):
        # A save would bring it back, a delete would count twice.
        raise type(instance).DoesNotExist(f"{instance} has been deleted.")
    instance.hold_for([instance])


def _hold(rows: "QuerySet[Any]") -> list[Any]:
    return list(rows.select_for_update().order_by("pk").values_list("pk"))
