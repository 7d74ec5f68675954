"""The pages of credentials: above all, that no page, message, session or history ever contains a value."""

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.utils import timezone

from automation.credential_changes import save_credential
from automation.credentials import LARGEST_VALUE_BYTES, note_use
from automation.granted import granted
from automation.models import AutomationScript, Credential
from tests.automation.stored_credentials import VALUE, credential_keys_in_use, stored_credential
from tests.console.conftest import errors, filled_in, page, said, submit

MODEL, SCRIPT = "automation_credential", "automation_automationscript"
C_VIEW, C_EDIT, C_DELETE = (f"automation.credentials_{name}" for name in ("ui_available", "add_edit", "delete"))
S_VIEW = "automation.ui_available"
PEM = "-----BEGIN PRIVATE KEY-----\nbGluZSBvbmU\n\nbGluZSB0d28=\n-----END PRIVATE KEY-----\n"


@pytest.fixture
def script(make):
    return make.script(name="mails")


@pytest.fixture
def credential(script) -> Credential:
    return stored_credential(scripts=[script])


def value_for(script: AutomationScript, name: str = "smtp") -> str:
    return granted(str(script.pk))[name].value


def listed(client, **query) -> list[str]:
    return [row.name for row in client.get(page(MODEL, "changelist"), query).context["cl"].result_list]


def assert_nowhere(client, *answers, value: str = VALUE) -> None:
    """Neither the answers nor the pages, the sessions and the history have the value or a part of it."""
    pages = [page(MODEL, "changelist"), "/console/", page("events_informationevent", "changelist")]
    for found in Credential.objects.all():
        pages += [page(MODEL, kind, found.pk) for kind in ("view", "raw", "change", "history", "delete")]
    texts = [answer.content.decode() for answer in [*answers, *map(client.get, pages)]]
    texts += [str(dict(session.get_decoded())) for session in Session.objects.all()]
    texts += [entry.change_message + entry.object_repr for entry in LogEntry.objects.all()]
    texts.append(str(client.cookies))
    parts = [part for part in value.splitlines() if part.strip()]
    assert not [text for text in texts if any(part in text for part in parts)]


def test_a_credential_is_stored_and_its_value_shown_nowhere(admin, script):
    answer = submit(admin, page(MODEL, "add"), name="smtp", value=VALUE, allowed_scripts=[str(script.pk)])
    assert answer.status_code == 302
    assert value_for(script) == VALUE
    assert Credential.objects.get().created_by == "root"
    assert_nowhere(admin, answer, admin.get(answer["Location"]))


def test_a_private_key_keeps_its_lines(admin, script):
    sent = PEM.replace("\n", "\r\n")  # as a browser sends them
    assert (
        submit(admin, page(MODEL, "add"), name="smtp", value=sent, allowed_scripts=[str(script.pk)]).status_code == 302
    )
    assert value_for(script) == PEM
    assert_nowhere(admin, value=PEM)


def test_the_field_is_masked_and_no_browser_remembers_it(admin, credential):
    for address in (page(MODEL, "add"), page(MODEL, "change", credential.pk)):
        answer = admin.get(address, {"value": VALUE, "name": VALUE})
        assert VALUE not in answer.content.decode()
        (field,) = re.findall(r'<textarea name="value"[^>]*>[^<]*</textarea>', answer.content.decode())
        assert 'autocomplete="off"' in field
        assert 'spellcheck="false"' in field
        assert "ud-masked" in field
        assert field.endswith(">\n</textarea>")
        assert "no-store" in answer["Cache-Control"]
    assert "Leave empty to keep the current value." in answer.content.decode()


def test_an_empty_field_keeps_the_value_and_another_value_replaces_it(admin, script, credential):
    address = page(MODEL, "change", credential.pk)
    assert submit(admin, address, description="new").status_code == 302
    assert value_for(script) == VALUE
    assert submit(admin, address, value=" other\n").status_code == 302
    assert value_for(script) == " other\n"
    assert [entry.get_change_message() for entry in LogEntry.objects.all()[:1]] == ["Changed Value."]
    credential.refresh_from_db()
    assert (credential.description, credential.revision, credential.last_modified_by) == ("new", 3, "root")


