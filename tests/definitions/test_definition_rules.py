"""The rules of a definition, each with its reason and details, in code and in the database."""

import re
import uuid

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from automation.models import AutomationScript
from definitions.changes import save_definition
from definitions.models import ActionType, AllowedToken, ApiDefinition, RoutePrefix
from objects.changes import save_checked
from testbed.publisher import Publisher
from tests.definitions.conftest import make_script
from tests.refusals import errors_of, reasons_of, refused


@pytest.mark.parametrize("name", ["", "a", "a b", " a ", "\u200b", "x" * 200, "日本", "😀", "a\nb"])
def test_names_that_are_accepted(publish_in_process, name):
    assert publish_in_process("a", name=name).name == name


@pytest.mark.parametrize("name", [" ", "\t\n", "\u00a0", "\u3000\u2003", "x" * 201, "a\0b", "a\ud800"])
def test_names_that_are_refused(db, publish_in_process, name):
    pk = uuid.uuid4()
    assert refused(publish_in_process, "a", name=name, pk=pk) == ("InvalidName", {"id": str(pk)})
    assert not ApiDefinition.objects.exists()


@pytest.mark.parametrize("description", ["a\0b", "\udfff"])
def test_a_description_that_cannot_be_stored_is_refused(publish_in_process, description):
    reason, details = refused(publish_in_process, "a", description=description)
    assert (reason, details["field"]) == ("InvalidField", "description")


def test_a_route_in_use_is_refused(publish_in_process):
    first = publish_in_process("Tickets/{id}")
    pk = uuid.uuid4()
    expected = {"id": str(pk), "conflictingDefinitionId": str(first.pk), "route": "tickets/{ticketId}"}
    assert refused(publish_in_process, "tickets/{ticketId}", pk=pk) == ("RouteInUse", expected)


def test_an_edit_to_a_route_in_use_is_refused(publish_in_process):
    first, second = publish_in_process("a"), publish_in_process("b")
    second.route = "A"
    expected = {"id": str(second.pk), "conflictingDefinitionId": str(first.pk), "route": "A"}
    assert refused(save_definition, second, "system") == ("RouteInUse", expected)
    second.refresh_from_db()
    assert (second.route, second.revision) == ("b", 1)


def test_a_percent_sign_in_an_invalid_route_is_reported(publish_in_process):
    pk = uuid.uuid4()
    assert refused(publish_in_process, "%(route)s", pk=pk) == ("InvalidRoute", {"id": str(pk), "route": "%(route)s"})


BOTH = "def on_api_trigger(engine, request): pass\ndef run(engine): pass\n"
TRIGGER_ONLY = "def on_api_trigger(engine, request): pass\n"
RUN_ONLY = "def run(engine): pass\n"


@pytest.mark.parametrize(
    ("source", "action_type", "input_type", "fits"),
    [
        (BOTH, "AutomationScript", "RawBody", True),
        (BOTH, "AutomationScript", "Parameters", True),
        (BOTH, "AutomationScriptNoEntryPoint", "", True),
        (TRIGGER_ONLY, "AutomationScript", "RawBody", True),
        (RUN_ONLY, "AutomationScriptNoEntryPoint", "", True),
        (TRIGGER_ONLY, "AutomationScriptNoEntryPoint", "", False),
        (RUN_ONLY, "AutomationScript", "RawBody", False),
        (BOTH, "AutomationScript", "", False),
        (BOTH, "AutomationScript", "rawbody", False),
        (BOTH, "AutomationScriptNoEntryPoint", "RawBody", False),
        (BOTH, "AutomationScriptNoEntryPoint", "Parameters", False),
    ],
)
def test_action_meta_must_fit_the_action_type(db, source, action_type, input_type, fits):
    definition = ApiDefinition(
        route="a", script=make_script(source=source), action_type=action_type, input_type=input_type
    )
    if fits:
        save_definition(definition, by="system")
        return
    reason, details = refused(save_definition, definition, by="system")
    assert (reason, details["id"]) == ("InvalidActionMeta", str(definition.pk))


