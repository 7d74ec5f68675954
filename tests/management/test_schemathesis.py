"""schemathesis sends the running API what the OpenAPI document allows and forbids."""

import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from events.models import InformationEvent
from testbed.people import remove_users
from tests.automation.stored_credentials import stored_credential
from tests.management import cheap_passwords

# Rules that no schema can express refuse well-formed bodies, such as a script that does not compile.
REFUSED_BY_A_RULE = ["2xx", "400", "404", "409", "412"]
# Reading has no such rules; that a text without NUL is meant goes without saying in the document.
READ = ["2xx", "404"]
REFUSED = ["4xx"]
# Each of its cases would wait ten seconds for an event; tests/events covers it.
STREAM = "events_stream"
# Not every step fits every time.
STATISTICS = "statistics_retrieve"


@pytest.fixture
def web(stack):
    """A gunicorn with cheap password hashes."""
    with stack.another_web(DJANGO_SETTINGS_MODULE="tests.management.open_door") as web:
        yield web


@pytest.fixture
def password(stack, settings):
    """The password of the superuser `tester`."""
    settings.PASSWORD_HASHERS = cheap_passwords.PASSWORD_HASHERS
    user = User.objects.create_superuser("tester", password="open sesame")
    yield "open sesame"
    remove_users(pk=user.pk)


def _config(api, password: str) -> str:
    """schemathesis' configuration: credentials, allowed statuses, and the keys of existing objects."""
    keys = {
        "definitions": api.definition.pk,
        "tokens": api.token.pk,
        "scripts": api.definition.script.name,
        "credentials": stored_credential(scripts=[api.definition.script]).pk,
        "events": InformationEvent.objects.latest("number").event_id,
    }
    numbered = f'parameters = {{ key = "{keys["scripts"]}", number = 1 }}'
    operations = f'[[operations]]\ninclude-path-regex = "/versions/.number."\n{numbered}\n'
    operations += "".join(
        f'[[operations]]\ninclude-path-regex = "/{kind}/.key."\nexclude-method = "DELETE"\n'
        f'parameters = {{ key = "{key}" }}\n'
        for kind, key in keys.items()
    )
    # With so many filters, each combination of which is tried, this would take half of the time of all.
    operations += _without_coverage('include-operation-id = "runs_list"')
    # What PUT takes, PATCH takes as well.
    operations += _without_coverage('include-method = "PUT"')
    # These have the filters of their lists.
    operations += _without_coverage('include-path-regex = "/(count|export/csv|export/jsonl)/$"')
    operations += f'[[operations]]\ninclude-operation-id = "{STATISTICS}"\n'
    operations += f"checks.positive_data_acceptance.expected-statuses = {REFUSED_BY_A_RULE}\n"
    operations += '[[operations]]\ninclude-method = "GET"\n'
    operations += f"generation.allow-x00 = false\nchecks.positive_data_acceptance.expected-statuses = {READ}\n"
    statuses = f"[checks]\npositive_data_acceptance.expected-statuses = {REFUSED_BY_A_RULE}\n"
    statuses += f"negative_data_rejection.expected-statuses = {REFUSED}\n"
    login = b64encode(f"tester:{password}".encode()).decode()
    return f'[headers]\nAuthorization = "Basic {login}"\n{statuses}{operations}'


def _without_coverage(which: str) -> str:
    return f"[[operations]]\n{which}\nphases.coverage.enabled = false\n"


def test_the_running_api_does_as_the_document_says(web, password, publish, tmp_path):
    (tmp_path / "schemathesis.toml").write_text(_config(publish(), password))
    document = settings.BASE_DIR / "docs" / "openapi.yaml"
    command = [str(Path(sys.executable).with_name("st")), "run", str(document), "--url", web.url, "--checks", "all"]
    command += ["--phases", "examples,coverage,fuzzing,stateful", "--generation-deterministic"]
    command += ["--max-examples", "3", "--continue-on-failure", "--exclude-operation-id", STREAM]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    for phase in ("Coverage", "Fuzzing", "Stateful"):
        assert f"✅ {phase}" in done.stdout
