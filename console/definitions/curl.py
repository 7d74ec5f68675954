"""How an API is called from outside: its address, and the same as a `curl` command."""

import json
import shlex
from urllib.parse import quote

from django.conf import settings

from definitions import routes
from definitions.models import ActionType, ApiDefinition, InputType

# What a shell and a URL leave alone; braces stand for what the caller fills in.
_KEPT = "/{}!$&'()+,;=@~"


def base_url() -> str:
    """What stands before every route."""
    return f"{settings.UDAPI_PUBLIC_URL}/{routes.PREFIX}"


def url(route: str) -> str:
    """The address of the API under `route`, to be read."""
    return base_url() + route


def curl(definition: ApiDefinition) -> str:
    """A command that calls the API with the secret in `$TOKEN`."""
    command = ["curl", "-X POST"]
    if routes.PLACEHOLDER[0] in definition.route:
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
    names = definition.script.parameters if definition.script else []
    return json.dumps(dict.fromkeys(names, ""), ensure_ascii=False) if names else None
