"""The pages of API definitions."""

import pytest
from django.contrib.admin.models import LogEntry
from django.utils.html import strip_tags

from console.definitions import pages as definitions
from definitions.changes import save_definition
from definitions.models import ActionType, ApiDefinition, InputType
from tests.console.conftest import errors, filled_in, page, said, submit

MODEL = "definitions_apidefinition"
RUN = "def run(engine):\n    pass\n"


@pytest.fixture
def new(make, admin):
    """Sends the form of a new definition, valid but for what the test says."""

    def new(client=admin, **values):
        script = make.script()
        return submit(client, page(MODEL, "add"), **{"route": "a/b", "script": script.pk} | values)

    return new


def test_a_definition_is_made_in_the_name_of_the_user(new, make):
    token, _ = make.token()
    response = new(name="A", description="text", route="Encoders/{id}", allowed_tokens=[token.pk])
    assert response.status_code == 302
    made = ApiDefinition.objects.get()
    assert (made.name, made.description, made.route, made.input_type) == ("A", "text", "Encoders/{id}", "RawBody")
    assert (made.created_by, made.last_modified_by, made.revision) == ("root", "root", 1)
    assert list(made.allowed_tokens.all()) == [token]
    assert LogEntry.objects.get().object_id == str(made.pk)


def test_without_entry_point_no_input_type_is_asked_for(new, make):
    script = make.script(RUN)
    response = new(action_type=ActionType.NO_ENTRY_POINT, script=script.pk, input_type=InputType.PARAMETERS)
    assert response.status_code == 302
    assert ApiDefinition.objects.get().input_type == ""


def test_without_entry_point_the_input_type_may_be_left_out(admin, make):
    values = {"route": "a", "action_type": ActionType.NO_ENTRY_POINT, "script": make.script(RUN).pk}
    assert admin.post(page(MODEL, "add"), values).status_code == 302
    assert ApiDefinition.objects.get().input_type == ""


@pytest.mark.parametrize(
    ("values", "field", "text"),
    [
        ({"route": ""}, "route", "This field is required"),
        ({"route": "a//b"}, "route", "empty segment"),
        ({"route": "a%b"}, "route", "white space"),
        ({"route": "x" * 251}, "route", "at most 249"),
        ({"name": "n" * 201}, "name", "at most 200"),
        ({"script": ""}, "script", "This field is required"),
        ({"action_type": ActionType.NO_ENTRY_POINT}, "script", "no function run"),
        ({"action_type": "Bogus"}, "action_type", "Bogus"),
        ({"content_types": "text/xml\r\ntext/*"}, "content_types", "text/* is not a content type"),
        ({"content_types": " \r\n"}, "content_types", "accepts 1 to 50 content types"),
        ({"keep_bodies": "Bogus"}, "keep_bodies", "Bogus"),
        ({"max_concurrent": "0"}, "max_concurrent", "from 1 to 1000"),
        ({"max_concurrent": "1001"}, "max_concurrent", "from 1 to 1000"),
        ({"max_concurrent": "many"}, "max_concurrent", "whole number"),
        ({"objective_success_rate": "100"}, "objective_success_rate", "from 50 to 99.999 percent"),
        ({"objective_success_rate": "nan"}, "objective_success_rate", "number"),
        ({"objective_p95_milliseconds": "0"}, "objective_p95_milliseconds", "120000 milliseconds"),
        ({"input_type": "Bogus"}, "input_type", "Bogus"),
        ({"allowed_tokens": ["3f0c1f5e-7a2c-4b60-9d6a-0a5e5a3c2b11"]}, "allowed_tokens", "3f0c1f5e"),
    ],
)
def test_a_refused_definition_says_why(new, values, field, text):
    shown = errors(new(**values))
    assert list(shown) == [field]
    assert text in " ".join(shown[field])
    assert not ApiDefinition.objects.exists()


def test_a_route_in_use_names_the_other_definition(new, make):
    other = make(route="ticket/{id}").definition
    assert str(other.pk) in errors(new(route="Ticket/{ticketId}"))["route"][0]