def test_a_new_definition_has_these_defaults(publish_in_process):
    definition = publish_in_process("a")
    assert (definition.action_type, definition.input_type) == ("AutomationScript", "RawBody")
    assert (definition.name, definition.description, definition.allowed_tokens.count()) == ("", "", 0)
    assert (definition.keep_bodies, definition.max_concurrent) == ("Nothing", None)
    assert definition.content_types == ["application/json", "application/xml", "text/xml", "text/plain"]


@pytest.mark.parametrize("script_id", [None, uuid.uuid4()])
def test_a_missing_script_is_refused(db, script_id):
    definition = ApiDefinition(route="a", script_id=script_id)
    assert refused(save_definition, definition, by="system") == ("InvalidActionMeta", {"id": str(definition.pk)})


@pytest.mark.parametrize("action_type", ["", "automationscript", "Nonsense", "x" * 1_000])
def test_an_unknown_action_type_is_refused(publish_in_process, action_type):
    pk = uuid.uuid4()
    expected = {"id": str(pk), "field": "actionType"}
    assert refused(publish_in_process, "a", action_type=action_type, pk=pk) == ("InvalidField", expected)


@pytest.mark.parametrize(
    ("column", "value", "field"),
    [
        *(("keep_bodies", value, "keepBodies") for value in ("", "nothing", None, 1, "x" * 1_000)),
        *(("max_concurrent", value, "maxConcurrent") for value in (0, -1, 1_001, 2**40, "5", 1.5, True)),
    ],
)
def test_an_invalid_rule_for_runs_is_refused(publish_in_process, column, value, field):
    pk = uuid.uuid4()
    assert refused(publish_in_process, "a", pk=pk, **{column: value}) == (
        "InvalidField",
        {"id": str(pk), "field": field},
    )
    assert not ApiDefinition.objects.exists()


@pytest.mark.parametrize("most", [None, 1, 1_000])
def test_limits_of_runs_that_are_accepted(publish_in_process, most):
    assert publish_in_process("a", max_concurrent=most).max_concurrent == most


TYPES = [f"image/x-{number}" for number in range(51)]


@pytest.mark.parametrize(
    ("content_types", "stored"),
    [
        (["*/*"], ["*/*"]),
        (["IMAGE/Png", "text/xml"], ["image/png", "text/xml"]),
        (TYPES[:50], TYPES[:50]),
        (["application/vnd.api+json", "a!#$&'^_`|~%/b"], ["application/vnd.api+json", "a!#$&'^_`|~%/b"]),
        ([f"{'a' * 127}/{'b' * 127}"], [f"{'a' * 127}/{'b' * 127}"]),
    ],
)
def test_content_types_that_are_accepted(publish_in_process, content_types, stored):
    publish_in_process("a", content_types=content_types)
    assert ApiDefinition.objects.get().content_types == stored


@pytest.mark.parametrize(
    ("content_types", "rule"),
    [
        *((value, "accepts 1 to 50 content types") for value in (None, [], "text/plain", {"text/plain": 1}, 1, TYPES)),
        *(([value], "is not a content type") for value in (None, 1, "", "text", "text/", "/", "a/b/c", " text/xml")),
        *(([value], "is not a content type") for value in ("a/b; charset=utf-8", "text/*", "*/png", "*", "a/b\n")),
        *(([value], "is not a content type") for value in ("a/b\0", "a/\ud800", "ä/b", "%s/(%s)", "a" * 128 + "/b")),
        (["text/plain", "TEXT/plain"], "text/plain is listed twice"),
        *((value, "it stands alone") for value in (["*/*", "*/*"], ["text/plain", "*/*"], [" */*"])),
    ],
)
def test_content_types_that_are_refused(publish_in_process, content_types, rule):
    with pytest.raises(ValidationError, match=re.escape(rule)) as caught:
        publish_in_process("a", content_types=content_types)
    (error,) = errors_of(caught.value)
    assert (error.code, (error.params or {})["field"]) == ("InvalidField", "contentTypes")
    assert "".join(caught.value.messages).encode(), "it can be sent"
    assert not ApiDefinition.objects.exists()


