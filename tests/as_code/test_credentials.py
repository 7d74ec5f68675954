"""Credentials as code: names and grants are in the files, values only in a private file beside them."""

import json
import logging
from pathlib import Path

import pytest

from automation.credentials import LARGEST_VALUE_BYTES
from automation.granted import granted
from automation.models import AutomationScript, Credential
from events.models import InformationEvent
from testbed.publisher import Publisher
from tests.as_code.conftest import add_library, export, import_apis, refused, run, state
from tests.automation.stored_credentials import VALUE, credential_keys_in_use, stored_credential

pytestmark = pytest.mark.django_db

ONE = """\
scripts:
  - name: status
    source: status.py
credentials:
  - name: smtp
    description: the mail server
    allowedScripts: [status]
"""


@pytest.fixture
def values(tmp_path):
    """Writes a file for `--secrets-from`: `values(smtp="…")`, or any text."""

    def write(text: str = "", mode: int = 0o600, **by_name: str) -> Path:
        file = Path(tmp_path / "values.json")
        file.write_text(text or json.dumps(by_name))
        file.chmod(mode)
        return file

    return write


def value_of(name: str = "smtp", script: str = "status") -> str:
    return granted(str(AutomationScript.objects.get(name=script).pk))[name].value


def test_a_new_credential_gets_its_value_from_the_private_file(files, values, caplog):
    with caplog.at_level(logging.DEBUG):
        printed = import_apis(files(ONE), "--secrets-from", values(smtp=VALUE))
    assert "credentials: 1 added, 0 changed" in printed
    assert value_of() == VALUE
    credential = Credential.objects.get()
    assert (credential.description, credential.created_by) == ("the mail server", "system")
    told = str([event.properties for event in InformationEvent.objects.all()])
    assert VALUE not in printed + caplog.text + told


def test_a_second_import_changes_nothing_and_another_value_only_its_credential(files, values):
    import_apis(files(ONE), "--secrets-from", values(smtp=VALUE))
    before = state()
    import_apis(files(ONE), "--secrets-from", values(smtp=VALUE))
    import_apis(files(ONE))
    assert state() == before
    assert value_of() == VALUE
    assert "credentials: 0 added, 1 changed" in import_apis(files(ONE), "--secrets-from", values(smtp="another"))
    assert value_of() == "another"
    assert Credential.objects.get().revision == 2


def test_a_value_that_no_key_opens_is_replaced(files, values):
    import_apis(files(ONE), "--secrets-from", values(smtp=VALUE))
    with credential_keys_in_use(1):
        assert "1 changed" in import_apis(files(ONE), "--secrets-from", values(smtp=VALUE))
        assert value_of() == VALUE


def test_a_new_credential_without_a_value_is_a_fault_at_its_line(files, values):
    for arguments in ((), ("--secrets-from", values())):
        message = refused(files(ONE), *arguments)
        assert "apis.yaml:5: credential 'smtp' is new, so it needs a value: put it into the file" in message


def test_a_dry_run_shows_grants_and_that_a_value_changes(files, values):
    before = state()
    lines = import_apis(files(ONE), "--dry-run", "--secrets-from", values(smtp=VALUE)).splitlines()
    assert {"+++ credential smtp", "+- status", "+value: the one in the file"} <= {
        line.replace("  ", "") for line in lines
    }
    assert state() == before
    import_apis(files(ONE), "--secrets-from", values(smtp=VALUE))
    other = ONE.replace("[status]", "[]")
    printed = import_apis(files(other), "--dry-run", "--secrets-from", values(smtp="another one"))
    assert "-allowedScripts:" in printed
    assert "+value: the one in the file" in printed
    assert VALUE not in printed
    assert "another one" not in printed
    assert "value:" not in import_apis(files(other), "--dry-run")