@pytest.mark.parametrize(
    ("values", "field", "text"),
    [
        ({"name": ""}, "name", "This field is required"),
        ({"name": "n" * 201}, "name", "at most 200"),
        ({"name": "taken"}, "name", "Another credential has this name."),
        ({"description": "a\0b"}, "description", "Null characters"),
        ({"value": VALUE + "\0"}, "value", "Null characters"),
        ({"value": VALUE + "ä" * (LARGEST_VALUE_BYTES // 2)}, "value", "1 byte to 16 KB"),
        ({"value": ""}, "value", "This field is required"),
        ({"allowed_scripts": ["rubbish"]}, "allowed_scripts", "not a valid"),
    ],
)
def test_a_refused_form_says_why_and_shows_no_value(admin, values, field, text):
    stored_credential("taken", value="of another")
    answer = submit(admin, page(MODEL, "add"), **{"name": "smtp", "value": VALUE} | values)
    found = errors(answer)
    assert text in " ".join(found[field])
    # What was typed is lost, so the form insists on it.
    assert list(found) in ([field], [field, "value"])
    assert "value" in found
    assert "required" in re.findall(r'<textarea name="value"[^>]*>', answer.content.decode())[0]
    assert Credential.objects.count() == 1
    assert_nowhere(admin, answer)


def test_a_refusal_by_the_save_shows_no_value(admin, make, credential):
    library = make.script("X = 1\n", name="tools", kind="Library")
    address = page(MODEL, "change", credential.pk)
    answer = submit(admin, address, value="another long value", allowed_scripts=[str(library.pk)])
    assert "tools is a library" in answer.content.decode()
    assert "Enter the value again" in answer.content.decode()
    assert_nowhere(admin, answer, value="another long value")
    assert Credential.objects.get().revision == 1


def test_a_conflict_shows_what_differs_but_no_value(admin, script, credential):
    address = page(MODEL, "change", credential.pk)
    opened = filled_in(admin.get(address))
    stored = Credential.objects.get()
    stored.description = "theirs"
    save_credential(stored, "somebody")
    answer = admin.post(address, opened | {"description": "mine", "value": "another long value"})
    form = answer.context["adminform"].form
    assert {label: pair for label, *pair in form.conflict} == {
        "Description": ["theirs", "mine"],
        "Value": ["•••", "•••"],
    }
    assert "is still below. Only the value must be entered again." in answer.content.decode()
    assert "Enter the value again" in answer.content.decode()
    assert_nowhere(admin, answer, value="another long value")
    again = opened | {"description": "mine", "value": "another long value", "overwrite": str(stored.revision)}
    assert admin.post(address, again).status_code == 302
    assert value_for(script) == "another long value"


def test_without_a_key_the_form_says_so(admin, settings):
    settings.UDAPI_CREDENTIAL_KEYS = ()
    answer = submit(admin, page(MODEL, "add"), name="smtp", value=VALUE)
    assert "UDAPI_CREDENTIAL_KEYS is not set" in " ".join(errors(answer)["value"])
    assert VALUE not in answer.content.decode()


def test_an_unexpected_error_reports_no_value(admin, monkeypatch, caplog):
    def fail(*args):
        raise RuntimeError("unexpected")

    admin.raise_request_exception = False
    monkeypatch.setattr("console.credentials.pages.save_credential", fail)
    answer = submit(admin, page(MODEL, "add"), name="smtp", value=VALUE)
    assert answer.status_code == 500
    assert VALUE not in answer.content.decode()
    assert VALUE not in caplog.text
    assert VALUE not in str(caplog.records)


def test_the_page_says_who_may_read_it_and_when_it_was_read(admin, visit, script, credential):
    reading = page(MODEL, "view", credential.pk)
    assert "never" in admin.get(reading).content.decode()
    moment = timezone.now() - timedelta(hours=3, minutes=5)
    note_use([credential.pk], moment)
    for address in (reading, page(MODEL, "changelist")):
        content = admin.get(address).content.decode()
        assert f'title="{moment:%Y-%m-%d %H:%M:%S} UTC"' in content
        assert ">3 h ago</time>" in content
        assert f"/{script.pk}/" in content
    assert "Whoever may edit one of these scripts can read the value." in admin.get(reading).content.decode()
    content = visit(C_VIEW).get(reading).content.decode()
    assert "mails" in content
    assert f"/{script.pk}/" not in content


def test_who_may_not_view_scripts_keeps_the_grants(visit, script, credential):
    client = visit(C_VIEW, C_EDIT)
    address = page(MODEL, "change", credential.pk)
    opened = client.get(address)
    assert "mails" in opened.content.decode()
    assert client.get(page(MODEL, "add")).status_code == 200
    sent = filled_in(opened, description="new", allowed_scripts=[])
    assert client.post(address, sent).status_code == 302
    assert value_for(script) == VALUE


def test_a_list_is_searched_filtered_and_sorted(admin, make, credential):
    stored_credential("ftp", scripts=[make.script(name="files"), make.script(name="filing")])
    stored_credential("spare")
    note_use([credential.pk], timezone.now())
    assert listed(admin) == ["ftp", "smtp", "spare"]
    assert listed(admin, q="mt") == ["smtp"]
    assert listed(admin, script="fil") == ["ftp"]
    assert listed(admin, use="free") == ["spare"]
    assert listed(admin, use="used") == ["smtp"]
    assert listed(admin, author="nobody") == []
    assert listed(admin, o="-2")[0] == "ftp"
    for lookup in ("ciphertext__startswith", "key_fingerprint"):
        assert admin.get(page(MODEL, "changelist"), {lookup: "g"}).status_code in {302, 400}


def test_deleting_names_the_scripts_that_lose_it(admin, credential):
    spare = stored_credential("spare")
    asked = admin.get(page(MODEL, "delete", credential.pk)).content.decode()
    assert "<strong>smtp</strong>: these scripts lose it: mails" in asked
    chosen = {"action": "delete_selected", "_selected_action": [str(credential.pk), str(spare.pk)]}
    asked = admin.post(page(MODEL, "changelist"), chosen).content.decode()
    assert "<strong>smtp</strong>: these scripts lose it: mails" in asked
    assert "<strong>spare</strong>: no script reads it" in asked
    done = admin.post(page(MODEL, "changelist"), chosen | {"post": "yes"}, follow=True)
    assert "2 credentials deleted." in said(done)
    assert not Credential.objects.exists()


def test_a_script_names_its_credentials_to_who_may_see_them(admin, visit, script, credential):
    assert f"/credential/{credential.pk}/" in admin.get(page(SCRIPT, "credentials", script.pk)).content.decode()
    client = visit(S_VIEW, "automation.add_edit")
    assert client.get(page(SCRIPT, "credentials", script.pk)).status_code == 403
    for kind in ("change", "dependencies", "uses"):
        content = client.get(page(SCRIPT, kind, script.pk)).content.decode()
        assert "smtp" not in content
        assert page(SCRIPT, "credentials", script.pk) not in content


def test_the_menu_and_the_picker_are_for_who_may_use_them(visit, script, make):
    make.script("X = 1\n", name="tools", kind="Library")
    picker = "/console/automation/credential/pick-scripts/"
    answer = visit(C_VIEW, C_EDIT, S_VIEW).get(picker, {"q": "mai"})
    assert "mails" in answer.content.decode()
    assert "tools" not in visit(C_VIEW, C_EDIT, S_VIEW).get(picker).content.decode()
    for flags in ((C_VIEW, C_EDIT), (C_VIEW, S_VIEW), (C_EDIT, S_VIEW)):
        assert visit(*flags).get(picker).status_code == 403
    assert page(MODEL, "changelist") in visit(C_VIEW).get("/console/").content.decode()
    assert page(MODEL, "changelist") not in visit(S_VIEW).get("/console/").content.decode()


def test_the_overview_names_credentials_that_no_key_opens(admin, visit, credential):
    assert "no active key" not in admin.get("/console/").content.decode()
    with credential_keys_in_use(1):
        content = admin.get("/console/").content.decode()
        assert "Credentials that no active key opens" in content
        assert page(MODEL, "view", credential.pk) in content
        assert "no active key" not in visit(S_VIEW).get("/console/").content.decode()
        assert submit(admin, page(MODEL, "change", credential.pk), value="given again").status_code == 302
        assert "no active key" not in admin.get("/console/").content.decode()
