"""How many objects there are, for the menu."""

from collections.abc import Mapping
from typing import Any, Final

from django.db.models import Count, Model, Value

from access.policy import CREDENTIAL, DEFINITION, SCRIPT, TOKEN, AnyUser, allows
from automation.models import AutomationScript, Credential
from definitions.models import ApiDefinition
from tokens.models import ApiToken

_MODELS: Final[Mapping[str, type[Model]]] = {
    DEFINITION: ApiDefinition,
    SCRIPT: AutomationScript,
    TOKEN: ApiToken,
    CREDENTIAL: Credential,
}


def counts_for(user: AnyUser) -> Mapping[str, int]:
    """The number of objects of each kind that `user` may view, by one query."""
    queries = [_count(label, model) for label, model in _MODELS.items() if allows(user, label, "view")]
    if not queries:
        return {}
    first, *others = queries
    return dict(first.union(*others, all=True))


def _count(label: str, model: type[Model]) -> Any:
    rows = model._default_manager.order_by().annotate(label=Value(label)).values("label")
    return rows.annotate(number=Count("pk")).values_list("label", "number")
