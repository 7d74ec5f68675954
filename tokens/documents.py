"""API tokens as Elasticsearch documents. Never a secret, nor a digest of one."""

from django.db.models import QuerySet
from django_elasticsearch_dsl.registries import registry

from objects.documents import AuthoredDocument, derived, name_field, searchable, serialized, words_field
from tokens.models import ApiToken
from tokens.serializers import TokenSerializer

_PROPERTIES = serialized(TokenSerializer)


@registry.register_document
class TokenDocument(AuthoredDocument):
    serialized = _PROPERTIES

    name = name_field()
    words = words_field()

    class Meta:
        mapping = derived(_PROPERTIES)

    class Django:
        model = ApiToken

    class Index:
        name = "tokens"

    def rows(self) -> "QuerySet[ApiToken]":
        return ApiToken.objects.defer("secret_digest", "pepper_id")

    def prepare_words(self, instance: ApiToken) -> str:
        return searchable([instance.name])
