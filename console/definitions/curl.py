"""How an API is called: its address and a `curl` command."""

import json
import shlex
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery

from automation.versions import ScriptVersion
from definitions import routes
from definitions.models import ActionType, ApiDefinition, InputType

# Characters that a quoted URL keeps. Braces stay for the caller to replace.
_KEPT = "/{}!$&'()+,;=@~"


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
    body = _body(definition)
    if body is not None:
        command += ["-H 'Content-Type: application/json'", f"--data {shlex.quote(body)}"]
    return " ".join(command)


def _body(definition: ApiDefinition) -> str | None:
    if definition.action_type == ActionType.AUTOMATION_SCRIPT and definition.input_type == InputType.RAW_BODY:
        return "{}"
    names = parameters_of(definition)
    return json.dumps(dict.fromkeys(names, ""), ensure_ascii=False) if names else None
