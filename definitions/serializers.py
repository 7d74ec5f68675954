"""API definitions as JSON."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from django.db.models import CharField
from django.db.models.functions import Cast
from rest_framework import serializers

from automation.models import AutomationScript
from definitions import routes
from definitions.content_types import MOST_TYPES, default_content_types
from definitions.models import MOST_CONCURRENT, ActionType, AllowedToken, ApiDefinition, InputType, KeepBodies
from definitions.objectives import HIGHEST_RATE, LONGEST_P95, LOWEST_RATE, is_p95, is_rate
from foundation.texts import NAME_LENGTH, is_storable
from objects.serializers import (
    AuthoredSerializer,
    Choice,
    Flag,
    Id,
    ListOf,
    Measure,
    Number,
    StrictSerializer,
    Text,
    Values,
)


class TokenIds(ListOf):
    """The ids of the allowed tokens, which `definitions.changes.save_definition` stores."""

    is_column = False

    def value_of(self, instance: ApiDefinition) -> list[str]:
        """From the single query of the list, or else from a query of its own."""
        allowed: Mapping[UUID, list[str]] = self.context.get("allowed_tokens") or allowed_tokens([instance])
        return allowed.get(instance.pk, [])


class ScriptName(Text):
    """A script by its name; None for an unknown one, which the model refuses."""

    def to_internal_value(self, data: Any) -> AutomationScript | None:
        name: str = super().to_internal_value(data)
        return AutomationScript.objects.filter(name=name).first() if is_storable(name) else None

    def value_of(self, instance: Any) -> str | None:
        """The name that the list has annotated, else the script's own."""
        if hasattr(instance, "script_name"):
            return str(instance.script_name) if instance.script_name is not None else None
        return instance.script.name if instance.script else None


class SecuritySettings(StrictSerializer):
    """Who may call the API."""

    allowedTokens = TokenIds(child=Id(), default=list)


class ActionMeta(StrictSerializer):
    """What the action needs: the script, and for one with `on_api_trigger` how it gets the body."""

    scriptName = ScriptName(
        source="script", allow_blank=False, required=False, help_text="Only a PATCH may leave it out."
    )
    inputType = Choice(InputType.values, required=False)
    scriptVersion = Number(
        required=False, allow_null=True, min_value=1, help_text="The version that the API is pinned to, or null."
    )

    def to_representation(self, instance: ApiDefinition) -> Values:
        meta = super().to_representation(instance)
        if instance.action_type == ActionType.NO_ENTRY_POINT:
            del meta["inputType"]
        return meta


class Objectives(StrictSerializer):
    """What the API is to achieve over 30 days; one of the two may be null."""

    successRate = Measure(
        source="objective_success_rate",
        required=False,
        allow_null=True,
        min_value=LOWEST_RATE,
        max_value=HIGHEST_RATE,
        help_text="The share of calls that do not fail, in percent.",
    )
    p95Milliseconds = Number(
        source="objective_p95_milliseconds",
        required=False,
        allow_null=True,
        min_value=1,
        max_value=LONGEST_P95,
        help_text="What 95 % of the answers take at most.",
    )

    def to_internal_value(self, data: Any) -> Values:
        if not isinstance(data, dict) or data.keys() - self.properties.keys():
            return super().to_internal_value(data)
        rate, p95 = data.get("successRate"), data.get("p95Milliseconds")
        # The model refuses 0 with a reason of its own, `InvalidObjectives`.
        if (rate, p95) == (None, None) or not (is_rate(rate) and is_p95(p95)):
            return {"objective_success_rate": 0.0, "objective_p95_milliseconds": None}
        return {"objective_success_rate": rate if rate is None else float(rate), "objective_p95_milliseconds": p95}

    def to_representation(self, instance: Any) -> Values | None:  # type: ignore[override]
        found = super().to_representation(instance)
        return found if any(value is not None for value in found.values()) else None


class DefinitionListSerializer(serializers.ListSerializer[Any]):
    """Reads the allowed tokens of all definitions in one query."""

    def to_representation(self, data: Iterable[ApiDefinition]) -> list[Values]:  # type: ignore[override]
        definitions = list(data)
        cast("dict[str, Any]", self.context)["allowed_tokens"] = allowed_tokens(definitions)
        return super().to_representation(definitions)


class DefinitionSerializer(AuthoredSerializer):
    """An API definition."""

    name = Text(default="", max_length=NAME_LENGTH)
    description = Text(default="")
    isDisabled = Flag(default=False)
    route = Text(allow_blank=False, max_length=routes.LONGEST)
    securitySettings = SecuritySettings(source="*", required=False)
    actionType = Choice(ActionType.values, default=str(ActionType.AUTOMATION_SCRIPT))
    actionMeta = ActionMeta(source="*")
    contentTypes = ListOf(
        child=Text(allow_blank=False),
        default=default_content_types,
        min_length=1,
        max_length=MOST_TYPES,
        help_text='Media types that a body may have, without parameters. `["*/*"]`: every type, and none.',
    )
    keepBodies = Choice(
        KeepBodies.values,
        default=str(KeepBodies.NOTHING),
        help_text="The runs whose request and response are kept, up to 64 KB of each. Values whose name looks secret "
        "are masked in headers, query, forms and JSON; other bodies are kept as they are.",
    )
    maxConcurrent = Number(
        default=None,
        allow_null=True,
        min_value=1,
        max_value=MOST_CONCURRENT,
        help_text="The most runs at once in the whole fleet; further calls get error 2008. Null: no limit.",
    )
    objectives = Objectives(source="*", allow_null=True, default=None)
    serverTiming = Flag(
        default=False, help_text="Whether answers say in a header how long admission, queue and run took."
    )

    class Meta:
        model = ApiDefinition
        list_serializer_class = DefinitionListSerializer

    def validate(self, attrs: Values) -> Values:
        """Add what follows from the rest.

        A new action type has an input type, another script is not pinned, a replaced definition has its tokens.
        """
        present = self.instance.action_type if self.partial and self.instance else None
        action_type = attrs.get("action_type") or present or ActionType.AUTOMATION_SCRIPT
        if action_type != present:
            attrs.setdefault("input_type", default_input_type(action_type))
        if "script" in attrs and self.instance and attrs["script"] != self.instance.script:
            attrs.setdefault("script_version", None)
        if not self.partial:
            attrs.setdefault("allowed_tokens", [])
        return attrs


def default_input_type(action_type: str) -> str:
    """The input type of a definition that does not name one."""
    return "" if action_type == ActionType.NO_ENTRY_POINT else str(InputType.RAW_BODY)


def allowed_tokens(definitions: Sequence[ApiDefinition]) -> dict[UUID, list[str]]:
    """The ids of the tokens of each definition, in one query; as text, because making UUIDs would take most time."""
    by_text = {str(definition.pk): definition.pk for definition in definitions}
    allowed: dict[UUID, list[str]] = {pk: [] for pk in by_text.values()}
    rows = AllowedToken.objects.filter(definition__in=by_text.values()).order_by("token")
    for definition_id, token_id in rows.values_list(Cast("definition", CharField()), Cast("token", CharField())):
        allowed[by_text[_dashed(definition_id)]].append(_dashed(token_id))
    return allowed


def _dashed(text: str) -> str:
    """SQLite keeps ids without their dashes."""
    return text if len(text) != 32 else f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
