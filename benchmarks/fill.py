"""Fill the database of the environment with COUNT definitions and tokens; prints how to call some of them as JSON.

Half of the routes are static, half dynamic, and they share beginnings, as routes of one system do.
"""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TypeVar

import django
from django.core.management import call_command
from django.db import models

BATCH = 2_000
ECHO = """
from automation.sdk import ApiTriggerInput, ApiTriggerOutput, Engine

def on_api_trigger(engine: Engine, request: ApiTriggerInput) -> ApiTriggerOutput:
    return ApiTriggerOutput(response_body=request.raw_body)
"""

Row = TypeVar("Row", bound=models.Model)


def _insert(model: type[Row], rows: Iterable[Row]) -> Sequence[Row]:
    return model._base_manager.bulk_create(rows, batch_size=BATCH)


def fill(count: int) -> dict[str, object]:
    """Make `count` tokens and definitions; the secret of one token, a static and a dynamic path it may call."""
    from automation.models import AutomationScript
    from definitions import routes
    from definitions.models import AllowedToken, ApiDefinition, RoutePrefix
    from objects.changes import save_checked
    from tokens.models import ApiToken

    script = save_checked(AutomationScript(name="echo", source=ECHO), by="benchmark")
    tokens = [ApiToken(name=f"token {number}") for number in range(count)]
    secrets = [token.set_secret(None) for token in tokens]
    _insert(ApiToken, tokens)
    names = [f"site-{n % 50}/encoder-{n}/status" if n % 2 else f"area-{n % 50}/{{id}}/port-{n}" for n in range(count)]
    definitions = [
        ApiDefinition(name=f"API {number}", route=route, script=script) for number, route in enumerate(names)
    ]
    _insert(ApiDefinition, definitions)
    _insert(AllowedToken, [AllowedToken(definition=d, token=t) for d, t in zip(definitions, tokens, strict=True)])
    _insert(AllowedToken, [AllowedToken(definition=d, token=tokens[0]) for d in definitions[1:]])
    _insert(
        RoutePrefix,
        [
            RoutePrefix(definition=definition, prefix=prefix)
            for definition in definitions
            if routes.PLACEHOLDER in definition.signature
            for _, prefix in routes.prefixes(definition.signature)
        ],
    )
    middle = count // 2 // 2 * 2
    return {
        "secret": secrets[0],
        "static": f"/api/custom/{names[middle + 1]}",
        "dynamic": "/api/custom/" + names[middle].replace("{id}", "17"),
    }


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "udapi_site.settings")
    django.setup()
    call_command("migrate", verbosity=0)
    print(json.dumps(fill(int(sys.argv[1]))))