def test_a_change_keeps_what_it_does_not_touch(admin, make):
    api = make(input_type=InputType.PARAMETERS)
    assert submit(admin, page(MODEL, "change", api.definition.pk), name="renamed").status_code == 302
    api.definition.refresh_from_db()
    assert (api.definition.name, api.definition.input_type) == ("renamed", "Parameters")
    assert (api.definition.created_by, api.definition.last_modified_by) == ("system", "root")
    assert list(api.definition.allowed_tokens.all()) == [api.token]
    assert LogEntry.objects.get().get_change_message() == "Changed Name."


@pytest.mark.parametrize(
    ("typed", "stored", "shown"),
    [
        ({}, ["application/json", "application/xml", "text/xml", "text/plain"], "application/json"),
        ({"content_types": "image/PNG \r\n\r\n text/csv"}, ["image/png", "text/csv"], "image/png"),
        ({"content_types_kind": "any", "content_types": "image/png"}, ["*/*"], "Any type"),
    ],
)
def test_content_types_are_one_per_line_or_any(new, admin, typed, stored, shown):
    assert new(**typed).status_code == 302
    made = ApiDefinition.objects.get()
    assert made.content_types == stored
    rows = admin.get(page(MODEL, "settings", made.pk)).context["rows"]
    assert shown in {str(label): strip_tags(value) for label, value, *_ in rows}["Accepted content types"]
    form = admin.get(page(MODEL, "change", made.pk))
    assert form.context["adminform"].form["content_types"].value() == "\n".join(stored)
    assert ('value="any" checked' in form.content.decode()) is (stored == ["*/*"])
    # As from a page that was opened before the upgrade, where nothing says what is accepted.
    without = {name: value for name, value in filled_in(form).items() if name != "content_types"}
    assert admin.post(page(MODEL, "change", made.pk), without | {"name": "renamed"}).status_code == 302
    made.refresh_from_db()
    assert (made.name, made.content_types) == ("renamed", stored)
    assert LogEntry.objects.latest("action_time").get_change_message() == "Changed Name."


def test_what_is_kept_and_how_many_run_at_once_is_set_shown_filtered_and_reset(new, admin, make):
    assert new(keep_bodies="Failures", max_concurrent="5").status_code == 302
    made = ApiDefinition.objects.get()
    assert (made.keep_bodies, made.max_concurrent) == ("Failures", 5)
    plain = make().definition
    form = admin.get(page(MODEL, "change", made.pk)).content.decode()
    assert "other bodies are kept as they are" in form
    assert "error 2008" in form
    assert _rows(admin, made) == ["Failed runs", "5"]
    assert _rows(admin, plain) == ["No runs", "no limit"]
    for kept, found in (("Failures", [made]), ("Nothing", [plain]), ("Everything", [])):
        listed = admin.get(page(MODEL, "changelist"), {"keeps": kept})
        assert list(listed.context["cl"].result_list) == found
    assert submit(admin, page(MODEL, "change", made.pk), keep_bodies="Nothing", max_concurrent="").status_code == 302
    made.refresh_from_db()
    assert (made.keep_bodies, made.max_concurrent) == ("Nothing", None)


def _rows(client, definition) -> list[str]:
    """What the readable page says of runs."""
    rows = client.get(page(MODEL, "settings", definition.pk)).context["rows"]
    said = {str(label): strip_tags(value) for label, value, *_ in rows}
    return [said["Keep request and response of"], said["Most runs at once"]]


def test_tokens_can_be_taken_away(admin, make):
    api = make()
    assert submit(admin, page(MODEL, "change", api.definition.pk), allowed_tokens=[]).status_code == 302
    assert not api.definition.allowed_tokens.exists()


def test_a_race_for_the_route_is_an_error_on_the_form(new, make, monkeypatch):
    def save_late(definition, by, allowed_tokens):
        make(route="a/{x}")
        return save_definition(definition, by, allowed_tokens)

    monkeypatch.setattr(definitions, "save_definition", save_late)
    response = new(route="a/{y}")
    # What the other writer did in this very transaction is rolled back with it.
    assert "matches the same paths" in errors(response)["route"][0]


