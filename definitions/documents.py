"""API definitions as Elasticsearch has them, with the names of their scripts and tokens."""

from collections.abc import Sequence
from typing import Any, cast

from django.db.models import F, QuerySet
from django_elasticsearch_dsl.fields import KeywordField, ObjectField, TextField
from django_elasticsearch_dsl.registries import registry

from definitions.models import AllowedToken, ApiDefinition
from objects.documents import AuthoredDocument, exact_field, name_field, searchable, words_field

_NOT_SHOWN = {"script_id", "signature", "shape", "literal_count"}


@registry.register_document
class DefinitionDocument(AuthoredDocument):
    """A definition with all that lists can be narrowed by."""

    name = name_field()
    description = TextField()
    route = name_field()
    segments = exact_field()
    actionType = KeywordField(attr="action_type")
    inputType = KeywordField(attr="input_type")
    scriptName = name_field()
    allowedTokens = ObjectField(properties={"id": KeywordField(), "name": name_field()})
    words = words_field()
    wordsWithTokens = words_field()
    """Names of tokens are found only by who may view tokens."""

    class Django:
        model = ApiDefinition

    class Index:
        name = "definitions"

    def rows(self) -> "QuerySet[ApiDefinition]":
        """Definitions with the names of their scripts."""
        names = {field.attname for field in ApiDefinition._meta.concrete_fields} - _NOT_SHOWN
        return ApiDefinition.objects.only(*names).annotate(script_name=F("script__name"))

    def complete(self, instances: Sequence[Any]) -> None:
        """The words of each, and the tokens it allows: one query, plain values; objects would be most of the work."""
        rows = AllowedToken.objects.filter(definition__in=[each.pk for each in instances]).order_by("token")
        allowed: dict[Any, list[dict[str, str]]] = {}
        for definition_id, token_id, token_name in rows.values_list("definition_id", "token_id", "token__name"):
            allowed.setdefault(definition_id, []).append({"id": str(token_id), "name": token_name})
        for each in instances:
            each.allowed = allowed.get(each.pk, [])
            each.words = searchable([each.name, each.route, each.description, each.script_name or ""])

    def prepare_segments(self, instance: ApiDefinition) -> list[str]:
        """The parts of the route between its slashes."""
        return instance.route.split("/")

    def prepare_scriptName(self, instance: Any) -> str | None:
        """The script's name."""
        return cast("str | None", instance.script_name)

    def prepare_allowedTokens(self, instance: Any) -> list[dict[str, str]]:
        """Ids and names."""
        return cast("list[dict[str, str]]", instance.allowed)

    def prepare_words(self, instance: Any) -> str:
        """What a search looks at."""
        return cast("str", instance.words)

    def prepare_wordsWithTokens(self, instance: Any) -> str:
        """Likewise, for who may view tokens."""
        return f"{instance.words} {searchable(each['name'] for each in instance.allowed)}"
