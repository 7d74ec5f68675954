"""API tokens as Elasticsearch has them; never a secret, nor anything made of one."""

from typing import Any

from django.db.models import QuerySet
from django_elasticsearch_dsl.fields import BooleanField, IntegerField, ObjectField
from django_elasticsearch_dsl.registries import registry

from objects.documents import AuthoredDocument, name_field, searchable, words_field
from tokens.models import ApiToken


@registry.register_document
class TokenDocument(AuthoredDocument):
    """A token with all that lists can be narrowed by."""

    name = name_field()
    isDisabled = BooleanField(attr="is_disabled")
    rateLimit = ObjectField(properties={"limit": IntegerField(), "windowSeconds": IntegerField()})
    words = words_field()

    class Django:
        model = ApiToken

    class Index:
        name = "tokens"

    def rows(self) -> "QuerySet[ApiToken]":
        """Tokens without what nobody may know."""
        return ApiToken.objects.defer("secret_digest", "pepper_id")

    def prepare_rateLimit(self, instance: ApiToken) -> dict[str, Any] | None:
        """As on the wire."""
        if instance.rate_limit is None:
            return None
        return {"limit": instance.rate_limit, "windowSeconds": instance.rate_window_seconds}

    def prepare_words(self, instance: ApiToken) -> str:
        """What a search looks at."""
        return searchable([instance.name])
