"""Saving and deleting with every rule kept, also against a second writer at the same moment.

Console, management API, commands and imports all change objects through these two functions.
A refused change is a `django.core.exceptions.ValidationError` whose `code` is the contract's `reason`
and whose `params` are its details.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar, cast

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, QuerySet
from django.utils.translation import gettext as _

from access.authorship import AuthoredModel

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
        except IntegrityError:
            # Another writer was faster between the check and the save: now the check sees what it did.
            _save(instance, then, asks_everything=True)
    return instance


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
    """What `clean` does not know of, the database refuses; only then is it worth queries to ask for the rule."""
    is_new = instance._state.adding
    try:
        with transaction.atomic():
            _lock(instance)
            instance.full_clean(validate_unique=asks_everything, validate_constraints=asks_everything)
            instance.save()
            if then is not None:
                then()
    except (IntegrityError, ValidationError):
        instance._state.adding = is_new
        raise


def _lock(instance: AuthoredModel) -> None:
    """Hold the rows that the change relies on, its own first. SQLite begins transactions with the write lock."""
    if not instance._state.adding and not _hold(type(instance)._base_manager.filter(pk=instance.pk)):
        # A save would bring it back, a delete would count twice.
        raise type(instance).DoesNotExist(f"{instance} has been deleted.")
    for rows in instance.rows_to_lock():
        _hold(rows)


def _hold(rows: "QuerySet[Any]") -> list[Any]:
    return list(rows.select_for_update().order_by("pk").values_list("pk"))
