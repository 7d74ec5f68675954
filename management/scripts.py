"""`scripts/`: the automation scripts, addressed by name."""

from typing import Any, ClassVar

from django.db.models import QuerySet

from access.policy import SCRIPT
from automation.filters import SCRIPT_FILTERS
from automation.models import AutomationScript
from automation.serializers import ScriptSerializer
from definitions.publication import refused_publishing
from foundation.texts import is_storable
from management.errors import PermissionDeniedError
from management.object_views import ObjectViewSet
from management.openapi import NAME, operations
from objects.changes import save_checked
from objects.serializers import AuthoredSerializer


class ScriptViewSet(ObjectViewSet[AutomationScript]):
    """Automation scripts. They run with the rights of the worker's system account, so editing them is a trust."""

    model = AutomationScript
    label = SCRIPT
    serializer_class = ScriptSerializer
    filters = SCRIPT_FILTERS
    operations: ClassVar = operations("scripts", ScriptSerializer, filters, key=NAME)

    def save(self, serializer: AuthoredSerializer) -> AutomationScript:
        """Save what was sent.

        Raises:
            ValidationError: a rule refuses it.
            PermissionDeniedError: the change amounts to publishing code, which the user may not do.
        """
        instance = serializer.instance
        stored = instance and AutomationScript.objects.filter(pk=instance.pk).first()
        script: AutomationScript = serializer.fill()
        refused = refused_publishing(self.request.user, stored, script.name, script.source)
        if refused is not None:
            raise PermissionDeniedError(str(refused))
        return save_checked(script, self.user_name)

    def find(self, rows: "QuerySet[Any]", key: str) -> Any:
        """By name, or by id for a script whose name cannot be part of an address."""
        found = rows.filter(name=key).first() if is_storable(key) else None
        return found if found is not None else super().find(rows, key)
