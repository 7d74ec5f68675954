"""schemathesis asks the running API what the OpenAPI document allows, and much that it does not."""

import subprocess
import sys
from pathlib import Path

import yaml
from django.conf import settings
from django.contrib.auth.models import User

from keys.changes import create_key

# Rules that no schema can tell refuse well-formed bodies too: a script that does not compile, a route that is taken.
ACCEPTED = ["2xx", "400", "401", "403", "404", "409", "412", "503"]
# A stale version is told before what else is wrong.
REFUSED = ["4xx", "5xx"]
# It never ends; tests/events asks it.
ENDLESS = "events/stream"


def _config(api, secret_of: str) -> str:
    """The values with which objects are found that are there."""
    keys = {"definitions": api.definition.pk, "tokens": api.token.pk, "scripts": api.definition.script.name}
    operations = "".join(
        f'[[operations]]\ninclude-path-regex = "/{kind}/.key."\nparameters = {{ key = "{key}" }}\n'
        for kind, key in keys.items()
    )
    statuses = f"[checks]\npositive_data_acceptance.expected-statuses = {ACCEPTED}\n"
    statuses += f"negative_data_rejection.expected-statuses = {REFUSED}\n"
    return f'[headers]\nAuthorization = "Token {secret_of}"\n{statuses}{operations}'


def _document() -> str:
    """The document without HTTP Basic: so many wrong passwords would be refused for another reason."""
    document = yaml.safe_load((settings.BASE_DIR / "docs" / "openapi.yaml").read_text())
    for path in document["paths"].values():
        for operation in path.values():
            operation["security"] = [one for one in operation.get("security", []) if "basic" not in one]
    return yaml.safe_dump(document)


def test_the_running_api_does_as_the_document_says(stack, publish, tmp_path):
    user = User.objects.create_superuser("tester")
    try:
        _, key = create_key(user, "schemathesis", 1)
        (tmp_path / "schemathesis.toml").write_text(_config(publish(), key))
        (tmp_path / "openapi.yaml").write_text(_document())
        command = [str(Path(sys.executable).with_name("st")), "run", "openapi.yaml", "--url", stack.url]
        command += ["--checks", "all", "--phases", "examples,coverage,fuzzing", "--generation-deterministic"]
        command += ["--max-examples", "10", "--continue-on-failure", "--exclude-path-regex", ENDLESS]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout[-12_000:] + done.stderr
    finally:
        user.delete()
