"""Writers of scripts, libraries and pins at the same moment: one of them is refused, and nothing is lost."""

from functools import partial
from typing import Any

import pytest

from automation.models import AutomationScript
from automation.versions import LibraryUse, ScriptVersion
from definitions.changes import save_definition
from definitions.models import ApiDefinition
from objects.changes import delete_checked, save_checked
from tests.automation.saved import RUN, activate, change, current, library, numbers, save, uses
from tests.race import race, refusals
from tests.refusals import only_reason

TRIGGER = "def on_api_trigger(engine, request): pass\n"
ROUNDS = 4

pytestmark = pytest.mark.usefixtures("open_db")


def _no_current_version_lacks_a_library() -> None:
    for script in AutomationScript.objects.all():
        assert None not in current(script).libraries().values(), script


def test_one_of_two_libraries_that_begin_to_import_each_other_at_once_is_refused():
    one, two = library("one"), library("two")
    for _ in range(ROUNDS):
        (loser,) = refusals(
            race(
                partial(change, one, source="import scripts.two\n"),
                partial(change, two, source="import scripts.one\n"),
                meet_in=AutomationScript,
            )
        )
        reason, details = only_reason(loser)
        assert (reason, details["line"]) == ("InvalidScript", 1)
        assert sorted([uses(one), uses(two)], key=len)[0] == {}
        for each in (one, two):
            change(each, source="def tool(): pass\n")


def test_a_library_deleted_while_a_script_that_imports_it_is_saved_leaves_no_gap():
    script = save()
    for round_number in range(ROUNDS):
        tools = library("tools")
        saved, deleted = race(
            partial(change, script, source=f"import scripts.tools\n# {round_number}\n" + RUN),
            partial(delete_checked, tools, "system"),
            meet_in=AutomationScript,
        )
        (refused,) = refusals([saved, deleted])
        assert only_reason(refused)[0] == ("InvalidScript" if deleted is None else "ScriptInUse")
        _no_current_version_lacks_a_library()
        change(script, source=RUN)
        if deleted is not None:
            delete_checked(tools, "system")


def test_a_library_that_becomes_a_script_while_a_script_begins_to_import_it():
    script = save()
    for round_number in range(ROUNDS):
        tools = library(f"tools{round_number}")
        saved, became = race(
            partial(change, script, source=f"import scripts.tools{round_number}\n" + RUN),
            partial(change, tools, kind="Script", source=RUN),
            meet_in=AutomationScript,
        )
        (refused,) = refusals([saved, became])
        assert only_reason(refused)[0] in {"InvalidScript", "ScriptInUse"}
        assert AutomationScript.objects.get(pk=tools.pk).kind == ("Library" if refused is became else "Script")


def test_a_library_deleted_while_an_old_version_that_uses_it_becomes_current_or_is_pinned():
    for round_number in range(ROUNDS):
        tools, name = library(f"tools{round_number}"), f"s{round_number}"
        script = save(name, f"import scripts.tools{round_number}\n" + TRIGGER)
        change(script, source=TRIGGER)
        definition = ApiDefinition(route=f"r{round_number}", script=script, script_version=1)
        back, pinned, deleted = race(
            partial(activate, script, 1),
            partial(save_definition, definition, "system"),
            partial(delete_checked, tools, "system"),
        )
        is_missing = LibraryUse.objects.filter(version__script=script.pk, library=None).exists()
        assert is_missing == (deleted is None)
        if deleted is None:
            assert current(script).number == 2
            assert not ApiDefinition.objects.filter(pk=definition.pk).exists()
            assert only_reason(pinned)[0] == "InvalidActionMeta"
            assert isinstance(back, Exception)
        else:
            assert only_reason(deleted)[0] == "ScriptInUse"
            assert isinstance(pinned, ApiDefinition) or isinstance(back, AutomationScript)
        _no_current_version_lacks_a_library()


def test_activating_and_saving_at_once_loses_nothing():
    script = save(source=TRIGGER)
    change(script, source="# two\n" + TRIGGER)
    for round_number in range(ROUNDS):
        source = f"# {round_number}\n" + TRIGGER
        outcomes = race(partial(activate, script, 1), partial(change, script, source=source), meet_in=AutomationScript)
        assert not refusals(outcomes)
        assert ScriptVersion.objects.filter(script=script, source=source).count() == 1
        stored = AutomationScript.objects.get(pk=script.pk)
        assert stored.source == current(script).source
        assert current(script).number in {1, numbers(script)[-1]}
    assert numbers(script) == list(range(1, 3 + ROUNDS))


def test_scripts_and_libraries_saved_and_renewed_at_once_cause_no_deadlock():
    base, middle = library("base"), library("middle", "import scripts.base\n")
    users = [save(f"s{number}", "import scripts.middle\n" + RUN) for number in range(3)]

    def again(script: AutomationScript, source: str, **values: Any) -> None:
        for number in range(4):
            change(script, source=f"{source}# {number}\n", **values)

    outcomes = race(
        partial(again, base, "def tool(): pass\n"),
        partial(again, middle, "import scripts.base\n"),
        *(partial(again, user, "import scripts.middle\n" + RUN, renews_libraries=True) for user in users),
    )
    assert not refusals(outcomes)
    assert {len(numbers(script)) for script in (base, middle, *users)} == {5}
    for user in users:
        save_checked(AutomationScript.objects.get(pk=user.pk), "system")
    _no_current_version_lacks_a_library()
