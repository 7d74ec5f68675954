"""Moving credentials from one key to the next, and what the command says of it."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from automation import credential_rotation
from automation.credential_keys import fingerprints
from automation.credentials import Credential
from automation.granted import granted
from events.models import InformationEvent
from tests.automation.saved import save
from tests.automation.stored_credentials import VALUE, credential_keys_in_use, raw_rows, stored_credential


def _report(*arguments: str) -> list[str]:
    output = io.StringIO()
    try:
        call_command("credential_keys", *arguments, stdout=output)
    except CommandError as error:
        output.write(f"{error}\n")
    return [line.replace(name, f"<{key}>") for line in output.getvalue().splitlines() for key, name in _named(line)]


def _named(line: str) -> list[tuple[int, str]]:
    """The key that the line is about and its fingerprint."""
    names = []
    for key in (1, 2, 3):
        with credential_keys_in_use(key):
            names.append((key, fingerprints()[0]))
    return [each for each in names if each[1] in line] or [(0, "no key")]


def test_old_credentials_move_to_the_new_key_without_a_change(db):
    script = save()
    with credential_keys_in_use(1):
        for name in ("smtp", "crm", "ftp"):
            stored_credential(name, f"{VALUE} of {name}", [script])
        assert _report() == ["key 1 (<1>): 3 credential(s), current"]
    before = [{**row, "ciphertext": "", "key_fingerprint": ""} for row in raw_rows()]
    with credential_keys_in_use(2, 1):
        assert _report() == [
            "key 1 (<2>): 0 credential(s), current",
            "key 2 (<1>): 3 credential(s), old: move them with --rotate",
        ]
        rotated = ["key 1 (<2>): 3 credential(s), current", "key 2 (<1>): 0 credential(s), old: can be removed"]
        assert _report("--rotate") == rotated
        kept = [row["ciphertext"] for row in raw_rows()]
        assert _report("--rotate") == rotated
        assert [row["ciphertext"] for row in raw_rows()] == kept
    with credential_keys_in_use(2):
        assert {name: each.value for name, each in granted(str(script.pk)).items()} == {
            name: f"{VALUE} of {name}" for name in ("smtp", "crm", "ftp")
        }
    assert [{**row, "ciphertext": "", "key_fingerprint": ""} for row in raw_rows()] == before
    assert InformationEvent.objects.filter(object_type="Credential").count() == 3


def test_it_goes_in_steps_and_locks_few_rows_at_once(db, monkeypatch):
    monkeypatch.setattr(credential_rotation, "STEP", 2)
    with credential_keys_in_use(1):
        for number in range(5):
            stored_credential(f"credential {number}")
    with credential_keys_in_use(2, 1), CaptureQueriesContext(connection) as queries:
        assert credential_rotation.rotate() == []
    steps = [query for query in queries if query["sql"].startswith("SAVEPOINT")]
    assert len(steps) == 4
    with credential_keys_in_use(2):
        assert credential_rotation.counts() == {fingerprints()[0]: 5}


def test_the_command_fails_when_a_key_in_use_is_missing(db):
    with credential_keys_in_use(1):
        stored_credential()
    with credential_keys_in_use(2):
        for arguments in ([], ["--rotate"]):
            assert _report(*arguments) == [
                "key 1 (<2>): 0 credential(s), current",
                "key (<1>): 1 credential(s), NOT ACTIVE: scripts cannot read them",
                "Restore the missing keys, or give these credentials their values again.",
            ]
    with credential_keys_in_use():
        assert _report()[0] == "key (<1>): 1 credential(s), NOT ACTIVE: scripts cannot read them"


def test_a_damaged_credential_is_named_and_the_others_move(db):
    with credential_keys_in_use(1):
        damaged, _ = stored_credential("damaged"), stored_credential("smtp")
        Credential._base_manager.filter(pk=damaged.pk).update(ciphertext="gAAAAA")
    with credential_keys_in_use(2, 1):
        assert _report("--rotate") == [
            "key 1 (<2>): 1 credential(s), current",
            "key 2 (<1>): 1 credential(s), old: move them with --rotate",
            "No active key opens: damaged. Give them their values again.",
        ]


def test_without_a_key_the_command_fails(db):
    with credential_keys_in_use(), pytest.raises(CommandError, match="UDAPI_CREDENTIAL_KEYS is not set"):
        call_command("credential_keys")
