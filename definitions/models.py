"""API definitions: which script answers under which route, and who may call it."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Self
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from automation.models import AutomationScript
from automation.source import ON_API_TRIGGER, RUN
from automation.versions import ScriptVersion
from definitions import pins, routes
from definitions.content_types import USUAL_TYPES, InvalidContentTypesError, default_content_types, parse_content_types
from definitions.objectives import HIGHEST_RATE, LONGEST_P95, LOWEST_RATE, is_p95, is_rate
from foundation.texts import NAME_LENGTH, is_name, is_storable
from objects.authorship import AuthoredModel
from objects.changes import refusal
from objects.columns import DerivedCharField, DerivedSmallIntegerField
from objects.managers import ClosedManager
from tokens.models import ApiToken

MOST_CONCURRENT = 1_000
# Casefolding makes at most three characters out of one.
SIGNATURE_LENGTH = 3 * routes.LONGEST + 1


class ActionType(models.TextChoices):
    """What a trigger of the API calls; the label is the entry point."""

    AUTOMATION_SCRIPT = "AutomationScript", ON_API_TRIGGER
    NO_ENTRY_POINT = "AutomationScriptNoEntryPoint", RUN


class InputType(models.TextChoices):
    """How a script with `on_api_trigger` receives the body of a request."""

    RAW_BODY = "RawBody", gettext_lazy("Raw body")
    PARAMETERS = "Parameters", gettext_lazy("Parameters")


class KeepBodies(models.TextChoices):
    """Of which runs request and response are kept."""

    NOTHING = "Nothing", gettext_lazy("No runs")
    FAILURES = "Failures", gettext_lazy("Failed runs")
    EVERYTHING = "Everything", gettext_lazy("All runs")


def _segments(definition: "ApiDefinition") -> tuple[str, ...]:
    return routes.parse(definition.route)


class ApiDefinition(AuthoredModel):
    """A script published under a route."""

    name = models.CharField(max_length=NAME_LENGTH, blank=True, default="")
    description = models.TextField(blank=True, default="")
    route = models.CharField(max_length=routes.LONGEST, blank=True)
    action_type = models.CharField(max_length=40, choices=ActionType.choices, default=ActionType.AUTOMATION_SCRIPT)
    script = models.ForeignKey(
        AutomationScript, on_delete=models.PROTECT, null=True, blank=True, related_name="api_definitions"
    )
    script_version = models.PositiveIntegerField(
        gettext_lazy("version"),
        null=True,
        blank=True,
        help_text=gettext_lazy("The version that the API is pinned to. Without one, it runs the current version."),
    )
    input_type = models.CharField(max_length=20, choices=InputType.choices, default=InputType.RAW_BODY, blank=True)
    is_disabled = models.BooleanField(
        gettext_lazy("disabled"),
        default=False,
        db_default=False,
        help_text=gettext_lazy("Disabled: calls are refused at once with error 2009."),
    )
    content_types = models.JSONField(
        gettext_lazy("accepted content types"),
        default=default_content_types,
        db_default=list(USUAL_TYPES),
        help_text=gettext_lazy("A body of another type is refused with error 1003."),
    )
    keep_bodies = models.CharField(
        gettext_lazy("keep request and response of"),
        max_length=10,
        choices=KeepBodies.choices,
        default=KeepBodies.NOTHING,
        db_default=KeepBodies.NOTHING,
        help_text=gettext_lazy(
            "Keeps up to 64 KB of each with the run. Values whose name looks secret, such as password or token, are "
            "masked in headers, query, forms and JSON; other bodies are kept as they are."
        ),
    )
    max_concurrent = models.PositiveSmallIntegerField(
        gettext_lazy("most runs at once"),
        null=True,
        blank=True,
        help_text=format_lazy(
            gettext_lazy("1 to {}, counted over all worker nodes; empty for no limit. Further calls get error 2008."),
            MOST_CONCURRENT,
        ),
    )
    objective_success_rate = models.FloatField(
        gettext_lazy("success rate"),
        null=True,
        blank=True,
        help_text=gettext_lazy(
            "The share of calls that do not fail, in percent. Refused and cancelled ones do not count."
        ),
    )
    objective_p95_milliseconds = models.PositiveIntegerField(
        gettext_lazy("answer time of 95 % of the calls"),
        null=True,
        blank=True,
        help_text=gettext_lazy("In milliseconds, from the acceptance of a call to its answer."),
    )
    server_timing = models.BooleanField(
        gettext_lazy("send Server-Timing"),
        default=False,
        db_default=False,
        help_text=gettext_lazy("Callers learn how long admission, queue and run took, from a header of each answer."),
    )
    allowed_tokens: "models.ManyToManyField[ApiToken, AllowedToken]" = models.ManyToManyField(
        ApiToken, through="AllowedToken", related_name="api_definitions"
    )
    signature = DerivedCharField(
        max_length=SIGNATURE_LENGTH, unique=True, derive=lambda definition: routes.signature(_segments(definition))
    )
    shape = DerivedCharField(
        max_length=routes.MOST_SEGMENTS, derive=lambda definition: routes.shape(_segments(definition))
    )
    literal_count = DerivedSmallIntegerField(derive=lambda definition: routes.shape(_segments(definition)).count("1"))

    own_rules = frozenset(
        {
            "name",
            "route",
            "action_type",
            "script",
            "script_version",
            "input_type",
            "content_types",
            "keep_bodies",
            "max_concurrent",
            "objective_success_rate",
            "objective_p95_milliseconds",
            "signature",
            "shape",
            "literal_count",
        }
    )
    may_wait_for_build = False
    """Whether it may be pinned to a version that is being built; its callers get error 15 until that is ready."""

    entry_points: ClassVar = {ActionType.AUTOMATION_SCRIPT: ON_API_TRIGGER, ActionType.NO_ENTRY_POINT: RUN}

    class Meta(AuthoredModel.Meta):
        abstract = False
        verbose_name = gettext_lazy("definition")
        ordering = ["route", "id"]
        indexes = [
            models.Index(name="definition_by_route", fields=["route", "id"]),
            models.Index(name="definition_by_name", fields=["name", "id"]),
            models.Index(name="definition_by_change", fields=["last_modified"]),
        ]
        permissions = [
            ("ui_available", "User-defined APIs > Definitions > UI available"),
            ("add_edit", "User-defined APIs > Definitions > Add/Edit"),
            ("delete", "User-defined APIs > Definitions > Delete"),
        ]
        constraints = [
            models.CheckConstraint(name="definition_name_not_blank", condition=Q(name="") | Q(name__regex=r"\S")),
            models.CheckConstraint(name="definition_route_not_empty", condition=~Q(route="")),
            models.CheckConstraint(name="definition_keep_bodies", condition=Q(keep_bodies__in=KeepBodies.values)),
            models.CheckConstraint(
                name="definition_max_concurrent", condition=Q(max_concurrent__range=(1, MOST_CONCURRENT))
            ),
            models.CheckConstraint(
                name="definition_success_rate",
                condition=Q(objective_success_rate__range=(LOWEST_RATE, HIGHEST_RATE)),
            ),
            models.CheckConstraint(
                name="definition_p95", condition=Q(objective_p95_milliseconds__range=(1, LONGEST_P95))
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.route

    @classmethod
    def hold_for(cls, instances: Sequence[Self]) -> None:
        """Lock and read their scripts: none may be deleted or lose its entry point before the commit."""
        needed = {definition.script_id for definition in instances if definition.script_id}
        held = AutomationScript.objects.filter(pk__in=needed).select_for_update().order_by("pk")
        scripts: dict[UUID | None, AutomationScript] = {script.pk: script for script in held} if needed else {}
        for definition in instances:
            definition.script = scripts.get(definition.script_id)
        pins.hold([(definition.script_id, definition.script_version) for definition in instances])

    def validate_unique(self, exclude: Any = None) -> None:
        """No two definitions may match the same paths.

        Raises:
            ValidationError: `RouteInUse` (+ `conflictingDefinitionId`, `route`, `id`).
        """
        left_out = set(exclude or ())
        super().validate_unique(exclude=left_out | {"signature"})
        if "route" in left_out:
            return
        others = ApiDefinition.objects.exclude(pk=self.pk).filter(signature=routes.signature(_segments(self)))
        conflicting = others.values_list("pk", flat=True).first()
        if conflicting is not None:
            rule = _("The API definition %(conflictingDefinitionId)s matches the same paths.")
            details = {"conflictingDefinitionId": str(conflicting), "route": self.route}
            raise ValidationError({"route": self._refusal("RouteInUse", rule, **details)})

    def _refusal(self, reason: str, message: str, /, **details: object) -> ValidationError:
        return refusal(reason, message, id=str(self.pk), **details)

    def faults(self) -> Iterator[tuple[str, ValidationError]]:
        """`InvalidName`, `InvalidRoute` (+ `route`), `InvalidActionMeta`, `InvalidObjectives` (+ `message`),
        `InvalidField` (+ `field`), each with the `id` of the definition. A valid route is normalised on the way.
        """
        if self.name != "" and not is_name(self.name):
            rule = _("A name is not white space only and has at most %(most)d characters.") % {"most": NAME_LENGTH}
            yield "name", self._refusal("InvalidName", rule)
        if not is_storable(self.description):
            rule = _("The description contains characters that cannot be stored.")
            yield "description", self._refusal("InvalidField", rule, field="description")
        try:
            self.route = "/".join(_segments(self))
        except routes.InvalidRouteError as error:
            yield "route", self._refusal("InvalidRoute", str(error).replace("%", "%%"), route=self.route)
        if self.action_type not in ActionType.values:
            yield "action_type", self._refusal("InvalidField", _("The action type is unknown."), field="actionType")
        elif (fault := self._action_error()) is not None and not self._is_switched_off():
            yield "script", fault
        try:
            self.content_types = parse_content_types(self.content_types)
        except InvalidContentTypesError as error:
            rule = str(error).replace("%", "%%")
            yield "content_types", self._refusal("InvalidField", rule, field="contentTypes")
        yield from self._run_errors()
        yield from self._objective_errors()

    def _run_errors(self) -> Iterator[tuple[str, ValidationError]]:
        if self.keep_bodies not in KeepBodies.values:
            rule = _("The bodies to keep are one of: %(values)s.") % {"values": ", ".join(KeepBodies.values)}
            yield "keep_bodies", self._refusal("InvalidField", rule, field="keepBodies")
        most = self.max_concurrent
        if most is not None and not (type(most) is int and 1 <= most <= MOST_CONCURRENT):
            rule = _("A limit of runs at once is a number from 1 to %(most)d.") % {"most": MOST_CONCURRENT}
            yield "max_concurrent", self._refusal("InvalidField", rule, field="maxConcurrent")

    def _objective_errors(self) -> Iterator[tuple[str, ValidationError]]:
        limits = {"lowest": LOWEST_RATE, "highest": HIGHEST_RATE, "longest": LONGEST_P95}
        rule = _(
            "Objectives are a success rate from %(lowest)g to %(highest)g percent, with three decimals at most, "
            "a 95th percentile from 1 to %(longest)d milliseconds, or both."
        )
        message = rule % limits
        for column, is_valid in (("objective_success_rate", is_rate), ("objective_p95_milliseconds", is_p95)):
            if not is_valid(getattr(self, column)):
                yield column, self._refusal("InvalidObjectives", message, message=message)
                return

    def _is_switched_off(self) -> bool:
        """Whether it is disabled and calls what it called before: an API that cannot answer can still be disabled."""
        return self.is_disabled and self._is_as_stored("action_type", "script_id", "script_version", "input_type")

    def _action_error(self) -> ValidationError | None:
        inputs = [""] if self.action_type == ActionType.NO_ENTRY_POINT else InputType.values
        if self.input_type not in inputs:
            return self._refusal("InvalidActionMeta", _("The input type does not fit the action type."))
        if self.script is None:
            return self._refusal("InvalidActionMeta", _("The script does not exist."))
        runs: AutomationScript | ScriptVersion | None = self.script
        if self.script_version is not None:
            versions = ScriptVersion.objects.filter(script=self.script, number=self.script_version)
            runs = versions.select_related("build").defer("source", "build__log").first()
        if runs is None:
            rule = _("The script has no version %(scriptVersion)s.")
            return self._refusal("InvalidActionMeta", rule, scriptVersion=self.script_version)
        if isinstance(runs, ScriptVersion) and (unready := self._unready(runs)):
            return self._refusal("InvalidActionMeta", unready, scriptVersion=self.script_version)
        if isinstance(runs, ScriptVersion) and (gone := runs.library_uses.filter(library=None).first()) is not None:
            rule = _("That version was saved with the library %(library)s, which has been deleted.")
            return self._refusal("InvalidActionMeta", rule, library=gone.name)
        if (entry_point := self.entry_points[ActionType(self.action_type)]) not in runs.entry_points():
            rule = _("The script has no function %(entryPoint)s, which the action type calls.")
            if isinstance(runs, ScriptVersion):
                rule = _("That version has no function %(entryPoint)s, which the action type calls.")
            return self._refusal("InvalidActionMeta", rule, entryPoint=entry_point)
        return None

    def _unready(self, version: ScriptVersion) -> str | None:
        """Why it may not be pinned to `version`. A pin that was there before stays, whatever has become of that."""
        rule = pins.unready(version, may_wait=self.may_wait_for_build)
        return None if rule is None or self._is_as_stored("script_id", "script_version") else rule

    def _is_as_stored(self, *columns: str) -> bool:
        stored = ApiDefinition.objects.filter(pk=self.pk).values_list(*columns).first()
        return stored == tuple(getattr(self, column) for column in columns)


class AllowedToken(models.Model):
    """A token that may call an API, and therefore cannot be deleted."""

    definition = models.ForeignKey(ApiDefinition, on_delete=models.CASCADE)
    token = models.ForeignKey(ApiToken, on_delete=models.PROTECT)

    objects = ClosedManager()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["definition", "token"], name="token_allowed_once")]

    def __str__(self) -> str:
        return f"{self.token_id} may call {self.definition_id}"


class RoutePrefix(models.Model):
    """The prefixes of every dynamic route, so that a look-up follows only paths that lead to routes."""

    definition = models.ForeignKey(ApiDefinition, on_delete=models.CASCADE)
    prefix = models.CharField(max_length=SIGNATURE_LENGTH, db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.prefix
