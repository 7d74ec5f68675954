"""The rules of a script with their reasons and details, in code and in the database."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from automation.models import AutomationScript
from objects.changes import delete_checked, save_checked
from tests.race import race, refusals
from tests.refusals import only_reason, reasons_of, refused

RUN = "def run(engine): pass\n"


def _script(**fields) -> AutomationScript:
    return AutomationScript(**{"name": "a script", "source": RUN} | fields)


def _save(**fields) -> AutomationScript:
    return save_checked(_script(**fields), by="system")


@pytest.mark.parametrize("name", ["a", "a b/c", " a", "x" * 200, "日本", "{id}"])
def test_valid_names_are_accepted(db, name):
    assert _save(name=name).name == name


@pytest.mark.parametrize("name", ["", " ", "\t\n", "\u00a0", "\u3000", "x" * 201, "a\0b", "\ud800"])
def test_invalid_names_are_refused(db, name):
    assert refused(_save, name=name) == ("InvalidName", {})
    assert not AutomationScript.objects.exists()


def test_a_name_in_use_is_refused(db):
    _save(name="one")
    assert refused(_save, name="one") == ("NameInUse", {})
    _save(name="One")
    other = _save(name="two")
    other.name = "one"
    assert refused(save_checked, other, "system") == ("NameInUse", {})
    other.name = "two"
    save_checked(other, "system")


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("x = 1\ny = = 2\n", 2),
        ("\n\nreturn 1", 3),
        ("x = 1\0", None),
        ("", None),
        ("x = 1\n", None),
        ("# %(x)s %d", None),
    ],
)
def test_an_invalid_source_is_refused_with_its_line(db, source, line):
    with pytest.raises(ValidationError) as caught:
        _save(source=source)
    reason, details = only_reason(caught.value)
    assert reason == "InvalidScript"
    assert set(details) == {"line", "message"}
    assert details["line"] == line
    (sentence,) = caught.value.messages
    assert details["message"] in sentence
    assert (f"Line {line}:" in sentence) == (line is not None)


@pytest.mark.parametrize(
    ("source", "flags"),
    [
        (RUN, (False, True)),
        ("def on_api_trigger(engine, request): pass", (True, False)),
        (RUN + "def on_api_trigger(engine, request): pass", (True, True)),
    ],
)
def test_the_entry_points_are_stored_with_the_script(db, source, flags):
    script = _save(source=source)
    assert AutomationScript.objects.values_list("has_api_trigger", "has_run").get() == flags
    script.source = "from mine import on_api_trigger, run"
    save_checked(script, by="system")
    assert len(script.entry_points()) == 2
    assert AutomationScript.objects.values_list("has_api_trigger", "has_run").get() == (True, True)


def test_a_source_is_stored_unchanged(db):
    source = "\r\n\t# 😀 é e\u0301 \u2028\r\n" + RUN + "   \n\n"
    _save(source=source)
    assert AutomationScript.objects.get().source == source


@pytest.mark.parametrize("parameters", [[], ["a"], ["a", "A", "a b", " a", "日本", "x" * 300]])
def test_valid_parameters_are_accepted(db, parameters):
    _save(parameters=parameters)
    assert AutomationScript.objects.get().parameters == parameters


@pytest.mark.parametrize(
    "parameters",
    [None, "a", {"a": 1}, 5, ("a",), [""], [" "], ["\u3000"], ["a", "a"], [1], [None], [["a"]], ["a\0"], ["\ud800"]],
    ids=repr,
)
def test_invalid_parameters_are_refused(db, parameters):
    assert refused(_save, parameters=parameters) == ("InvalidField", {"field": "parameters"})
    assert not AutomationScript.objects.exists()


@pytest.mark.parametrize("seconds", [1, 60, 86_400])
def test_valid_timeouts_are_accepted(db, seconds):
    _save(timeout_seconds=seconds)
    assert AutomationScript.objects.get().timeout_seconds == seconds


@pytest.mark.parametrize("seconds", [0, -1, 86_401, 2**40, 10**30, None, "many", 1.5])
def test_invalid_timeouts_are_refused(db, seconds):
    assert refused(_save, timeout_seconds=seconds) == ("InvalidField", {"field": "timeoutSeconds"})


@pytest.mark.parametrize("megabytes", [64, 512, 65_536])
def test_valid_memory_limits_are_accepted(db, megabytes):
    _save(memory_limit_mb=megabytes)
    assert AutomationScript.objects.get().memory_limit_mb == megabytes


@pytest.mark.parametrize("megabytes", [0, 63, 65_537, -512, 2**40, 10**30, None, "much", 64.5])
def test_invalid_memory_limits_are_refused(db, megabytes):
    assert refused(_save, memory_limit_mb=megabytes) == ("InvalidField", {"field": "memoryLimitMb"})


@pytest.mark.parametrize("reuse", ["", "Warm", "cold", "fresh ", None, 1, "x" * 1_000])
def test_an_unknown_reuse_is_refused(db, reuse):
    _save(name="other", reuse="fresh")
    assert refused(_save, reuse=reuse) == ("InvalidField", {"field": "reuse"})


@pytest.mark.parametrize("description", ["a\0b", "\ud800"])
def test_a_description_that_cannot_be_stored_is_refused(db, description):
    assert refused(_save, description=description) == ("InvalidField", {"field": "description"})


def test_a_new_script_has_the_defaults(db):
    script = _save()
    assert (script.description, script.parameters, script.timeout_seconds) == ("", [], 60)
    assert (script.memory_limit_mb, script.reuse) == (512, "warm")


def test_all_broken_rules_are_reported_together(db):
    with pytest.raises(ValidationError) as caught:
        _save(name=" ", source="(", parameters=None, timeout_seconds=0, description="\0")
    assert reasons_of(caught.value) == ["InvalidField", "InvalidField", "InvalidField", "InvalidName", "InvalidScript"]


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": " \t"},
        {"timeout_seconds": 0},
        {"timeout_seconds": 86_401},
        {"memory_limit_mb": 63},
        {"memory_limit_mb": 65_537},
        {"reuse": "cold"},
    ],
)
def test_the_database_enforces_the_rules_of_scripts(db, fields):
    script = _save()
    with pytest.raises(IntegrityError), transaction.atomic():
        AutomationScript._base_manager.filter(pk=script.pk).update(**fields)
    with pytest.raises(IntegrityError), transaction.atomic():
        AutomationScript._base_manager.bulk_create([_script(**{"name": "another"} | fields)])


def test_the_database_enforces_unique_script_names(db):
    _save()
    with pytest.raises(IntegrityError), transaction.atomic():
        _script().save()


def test_a_script_that_nothing_uses_is_deleted(db):
    delete_checked(_save(), by="system")
    assert not AutomationScript.objects.exists()


@pytest.mark.usefixtures("open_db")
def test_of_concurrent_scripts_with_one_name_only_one_is_saved():
    outcomes = race(*[_save] * 4, meet_in=AutomationScript)
    assert [only_reason(error) for error in refusals(outcomes)] == [("NameInUse", {})] * 3
    assert AutomationScript.objects.count() == 1