def test_a_clash_that_only_the_database_sees_is_an_error_on_the_form(new, make, monkeypatch):
    make(route="a/{x}")
    rules, passed = ApiDefinition.clean, iter([True, True])
    # The form's check and the one before the save see nothing of it.
    monkeypatch.setattr(ApiDefinition, "clean", lambda self: next(passed, False) or rules(self))
    assert "matches the same paths" in errors(new(route="a/{y}"))["route"][0]
    assert ApiDefinition.objects.count() == 1


def test_a_race_for_a_token_is_an_error_on_the_form(new, make, monkeypatch):
    token, _ = make.token()

    def save_late(definition, by, allowed_tokens):
        token.delete()
        return save_definition(definition, by, allowed_tokens)

    monkeypatch.setattr(definitions, "save_definition", save_late)
    assert "does not exist" in str(errors(new(allowed_tokens=[token.pk])))
    assert not ApiDefinition.objects.exists()


def test_an_outdated_form_does_not_undo_another_change(admin, make):
    api = make()
    address = page(MODEL, "change", api.definition.pk)
    opened = admin.get(address)
    api.definition.name = "newer"
    save_definition(api.definition, by="somebody")
    shown = errors(admin.post(address, filled_in(opened, name="older")))
    assert "somebody has changed it" in shown["__all__"][0]
    api.definition.refresh_from_db()
    assert api.definition.name == "newer"


def test_who_may_not_view_tokens_neither_sees_nor_changes_them(visit, make):
    api = make()
    client = visit("definitions.ui_available", "definitions.add_edit", "automation.execute", "automation.ui_available")
    address = page(MODEL, "change", api.definition.pk)
    content = client.get(address).content.decode()
    assert str(api.token.pk) in content
    assert api.token.name not in content
    other, _ = make.token()
    assert submit(client, address, name="renamed", allowed_tokens=[other.pk]).status_code == 302
    api.definition.refresh_from_db()
    assert api.definition.name == "renamed"
    assert list(api.definition.allowed_tokens.all()) == [api.token]


def test_who_may_not_view_scripts_names_one(visit, new, make):
    script = make.script(name="by name")
    client = visit("definitions.ui_available", "definitions.add_edit", "automation.execute")
    assert "script" in errors(new(client, script="unknown"))
    assert new(client, script="by name").status_code == 302
    made = ApiDefinition.objects.get()
    assert made.script == script
    assert submit(client, page(MODEL, "change", made.pk), name="x").status_code == 302
    assert LogEntry.objects.latest("action_time").get_change_message() == "Changed Name."


def test_a_definition_is_deleted(admin, make):
    api = make(route="dynamic/{id}")
    response = admin.post(page(MODEL, "delete", api.definition.pk), {"post": "yes"}, follow=True)
    assert "was deleted successfully" in said(response)
    assert not ApiDefinition.objects.exists()


@pytest.mark.parametrize("term", ["needle", "tests/needle"])
def test_the_list_finds_by_route_and_name(admin, make, term):
    make(route="tests/needle")
    make(route="tests/hay")
    found = admin.get(page(MODEL, "changelist"), {"q": term}).context["cl"].result_list
    assert [one.route for one in found] == ["tests/needle"]


def test_publishing_a_script_starts_with_a_free_route_and_its_entry_point(admin, make, visit):
    script = make.script("def run(engine):\n    pass\n", name="Nightly report: Köln #2")
    address = f"{page(MODEL, 'add')}?script={script.pk}"
    form = admin.get(address).context["adminform"].form
    assert form["route"].value() == "nightly-report-köln-2"
    assert form["action_type"].value() == ActionType.NO_ENTRY_POINT
    make(route="nightly-report-köln-2")
    assert admin.get(address).context["adminform"].form["route"].value() == "nightly-report-köln-2-2"
    assert submit(admin, address).status_code == 302
    made = ApiDefinition.objects.get(route="nightly-report-köln-2-2")
    assert made.script == script
    # Whoever may not view scripts learns nothing of them.
    client = visit("definitions.ui_available", "definitions.add_edit", "automation.execute")
    assert not client.get(address).context["adminform"].form["route"].value()
    assert admin.get(f"{page(MODEL, 'add')}?script=rubbish").status_code == 200
