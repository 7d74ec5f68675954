"""API definitions as Elasticsearch documents, with the names of their scripts and tokens."""

from collections.abc import Sequence
from typing import Any, cast

from django.db.models import F, QuerySet
from django_elasticsearch_dsl.fields import KeywordField, ObjectField
from django_elasticsearch_dsl.registries import registry

from definitions.models import AllowedToken, ApiDefinition
from definitions.serializers import DefinitionSerializer
from objects.documents import AuthoredDocument, derived, exact_field, name_field, searchable, serialized, words_field

_PROPERTIES = serialized(DefinitionSerializer, lifted=("securitySettings", "actionMeta"))
_NOT_SHOWN = {"script_id", "signature", "shape", "literal_count"}


@registry.register_document
class DefinitionDocument(AuthoredDocument):
    serialized = _PROPERTIES

    name = name_field()
    route = name_field()
    segments = exact_field()
    scriptName = name_field()
    allowedTokens = ObjectField(properties={"id": KeywordField(), "name": name_field()})
    words = words_field()
    wordsWithTokens = words_field()
    """Searched for users who may view tokens."""

    class Meta:
        mapping = derived(_PROPERTIES)

    class Django:
        model = ApiDefinition

    class Index:
        name = "definitions"

    def rows(self) -> "QuerySet[ApiDefinition]":
        names = {field.attname for field in ApiDefinition._meta.concrete_fields} - _NOT_SHOWN
        return ApiDefinition.objects.only(*names).annotate(script_name=F("script__name"))

    def complete(self, instances: Sequence[Any]) -> None:
        # One query for plain values: model instances would take most of the time.
        rows = AllowedToken.objects.filter(definition__in=[each.pk for each in instances]).order_by("token")
        allowed: dict[Any, list[dict[str, str]]] = {}
        for definition_id, token_id, token_name in rows.values_list("definition_id", "token_id", "token__name"):
            allowed.setdefault(definition_id, []).append({"id": str(token_id), "name": token_name})
        for each in instances:
            each.allowed = allowed.get(each.pk, [])
            each.words = searchable([each.name, each.route, each.description, each.script_name or ""])

    def prepare_segments(self, instance: ApiDefinition) -> list[str]:
        return instance.route.split("/")

    def prepare_allowedTokens(self, instance: Any) -> list[dict[str, str]]:
        return cast("list[dict[str, str]]", instance.allowed)

    def prepare_words(self, instance: Any) -> str:
        return cast("str", instance.words)

    def prepare_wordsWithTokens(self, instance: Any) -> str:
        return f"{instance.words} {searchable(each['name'] for each in instance.allowed)}"
