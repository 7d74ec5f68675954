"""The rules of credentials: names, values, grants; and what a script gets of them."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from automation.credential_changes import save_credential, scripts_named
from automation.credential_keys import CredentialKeyMissingError
from automation.credentials import Credential, CredentialGrant, note_use
from automation.granted import granted
from objects.changes import delete_checked, save_checked
from objects.managers import UnrecordedChangeError
from tests.automation.saved import change, library, save
from tests.automation.stored_credentials import VALUE, credential_keys_in_use, raw_rows, stored_credential
from tests.race import race, refusals
from tests.refusals import only_reason, reasons_of, refused


def test_a_script_gets_the_values_that_are_granted_to_it(db):
    sender, other = save("sender"), save("other")
    mail = stored_credential("smtp", VALUE, [sender])
    stored_credential("crm", "other-value", [sender.pk, other])
    assert {name: each.value for name, each in granted(str(sender.pk)).items()} == {"smtp": VALUE, "crm": "other-value"}
    assert granted(str(sender.pk))["smtp"].id == str(mail.pk)
    assert granted(str(other.pk)).keys() == {"crm"}


@pytest.mark.parametrize("name", ["", " ", "\u3000", "x" * 201, "a\0b", "\ud800"])
def test_invalid_names_are_refused(db, name):
    assert refused(stored_credential, name) == ("InvalidName", {})
    assert raw_rows() == []


@pytest.mark.parametrize("value", ["x", " ", "\n", "日" * 5_461 + "x", '{"key": "-----BEGIN"}\r\n', "${HOME} %s"])
def test_values_are_kept_as_they_are(db, value):
    script = save()
    stored_credential(value=value, scripts=[script])
    assert granted(str(script.pk))["smtp"].value == value


@pytest.mark.parametrize("value", ["", "x" * 16_385, "日" * 5_462, "a\0b", "\ud800"])
def test_invalid_values_are_refused(db, value):
    assert refused(stored_credential, value=value) == ("InvalidField", {"field": "value"})
    credential = stored_credential()
    before = raw_rows()
    credential.set_value(value)
    assert refused(save_checked, credential, "jane") == ("InvalidField", {"field": "value"})
    assert raw_rows() == before


def test_a_new_credential_needs_a_value_and_its_faults_come_together(db):
    with pytest.raises(ValidationError) as caught:
        save_checked(Credential(name="", description="\0"), by="jane")
    assert reasons_of(caught.value) == ["InvalidField", "InvalidField", "InvalidName"]


@pytest.mark.usefixtures("open_db")
def test_of_concurrent_credentials_with_one_name_only_one_is_saved():
    outcomes = race(*[stored_credential] * 3, meet_in=Credential)
    assert [only_reason(error) for error in refusals(outcomes)] == [("NameInUse", {})] * 2
    assert len(raw_rows()) == 1


def test_a_name_in_use_is_refused(db):
    stored_credential("smtp")
    assert refused(stored_credential, "smtp") == ("NameInUse", {})
    other = stored_credential("SMTP")
    other.name = "smtp"
    assert refused(save_checked, other, "jane") == ("NameInUse", {})


@pytest.mark.parametrize("broken", [{"name": " "}, {"ciphertext": ""}])
def test_the_database_keeps_the_rules_too(db, broken):
    credential = stored_credential()
    with pytest.raises(IntegrityError), transaction.atomic():
        Credential._base_manager.filter(pk=credential.pk).update(**broken)


def test_a_refused_save_changes_neither_value_nor_grants(db):
    script, later = save("script"), save("later")
    stored_credential("smtp", VALUE, [script])
    credential = Credential.objects.get(name="smtp")
    credential.set_value("another value")
    credential.name = ""
    assert refused(save_credential, credential, "jane", [later]) == ("InvalidName", {})
    assert granted(str(script.pk))["smtp"].value == VALUE
    assert granted(str(later.pk)) == {}


def test_grants_are_replaced_or_left_alone(db):
    one, two, three = (save(name) for name in ("one", "two", "three"))
    credential = stored_credential(scripts=[one, two])
    save_credential(credential, "john", [two, three])
    assert [granted(str(script.pk)).keys() for script in (one, two, three)] == [set(), {"smtp"}, {"smtp"}]
    credential.description = "of the mail server"
    save_credential(credential, "john")
    assert CredentialGrant.objects.count() == 2
    assert (credential.created_by, credential.last_modified_by, credential.revision) == ("jane", "john", 3)


def test_unknown_scripts_and_libraries_are_refused(db):
    script, tools = save("script"), library("tools")
    gone = save("gone")
    delete_checked(gone, "jane")
    assert refused(scripts_named, ["script", "nobody"]) == (
        "InvalidField",
        {"field": "allowedScripts", "script": "nobody"},
    )
    assert refused(scripts_named, ["a\0b\ud800"])[1] == {"field": "allowedScripts", "script": r"'a\x00b\ud800'"}
    assert scripts_named(["script"]) == {script.pk}
    assert refused(stored_credential, scripts=[script, gone]) == ("InvalidField", {"field": "allowedScripts"})
    assert refused(stored_credential, scripts=[tools])[1]["field"] == "allowedScripts"
    assert raw_rows() == []


def test_a_grant_follows_its_script_through_renaming_and_ends_with_it(db):
    script = save("before")
    credential = stored_credential(scripts=[script])
    renamed = change(script, name="after")
    assert granted(str(script.pk)).keys() == {"smtp"}
    assert list(credential.allowed_scripts.values_list("name", flat=True)) == ["after"]
    delete_checked(renamed, "jane")
    assert not CredentialGrant.objects.exists()
    credential.refresh_from_db()
    assert credential.revision == 1


def test_deleting_a_credential_ends_its_grants(db):
    script = save()
    delete_checked(stored_credential(scripts=[script]), "jane")
    assert granted(str(script.pk)) == {}
    assert not CredentialGrant.objects.exists()


def test_a_grant_is_added_only_where_it_leaves_an_event(db):
    credential = stored_credential()
    with pytest.raises(UnrecordedChangeError):
        credential.allowed_scripts.add(save())


def test_a_use_is_noted_without_a_change(db):
    credential, now = stored_credential(), timezone.now()
    note_use([credential.pk], now)
    note_use([credential.pk], now - timedelta(minutes=1))
    stored = Credential.objects.get(pk=credential.pk)
    assert (stored.last_used_at, stored.revision, stored.last_modified) == (now, 1, credential.last_modified)


def test_an_old_key_still_opens_and_a_missing_one_is_named(db):
    script = save()
    with credential_keys_in_use(1):
        stored_credential(scripts=[script])
    with credential_keys_in_use(2, 1):
        assert granted(str(script.pk))["smtp"].value == VALUE
    with credential_keys_in_use(2), pytest.raises(CredentialKeyMissingError, match="'smtp'"):
        granted(str(script.pk))
    with credential_keys_in_use():
        with pytest.raises(CredentialKeyMissingError, match="UDAPI_CREDENTIAL_KEYS"):
            granted(str(script.pk))
        with pytest.raises(CredentialKeyMissingError, match="UDAPI_CREDENTIAL_KEYS"):
            stored_credential("another")


def test_a_credential_read_before_a_rotation_does_not_undo_it(db):
    with credential_keys_in_use(1):
        stored_credential()
    seen = Credential.objects.get(name="smtp")
    row = Credential._base_manager.get(name="smtp")
    with credential_keys_in_use(2):
        row.set_value("new value")
        save_checked(row, "john")
    under_new_key = raw_rows()[0]["ciphertext"]
    seen.description = "changed meanwhile"
    save_checked(seen, "jane")
    assert raw_rows()[0]["ciphertext"] == under_new_key
    assert raw_rows()[0]["description"] == "changed meanwhile"