@pytest.mark.parametrize(
    ("text", "mode", "why"),
    [
        ('{"smtp": "VALUE"}', 0o640, "can be read or changed by other users"),
        ('{"smtp": "VALUE"}', 0o604, "can be read or changed by other users"),
        ('{"smtp": "VALUE"', 0o600, "is not valid JSON (line 1)"),
        ('{"smtp":\n "VALUE\n"}', 0o600, "is not valid JSON (line 2)"),
        ('["VALUE"]', 0o600, "must be a JSON object"),
        ('{"smtp": ["VALUE"]}', 0o600, "must be a JSON object"),
        ('{"smtp": "VALUE", "smtp": "VALUE 2"}', 0o600, "has a name twice"),
        ("[" * 100_000, 0o600, "values.json"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_without_its_content(files, values, text, mode, why):
    message = refused(files(ONE), "--secrets-from", values(text, mode))
    assert why in message
    assert "VALUE" not in message


def test_what_is_no_private_file_is_refused(files, tmp_path):
    for path in (tmp_path, tmp_path / "nothing", "/dev/null"):
        assert "Nothing was changed" in refused(files(ONE), "--secrets-from", path)


@pytest.mark.parametrize(
    ("value", "why"), [("", "A value has 1 byte to 16 KB"), (VALUE + "x" * LARGEST_VALUE_BYTES, "A value has 1 byte")]
)
def test_the_rules_of_a_value_are_faults_without_it(files, values, value, why):
    message = refused(files(ONE), "--secrets-from", values(smtp=value))
    assert f"apis.yaml:5: credential 'smtp': {why}" in message
    assert VALUE not in message


def test_a_value_for_no_credential_of_the_files_is_a_fault(files, values):
    message = refused(files(ONE), "--secrets-from", values(smtp=VALUE, smpt=VALUE))
    assert "values.json:1: no credential in the files has the name 'smpt'" in message
    assert VALUE not in message


def test_a_grant_needs_a_script_that_is_no_library(files, values):
    add_library("tools", "x = 1\n")
    message = refused(files(ONE.replace("[status]", "[status, statsu, tools]")), "--secrets-from", values(smtp=VALUE))
    assert "apis.yaml:7: unknown script 'statsu'" in message
    message = refused(files(ONE.replace("[status]", "[tools]")), "--secrets-from", values(smtp=VALUE))
    assert "apis.yaml:7: credential 'smtp': tools is a library" in message


def test_faults_of_a_script_and_of_its_credential_are_listed_together(files, values):
    broken = files(ONE, **{"status.py": "def"})
    message = refused(broken, "--secrets-from", values(smtp="\0"))
    assert "status.py:1" in message
    assert "apis.yaml:5: credential 'smtp': A value has 1 byte" in message


def test_names_can_be_exchanged(files, values, tmp_path):
    one, other = stored_credential("one", "value of one"), stored_credential("other", "value of other")
    swapped = f"credentials:\n  - {{id: {one.pk}, name: other}}\n  - {{id: {other.pk}, name: one}}\n"
    import_apis(files(swapped))
    assert dict(Credential.objects.values_list("pk", "name")) == {one.pk: "other", other.pk: "one"}


def test_prune_deletes_credentials_and_leaves_other_kinds_alone(files):
    stored_credential("smtp", scripts=[Publisher().script(name="kept")])
    import_apis(files("tokens: []\n"), "--prune")
    assert Credential.objects.exists()
    printed = import_apis(files("credentials: []\n"), "--prune", "--dry-run")
    assert "--- credential smtp" in printed
    import_apis(files("credentials: []\n"), "--prune")
    assert not Credential.objects.exists()
    assert AutomationScript.objects.exists()


def test_an_export_has_no_value_and_nothing_of_how_it_is_stored(tmp_path):
    stored_credential("smtp", scripts=[Publisher().script(name="status")])
    exported = "".join(export(tmp_path, "--with-digests").values())
    assert "allowedScripts" in exported
    row = Credential._base_manager.values().get()
    for part in (VALUE, VALUE[:12], row["ciphertext"], row["key_fingerprint"]):
        assert part not in exported


def test_the_help_says_where_values_come_from(capsys):
    with pytest.raises(SystemExit):
        run("import_apis", "--help")
    assert "--secrets-from FILE" in capsys.readouterr().out