def test_the_release_before_inserts_definitions_without_content_types(publish_in_process):
    definition = publish_in_process("a")
    fields = (field for field in ApiDefinition._meta.concrete_fields if field.name not in {"id", "content_types"})
    columns = ", ".join(str(field.column) for field in fields)
    new = uuid.uuid4()
    with connection.cursor() as cursor:
        copy = columns.replace("signature", "'/b'", 1)
        cursor.execute(
            f"INSERT INTO definitions_apidefinition (id, {columns}) SELECT %s, {copy} FROM definitions_apidefinition",  # noqa: S608
            [new.hex],
        )
    assert ApiDefinition.objects.get(pk=new).content_types == definition.content_types


def test_all_errors_are_reported_at_once(db):
    definition = ApiDefinition(name=" ", route="/", action_type=ActionType.AUTOMATION_SCRIPT)
    with pytest.raises(ValidationError) as caught:
        save_definition(definition, by="system")
    assert reasons_of(caught.value) == ["InvalidActionMeta", "InvalidName", "InvalidRoute"]
    assert {error.params["id"] for error in errors_of(caught.value) if error.params} == {str(definition.pk)}
    assert all(caught.value.messages)


def test_an_edit_of_the_script_may_take_the_entry_point_away(publish_in_process, script):
    definition = publish_in_process("a")
    script.source = RUN_ONLY
    save_checked(script, by="system")
    definition.name = "an edit that says nothing of the script"
    assert refused(save_definition, definition, by="system")[0] == "InvalidActionMeta"


def test_an_api_that_cannot_answer_can_be_disabled_and_not_enabled_again(publish_in_process, script):
    definition = publish_in_process("a")
    script.source = "def run(engine): pass\n"
    save_checked(script, "somebody")
    definition.is_disabled = True
    save_checked(definition, "somebody")
    assert ApiDefinition.objects.get().is_disabled
    definition.script_version = 7
    assert refused(save_checked, definition, "somebody")[0] == "InvalidActionMeta"
    definition.script_version, definition.is_disabled = None, False
    assert refused(save_checked, definition, "somebody")[0] == "InvalidActionMeta"


@pytest.mark.parametrize(
    "fields",
    [
        {"name": " \t"},
        {"route": ""},
        {"keep_bodies": "All"},
        {"max_concurrent": 0},
        {"max_concurrent": 1_001},
        {"objective_success_rate": 49.9},
        {"objective_success_rate": 100},
        {"objective_p95_milliseconds": 0},
    ],
)
def test_the_database_enforces_the_rules_of_columns(publish_in_process, fields):
    definition = publish_in_process("a")
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiDefinition._base_manager.filter(pk=definition.pk).update(**fields)


def test_the_database_refuses_equal_signatures(publish_in_process, script):
    publish_in_process("tickets/{id}")
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiDefinition(route="Tickets/{other}", script=script).save()
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiDefinition._base_manager.bulk_create([ApiDefinition(route="TICKETS/{x}", script=script)])
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiDefinition._base_manager.filter(pk=publish_in_process("b").pk).update(signature="/tickets/{}")


def test_the_database_allows_a_token_once(publish_in_process):
    token, _ = Publisher().token()
    definition = publish_in_process("a", allowed_tokens=[token])
    with pytest.raises(IntegrityError), transaction.atomic():
        AllowedToken.objects.create(definition=definition, token=token)


@pytest.mark.parametrize("table", ["automation_automationscript", "tokens_apitoken", "definitions_apidefinition"])
def test_the_database_refuses_to_delete_what_is_in_use(publish_in_process, table):
    """In raw SQL, which bypasses the product's code."""
    token, _ = Publisher().token()
    publish_in_process("a/{b}", allowed_tokens=[token])
    with connection.cursor() as cursor, pytest.raises(IntegrityError), transaction.atomic():
        _delete_all(cursor, table)


def _delete_all(cursor, table: str) -> None:
    cursor.execute(f"DELETE FROM {table}")  # noqa: S608  a table of ours
    connection.check_constraints()


def test_a_delete_removes_its_rows_and_leaves_token_and_script(publish_in_process, script):
    token, _ = Publisher().token()
    publish_in_process("a/{b}", allowed_tokens=[token]).delete()
    assert not AllowedToken.objects.exists()
    assert not RoutePrefix.objects.exists()
    token.refresh_from_db()
    assert AutomationScript.objects.filter(pk=script.pk).exists()
