"""`definitions/`: which script answers under which route, and who may call it."""

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from django.db.models import CharField, Count, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Cast, Coalesce

from access.policy import DEFINITION
from automation.models import AutomationScript
from definitions import routes
from definitions.changes import save_definition
from definitions.models import ActionType, AllowedToken, ApiDefinition, InputType
from foundation.texts import NAME_LENGTH, is_storable
from management.fields import Authored, Choice, Id, Part, Several, Text, Values, authorship
from management.filters import ID, TEXT, Filters, one_of
from management.object_views import ObjectViewSet, operations
from search.models import DEFINITIONS


class SecuritySettings(Part):
    """Who may call the API."""

    allowedTokens = Several(child=Id(), default=list)


class ActionMeta(Part):
    """What the action needs: the script, and for one with `on_api_trigger` how it gets the body."""

    scriptName = Text(required=False, help_text="Left out in a PATCH alone.")
    inputType = Choice(InputType.values, required=False)


class DefinitionSerializer(Authored):
    """An API definition."""

    name = Text(default="", max_length=NAME_LENGTH)
    description = Text(default="")
    route = Text(allow_blank=False, max_length=routes.LONGEST)
    securitySettings = SecuritySettings(required=False)
    actionType = Choice(ActionType.values, default=str(ActionType.AUTOMATION_SCRIPT))
    actionMeta = ActionMeta()


class DefinitionViewSet(ObjectViewSet[ApiDefinition]):
    """API definitions."""

    model = ApiDefinition
    label = DEFINITION
    kind = DEFINITIONS
    serializer_class = DefinitionSerializer
    content: ClassVar = ("name", "description", "route", "action_type", "script_id", "input_type")
    filters = Filters(
        own={
            "name": ("name", TEXT),
            "route": ("route", TEXT),
            "actionType": ("action_type", one_of(*ActionType.values)),
            "allowedToken": ("allowed_tokens", ID),
            "scriptName": ("script__name", TEXT),
        },
        order={
            "name": "name",
            "route": "route",
            "actionType": "action_type",
            "scriptName": "script__name",
            "allowedToken": "allowed_token_count",
            "allowedTokens": "allowed_token_count",
        },
        searched=("route", "name", "description", "script__name"),
        default="route",
    )
    operations: ClassVar = operations("definitions", DefinitionSerializer, filters)

    def rows(self) -> "QuerySet[ApiDefinition]":
        """All definitions with the names of their scripts."""
        names = {field.attname for field in ApiDefinition._meta.concrete_fields} - {"script_id"}
        allowed = AllowedToken.objects.filter(definition=OuterRef("pk")).order_by().values("definition")
        return (
            ApiDefinition.objects.only(*names)
            .annotate(script_name=F("script__name"))
            .alias(allowed_token_count=Coalesce(Subquery(allowed.annotate(count=Count("pk")).values("count")), 0))
        )

    def answers(self, objects: Sequence[ApiDefinition]) -> list[Values]:
        """The definitions as they are on the wire."""
        allowed = _allowed_tokens(objects)
        return [_answer(definition, allowed.get(str(definition.pk), [])) for definition in objects]

    def blank_values(self) -> Values:
        """A definition that names no tokens allows none."""
        return {"securitySettings": {"allowedTokens": []}}

    def store(self, instance: ApiDefinition, values: Values, by: str) -> None:
        """Fill in, and save together with the tokens, where they are named."""
        _fill(instance, values)
        save_definition(instance, by, values.get("securitySettings", {}).get("allowedTokens"))


def _fill(definition: ApiDefinition, values: Values) -> None:
    for name in ("name", "description", "route"):
        setattr(definition, name, values.get(name, getattr(definition, name)))
    action_type = values.get("actionType", definition.action_type)
    meta = values.get("actionMeta", {})
    if "inputType" in meta:
        definition.input_type = meta["inputType"]
    elif action_type != definition.action_type or definition._state.adding:
        definition.input_type = "" if action_type == ActionType.NO_ENTRY_POINT else InputType.RAW_BODY
    definition.action_type = action_type
    if "scriptName" in meta:
        definition.script = _script(meta["scriptName"])


def _script(name: str) -> AutomationScript | None:
    return AutomationScript.objects.filter(name=name).first() if is_storable(name) else None


def _allowed_tokens(definitions: Sequence[ApiDefinition]) -> dict[str, list[str]]:
    """The ids of the tokens of each by its own id, in one query; as text, for ids would be most of the work."""
    allowed: dict[str, list[str]] = {}
    rows = AllowedToken.objects.filter(definition__in=[definition.pk for definition in definitions]).order_by("token")
    ids = (Cast("definition", CharField()), Cast("token", CharField()))
    for definition_id, token_id in rows.values_list(*ids):
        allowed.setdefault(_dashed(definition_id), []).append(_dashed(token_id))
    return allowed


def _dashed(text: str) -> str:
    """SQLite keeps ids without their dashes."""
    return text if len(text) != 32 else f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _script_name(definition: Any) -> str | None:
    """The name that the list has brought along, else the script's own."""
    if hasattr(definition, "script_name"):
        return cast("str | None", definition.script_name)
    return definition.script.name if definition.script else None


def _answer(definition: ApiDefinition, allowed_tokens: list[str]) -> Values:
    meta: Values = {"scriptName": _script_name(definition)}
    if definition.action_type != ActionType.NO_ENTRY_POINT:
        meta["inputType"] = definition.input_type
    return {
        "id": str(definition.pk),
        "name": definition.name,
        "description": definition.description,
        "route": definition.route,
        "securitySettings": {"allowedTokens": allowed_tokens},
        "actionType": definition.action_type,
        "actionMeta": meta,
    } | authorship(definition)
