"""Saving a definition together with the tokens that it allows."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models.signals import post_save
from django.dispatch import receiver
from django.utils.translation import gettext as _

from access.changes import refusal, save_checked
from definitions import routes
from definitions.models import AllowedToken, ApiDefinition, RoutePrefix
from tokens.models import ApiToken


def save_definition(
    definition: ApiDefinition, by: str, allowed_tokens: Iterable[ApiToken | UUID] | None = None
) -> ApiDefinition:
    """Save `definition` for the user named `by`; `allowed_tokens` become its tokens unless None.

    Raises:
        ValidationError: a rule refuses the change, or a token does not exist (`InvalidField` + `field`);
            nothing was saved.
    """
    if allowed_tokens is None:
        return save_checked(definition, by)
    token_ids = {token.pk if isinstance(token, ApiToken) else token for token in allowed_tokens}
    is_new = definition._state.adding
    return save_checked(definition, by, then=lambda: _allow_only(definition, token_ids, is_new))


def _allow_only(definition: ApiDefinition, token_ids: set[UUID], is_new: bool) -> None:
    """Held until the commit, a token cannot be deleted by another writer in between."""
    found = ApiToken.objects.filter(pk__in=token_ids).select_for_update().order_by("pk")
    if set(found.values_list("pk", flat=True)) != token_ids:
        raise refusal("InvalidField", _("A token in the list does not exist."), field="allowedTokens")
    # Without signals: the save of the definition has left the one event of this change.
    rows = AllowedToken._base_manager.filter(definition=definition)
    present = set() if is_new else set(rows.values_list("token_id", flat=True))
    if present - token_ids:
        gone = rows.exclude(token__in=token_ids)
        gone._raw_delete(gone.db)
    AllowedToken._base_manager.bulk_create(
        AllowedToken(definition=definition, token_id=token_id) for token_id in sorted(token_ids - present)
    )


@receiver(post_save, sender=ApiDefinition)
def index_dynamic_route(instance: ApiDefinition, created: bool, **kwargs: object) -> None:
    """Keep the beginnings of a dynamic route where the look-up finds them; a static one needs none."""
    if not created:
        RoutePrefix.objects.filter(definition=instance).delete()
    if routes.PLACEHOLDER in instance.signature:
        RoutePrefix.objects.bulk_create(
            RoutePrefix(definition=instance, prefix=prefix) for _, prefix in routes.prefixes(instance.signature)
        )
