"""How an API is called: its address and a `curl` command."""

import json
import shlex
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery

from automation.versions import ScriptVersion
from definitions import routes
from definitions.content_types import ANY_TYPE
from definitions.models import ActionType, ApiDefinition, InputType

# Characters that a quoted URL keeps. Braces stay for the caller to replace.
_KEPT = "/{}!$&'()+,;=@~"
_JSON = "application/json"


def with_parameters(definitions: "QuerySet[ApiDefinition]") -> "QuerySet[ApiDefinition]":
    """The definitions as `parameters_of` needs them."""
    pinned = ScriptVersion.objects.filter(script=OuterRef("script"), number=OuterRef("script_version"))
    told: QuerySet[ApiDefinition] = definitions.select_related("script").defer("script__source")
    return told.annotate(pinned_parameters=Subquery(pinned.values("parameters")[:1]))


def parameters_of(definition: Any) -> list[str]:
    """The script parameters of the version that runs, of a definition `with_parameters`."""
    if definition.script_version is not None:
        return definition.pinned_parameters or []
    return definition.script.parameters if definition.script else []


def base_url() -> str:
    """The URL before every route."""
    return f"{settings.UDAPI_PUBLIC_URL}/{routes.PREFIX}"


def curl(definition: ApiDefinition) -> str:
    """A command that calls the API with the secret in `$TOKEN`."""
    command = ["curl", "-X POST"]
    if routes.PLACEHOLDER[0] in definition.route:
        # curl would read braces as a pattern.
        command.append("--globoff")
    command.append(shlex.quote(base_url() + quote(definition.route, safe=_KEPT)))
    command.append('-H "Authorization: Bearer $TOKEN"')
    command += _sent(definition)
    return " ".join(command)


def _sent(definition: ApiDefinition) -> list[str]:
    """The options for the body: JSON if the API accepts it or reads parameters, otherwise a file."""
    body, accepted = _body(definition), definition.content_types
    if body is None:
        return []
    if _JSON in accepted or accepted == [ANY_TYPE]:
        return [f"-H 'Content-Type: {_JSON}'", f"--data {shlex.quote(body)}"]
    announced = f"-H {shlex.quote(f'Content-Type: {accepted[0]}')}"
    return [announced, "--data-binary @FILE" if _is_raw(definition) else f"--data {shlex.quote(body)}"]


def _body(definition: ApiDefinition) -> str | None:
    if _is_raw(definition):
        return "{}"
    names = parameters_of(definition)
    return json.dumps(dict.fromkeys(names, ""), ensure_ascii=False) if names else None


def _is_raw(definition: ApiDefinition) -> bool:
    """Whether the script gets the body as it was sent."""
    return definition.action_type == ActionType.AUTOMATION_SCRIPT and definition.input_type == InputType.RAW_BODY
