"""`manage.py create_token NAME`."""

import io
import os
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command

from endpoint.authentication import token_of
from testbed.stack import ROOT
from tokens import secrets
from tokens.models import ApiToken


def _create(*arguments: str) -> tuple[str, str]:
    output, errors = io.StringIO(), io.StringIO()
    call_command("create_token", *arguments, stdout=output, stderr=errors)
    return output.getvalue(), errors.getvalue()


def test_the_secret_is_printed_once_and_nothing_else_on_standard_output(db):
    output, errors = _create("a client")
    secret = output.removesuffix("\n")
    assert output == f"{secret}\n"
    assert secrets.is_well_formed(secret)
    assert secret.startswith("udapi_")
    assert secret not in errors
    token = ApiToken.objects.get()
    assert token_of(secret).id == token.pk
    assert str(token.pk) in errors
    assert (token.name, token.created_by, token.revision, token.rate_limit) == ("a client", "system", 1, None)


def test_create_token_takes_a_rate_limit(db):
    _create("a client", "--limit", "5", "--window", "60")
    assert ApiToken.objects.values_list("rate_limit", "rate_window_seconds").get() == (5, 60)


@pytest.mark.parametrize(
    "arguments",
    [
        [""],
        [" "],
        ["\u3000"],
        ["x" * 201],
        ["a\0b"],
        ["a", "--limit", "5"],
        ["a", "--window", "5"],
        ["a", "--limit", "0", "--window", "1"],
        ["a", "--limit", "101", "--window", "1"],
        ["a", "--limit", "99999999999", "--window", "1"],
        ["a", "--limit", "many", "--window", "1"],
        ["a", "--limit", "1.5", "--window", "1"],
        [],
        ["a", "b"],
    ],
)
def test_what_is_refused_saves_and_prints_nothing(db, arguments):
    output = io.StringIO()
    with pytest.raises(CommandError) as refused:
        call_command("create_token", *arguments, stdout=output, stderr=io.StringIO())
    assert str(refused.value).strip()
    assert output.getvalue() == ""
    assert not ApiToken.objects.exists()


def _from_a_shell(name: str, database_url: str) -> subprocess.CompletedProcess[str]:
    environment = {name: os.environ[name] for name in ("UDAPI_DATA_DIR", "PATH")}
    return subprocess.run(
        [sys.executable, "manage.py", "create_token", name],
        cwd=ROOT,
        env=environment | {"DATABASE_URL": database_url},
        capture_output=True,
        text=True,
    )


def test_create_token_works_in_a_shell(open_db, database_url):
    made = _from_a_shell("größe", database_url)
    assert made.returncode == 0, made.stderr
    assert token_of(made.stdout.strip()).id == ApiToken.objects.get(name="größe").pk
    assert made.stdout.strip() not in made.stderr
    refused = _from_a_shell(" ", database_url)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "Traceback" not in refused.stderr
    assert "name" in refused.stderr
