"""Every flag, every action, every interface: who is let in and who is not, and that a refused one changes nothing.

What each action needs is written down here from the contract, not taken from the code. Each action is tried without a
flag, with exactly what it needs, with each flag of that missing, with every other flag, with all, and as a superuser.
"""

import pytest
from django.db import transaction

from tests.permissions_table import (  # noqa: F401  they fill the table
    api,
    api_builds,
    as_code,
    console,
    console_builds,
    console_run_actions,
    console_runs,
    console_statistics,
    events,
    keys,
    run_actions,
    runs,
)
from tests.permissions_table.table import ACTIONS, EXECUTE, FLAGS, cells, is_granted


@pytest.mark.parametrize("one", ACTIONS, ids=lambda one: one.name)
def test_every_cell(world, one):
    wrong = []
    for name, flags, is_enough in cells(one.needs):
        if is_granted(one, world, world.caller(*flags)) is not is_enough:
            wrong.append(f"{name}: {'refused' if is_enough else 'granted'}")
    assert not wrong, f"{one.name}: {wrong}"
    assert is_granted(one, world, world.caller(is_superuser=True)), "a superuser"
    assert not is_granted(one, world, world.caller(is_staff=True)), "staff without a flag"


def test_what_is_refused_over_the_api_is_403(world):
    for one in ACTIONS:
        if one.name.startswith("API") and "events" not in one.name and "event of" not in one.name:
            with transaction.atomic():
                response = one.do(world, world.caller())
                # Some put an object into the state that they need.
                transaction.set_rollback(True)
            assert response.status_code == 403, one.name
            assert response.json()["errors"][0]["reason"] == "PermissionDenied"


WRITES = [one for one in ACTIONS if one.changes and all(EXECUTE in need for need in one.needs)]


def test_without_execute_no_definition_is_made_or_changed_by_any_way(world):
    caller = world.caller(*FLAGS - {EXECUTE})
    ways = [one.name for one in WRITES if not is_granted(one, world, caller)]
    assert ways == [one.name for one in WRITES]
    assert {
        "API create in definitions",
        "API put one of definitions",
        "API patch one of definitions",
        "API allow a token",
        "console add definitions_apidefinition",
        "console change definitions_apidefinition",
        "import a new definition",
        "import a changed definition",
    } <= set(ways)
