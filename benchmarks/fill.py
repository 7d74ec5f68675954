"""Many definitions and tokens. Half of the routes are static, half dynamic, and they share their first segments.

`python -m benchmarks.fill COUNT` fills the database of the environment, and prints how to call two APIs as JSON.
"""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from django.db import models

from testbed.data_dir import set_up_django

BATCH = 2_000

Row = TypeVar("Row", bound=models.Model)


def _insert(model: type[Row], rows: Iterable[Row]) -> Sequence[Row]:
    return model._base_manager.bulk_create(rows, batch_size=BATCH)


def fill(count: int) -> dict[str, object]:
    """Make `count` tokens and definitions.

    Returns the secret of a token that may call them all, and a static and a dynamic path.
    """
    from definitions import routes
    from definitions.models import AllowedToken, ApiDefinition, RoutePrefix
    from testbed.publisher import Publisher
    from tokens.models import ApiToken

    script = Publisher().script(name="echo")
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
    dynamic = [definition for definition in definitions if routes.PLACEHOLDER in definition.signature]
    prefixes = [(each, prefix) for each in dynamic for prefix in routes.prefixes(each.signature)]
    _insert(RoutePrefix, [RoutePrefix(definition=definition, prefix=prefix) for definition, prefix in prefixes])
    middle = count // 2 // 2 * 2
    return {
        "secret": secrets[0],
        "static": f"/api/custom/{names[middle + 1]}",
        "dynamic": "/api/custom/" + names[middle].replace("{id}", "17"),
    }


if __name__ == "__main__":
    set_up_django(Path(os.environ["UDAPI_DATA_DIR"]))
    print(json.dumps(fill(int(sys.argv[1]))))
