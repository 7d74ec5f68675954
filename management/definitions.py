"""`definitions/`: which script answers under which route, and who may call it."""

from typing import ClassVar

from django.db.models import Count, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from access.policy import DEFINITION
from definitions.changes import save_definition
from definitions.filters import ALLOWED_COUNT, DEFINITION_FILTERS
from definitions.models import AllowedToken, ApiDefinition
from definitions.serializers import DefinitionSerializer
from management.object_views import ObjectViewSet
from management.openapi import operations
from objects.serializers import AuthoredSerializer
from search.models import DEFINITIONS


class DefinitionViewSet(ObjectViewSet[ApiDefinition]):
    """API definitions."""

    model = ApiDefinition
    label = DEFINITION
    kind = DEFINITIONS
    serializer_class = DefinitionSerializer
    filters = DEFINITION_FILTERS
    operations: ClassVar = operations("definitions", DefinitionSerializer, filters)

    def rows(self) -> "QuerySet[ApiDefinition]":
        """All definitions with the names of their scripts."""
        names = {field.attname for field in ApiDefinition._meta.concrete_fields} - {"script_id"}
        allowed = AllowedToken.objects.filter(definition=OuterRef("pk")).order_by().values("definition")
        count = Coalesce(Subquery(allowed.annotate(count=Count("pk")).values("count")), 0)
        return (
            ApiDefinition.objects.only(*names).annotate(script_name=F("script__name")).alias(**{ALLOWED_COUNT: count})
        )

    def save(self, serializer: AuthoredSerializer) -> ApiDefinition:
        allowed_tokens = serializer.validated_data.get("allowed_tokens")
        return save_definition(serializer.fill(), self.user_name, allowed_tokens)
