"""Information events: what was changed, read or said, by whom and when, and which APIs fail. They cannot change."""

import uuid
from typing import Any, ClassVar, NoReturn

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from objects.authorship import USER_NAME_LENGTH
from objects.managers import ClosedQuerySet, UnrecordedChangeError

# The first name, a space and the last name of a user of Django's.
SHOWN_NAME_LENGTH = 301


class Verb(models.TextChoices):
    ADDED = "added"
    UPDATED = "updated"
    DELETED = "deleted"
    READ = "read"
    FAILING = "failing"
    RECOVERED = "recovered"
    SAID = "said"


class ObjectType(models.TextChoices):
    API_DEFINITION = "ApiDefinition", "API"
    API_TOKEN = "ApiToken", "Token"
    AUTOMATION_SCRIPT = "AutomationScript", "Script"
    CREDENTIAL = "Credential", "Credential"
    MIRROR = "SearchMirror", "Search mirror"
    RUN = "Run", "Run"
    USER = "User", "User"
    GROUP = "Group", "Group"
    PERSONAL_KEY = "PersonalKey", "Personal key"


class EventQuerySet(ClosedQuerySet["InformationEvent"]):
    def delete(self) -> NoReturn:
        self._refuse()

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]


class InformationEvent(models.Model):
    """One committed change of an object, or another thing that is worth knowing later."""

    number = models.BigAutoField(primary_key=True)
    event_id = models.UUIDField(unique=True, default=uuid.uuid4)
    position = models.BigIntegerField(unique=True, null=True)
    """The cursor of subscribers, assigned after the commit; see `events.positions`."""
    time = models.DateTimeField(default=timezone.now, editable=False)
    user = models.CharField(max_length=SHOWN_NAME_LENGTH)
    user_name = models.CharField(max_length=USER_NAME_LENGTH)
    verb = models.CharField(max_length=10, choices=Verb.choices)
    object_type = models.CharField(max_length=30, choices=ObjectType.choices)
    object_id = models.UUIDField()
    message = models.TextField()
    properties = models.JSONField(default=dict)
    """What filters can ask about the object, as it was after the change. Never a secret."""
    changes = models.JSONField(null=True, editable=False)
    """What an update has changed, for the console: `objects.field_changes`; null where nothing says so."""

    parameter_id: ClassVar = 64650
    parameter_name: ClassVar = "User-defined APIs"
    severity: ClassVar = "Information"

    objects = EventQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        verbose_name = gettext_lazy("information event")
        ordering = ["-number"]
        indexes = [
            models.Index(fields=["time"], name="event_time"),
            models.Index(fields=["object_id"], name="event_object"),
            models.Index(fields=["user"], name="event_user"),
            models.Index(fields=["user_name"], name="event_user_name"),
            models.Index(fields=["number"], name="event_without_position", condition=Q(position=None)),
        ]

    def __str__(self) -> str:
        return self.message

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise UnrecordedChangeError("An event cannot be deleted.")


class LastPosition(models.Model):
    """One row: the last position assigned. It is locked until the positions that follow it are committed."""

    position = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.position)
