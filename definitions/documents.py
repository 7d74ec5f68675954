"""API definitions as Elasticsearch has them, with the names of their scripts and tokens."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from django_elasticsearch_dsl.fields import KeywordField, ObjectField, TextField
from django_elasticsearch_dsl.registries import registry

from access.documents import AuthoredDocument, exact_field, name_field, searchable, words_field
from definitions.models import AllowedToken, ApiDefinition


@registry.register_document
class DefinitionDocument(AuthoredDocument):
    """A definition with all that lists can be narrowed by."""

    name = name_field()
    description = TextField()
    route = name_field()
    segments = exact_field()
    actionType = KeywordField(attr="action_type")  # noqa: N815  as on the wire
    inputType = KeywordField(attr="input_type")  # noqa: N815
    scriptName = name_field()  # noqa: N815
    allowedTokens = ObjectField(properties={"id": KeywordField(), "name": name_field()})  # noqa: N815
    words = words_field()
    wordsWithTokens = words_field()  # noqa: N815
    """Names of tokens are found only by who may view tokens."""

    class Django:
        model = ApiDefinition

    class Index:
        name = "definitions"

    def rows(self) -> "QuerySet[ApiDefinition]":
        """Definitions with what their documents show."""
        allowed = (
            AllowedToken.objects.select_related("token").only("definition", "token", "token__name").order_by("token")
        )
        rows = ApiDefinition.objects.select_related("script").defer("script__source", "signature", "shape")
        return rows.prefetch_related(Prefetch("allowedtoken_set", queryset=allowed, to_attr="allowed"))

    def prepare_segments(self, instance: ApiDefinition) -> list[str]:
        """The parts of the route between its slashes."""
        return instance.route.split("/")

    def prepare_scriptName(self, instance: ApiDefinition) -> str | None:  # noqa: N802
        """The script's name."""
        return instance.script.name if instance.script else None

    def prepare_allowedTokens(self, instance: Any) -> list[dict[str, str]]:  # noqa: N802
        """Ids and names."""
        return [{"id": str(each.token_id), "name": each.token.name} for each in instance.allowed]

    def prepare_words(self, instance: ApiDefinition) -> str:
        """What a search looks at."""
        script_name = instance.script.name if instance.script else ""
        return searchable([instance.name, instance.route, instance.description, script_name])

    def prepare_wordsWithTokens(self, instance: Any) -> str:  # noqa: N802
        """Likewise, for who may view tokens."""
        return " ".join([self.prepare_words(instance), searchable(each.token.name for each in instance.allowed)])
