"""Libraries: how imports of them are resolved and checked, and what keeps a library in use."""

import pytest

from automation import libraries
from automation.models import AutomationScript, ScriptKind
from automation.source import contents_of
from automation.versions import ScriptVersion
from definitions.changes import save_definition
from definitions.models import ApiDefinition
from objects.changes import add_checked, delete_checked, save_checked
from tests.automation.saved import RUN, activate, change, current, library, numbers, save, uses
from tests.refusals import refused

TRIGGER = "def on_api_trigger(engine, request): pass\n"


def _refused(source: str, name: str = "refused", **fields) -> tuple[int | None, str]:
    """The line and the message with which a source is refused."""
    reason, details = refused(save, name, source, **fields)
    assert reason == "InvalidScript"
    assert not AutomationScript.objects.filter(name=name).exists()
    return details["line"], details["message"]


def _chain(length: int) -> None:
    sources = ["def tool(): pass\n", *(f"from scripts.l{number} import tool\n" for number in range(length - 1))]
    # One process reads them all.
    contents_of(sources)
    for number, source in enumerate(sources):
        library(f"l{number}", source)


@pytest.mark.parametrize(
    "source",
    [
        "import scripts.tools\n",
        "import os, scripts.tools as t\n",
        "from scripts.tools import tool\n",
        "from scripts.tools import *\n",
        "from scripts.tools import (tool as t,\n  tool)\n",
        "def f():\n    from scripts.tools import tool\n",
        "if False:\n    try:\n        import scripts.tools\n    except ImportError: pass\n",
        "class C:\n    async def f(self):\n        import scripts.tools\n",
    ],
)
def test_a_version_records_the_libraries_that_its_source_imports(db, source):
    library("tools")
    library("unused")
    assert uses(save(source=source + RUN)) == {"tools": 1}


@pytest.mark.parametrize(
    ("source", "line", "said"),
    [
        ("import os\nimport scripts.nothing\n", 2, "nothing"),
        ("\n\ndef f():\n    from scripts.tools import missing\n", 4, "missing"),
        ("import scripts.plain\n", 1, "plain"),
        ("import scripts\n", 1, "from scripts.NAME import"),
        ("\nimport scripts as s\n", 2, "from scripts.NAME import"),
        ("from scripts import tools\n", 1, "from scripts.NAME import"),
        ("import scripts.tools.inner\n", 1, "from scripts.NAME import"),
        ("from scripts.tools.inner import x\n", 1, "from scripts.NAME import"),
        ("import scripts.Tools\n", 1, "Tools"),
    ],
)
def test_an_import_that_nothing_would_resolve_is_refused_with_its_line(db, source, line, said):
    library("tools")
    save("plain")
    found, message = _refused(source + RUN)
    assert (found, said in message) == (line, True), message


def test_names_are_checked_against_what_a_library_offers(db):
    library(
        "offers",
        "import os as system\nA = B = 1\nfor i in (): pass\nclass C: pass\ndef f():\n    global G\n    G = 1\n"
        "[w for w in () if (V := w)]\n",
    )
    save(source="from scripts.offers import A, B, C, G, V, f, i, system\n" + RUN)
    assert "no w" in _refused("from scripts.offers import w\n" + RUN)[1]
    assert "inner" in _refused("from scripts.offers import inner\n" + RUN)[1]
    # Only running it would tell.
    library("dynamic", "globals()['anything'] = 1\n")
    save("other", "from scripts.dynamic import anything\n" + RUN)


def test_other_packages_are_not_libraries(db):
    assert uses(save(source="import script, os.path\nfrom myscripts import x\nscripts = 1\n" + RUN)) == {}


def test_a_version_records_all_libraries_below_in_the_versions_of_that_moment(db):
    base = library("base", "def tool(): pass\n")
    middle = library("middle", "import scripts.base\ndef other(): pass\n")
    script = save(source="from scripts.middle import other\n" + RUN)
    assert uses(script) == {"base": 1, "middle": 1}
    change(base, source="def tool(): return 2\n")
    assert (uses(script), uses(middle), numbers(script)) == ({"base": 1, "middle": 1}, {"base": 1}, [1])
    assert uses(save("later", "import scripts.middle\n" + RUN)) == {"base": 2, "middle": 1}
    change(script, source="from scripts.middle import other\n# new\n" + RUN)
    assert (uses(script), numbers(script)) == ({"base": 2, "middle": 1}, [1, 2])


def test_a_change_of_the_limits_keeps_the_libraries(db):
    tools = library("tools")
    script = save(source="import scripts.tools\n" + RUN)
    change(tools, source="A = 1\n")
    change(script, timeout_seconds=5)
    assert (uses(script), numbers(script)) == ({"tools": 1}, [1, 2])
    change(script, description="d")
    assert numbers(script) == [1, 2]


def test_renewing_takes_the_current_libraries_and_makes_a_version_only_then(db):
    tools = library("tools")
    script = save(source="import scripts.tools\n" + RUN)
    assert change(script, renews_libraries=True).version_change == ""
    assert numbers(script) == [1]
    change(tools, source="def tool(): return 1\n")
    renewed = change(script, renews_libraries=True, version_note="renewed")
    assert (uses(script), renewed.version_change, current(script).note) == ({"tools": 2}, "version 2", "renewed")
    assert renewed.renews_libraries is False
    assert len(set(ScriptVersion.objects.filter(script=script).values_list("content_hash", flat=True))) == 2


def test_renewing_is_refused_if_a_library_has_lost_a_name(db):
    tools = library("tools")
    script = save(source="from scripts.tools import tool\n" + RUN)
    change(tools, source="def renamed(): pass\n")
    reason, details = refused(change, script, renews_libraries=True)
    assert (reason, details["line"]) == ("InvalidScript", 1)
    assert numbers(script) == [1]
    change(script, timeout_seconds=5)
    assert uses(script) == {"tools": 1}


def test_exact_libraries_can_be_given(db):
    tools = library("tools")
    change(tools, source="A = 1\n")
    first = ScriptVersion.objects.get(script=tools.pk, number=1)
    script = save(source="import scripts.tools\n" + RUN, with_libraries={"tools": first})
    assert (uses(script), script.with_libraries) == ({"tools": 1}, None)


def test_going_back_takes_the_libraries_of_then(db):
    tools = library("tools")
    script = save(source="import scripts.tools\n" + RUN)
    change(tools, source="A = 1\n")
    change(script, renews_libraries=True)
    activate(script, 1)
    assert (uses(script), numbers(script)) == ({"tools": 1}, [1, 2])
    activate(tools, 1)
    assert uses(script) == {"tools": 1}


def test_a_library_that_imports_itself_is_refused(db):
    assert "own" in _refused("X = 1\nimport scripts.own\n", "own", kind="Library")[1]
    own = library("own")
    assert refused(change, own, source="\nimport scripts.own\n")[1]["line"] == 2


@pytest.mark.parametrize("length", [2, 3])
def test_libraries_that_import_each_other_are_refused_with_the_line_that_leads_there(db, length):
    _chain(length)
    first = AutomationScript.objects.get(name="l0")
    reason, details = refused(change, first, source=f"A = 1\n\nimport scripts.l{length - 1}\ndef tool(): pass\n")
    assert (reason, details["line"]) == ("InvalidScript", 3)
    way = ["l0", *(f"l{number}" for number in range(length - 1, -1, -1))]
    assert " → ".join(way) in details["message"]
    assert numbers(first) == [1]


def test_a_cycle_that_going_back_has_closed_is_refused_in_scripts(db):
    save_tools = library("b")
    one = library("a", "import scripts.b\n")
    change(one, source="A = 1\n")
    change(save_tools, source="import scripts.a\n")
    activate(one, 1)
    line, message = _refused("A = 1\nimport scripts.a, scripts.b\n" + RUN)
    assert (line, " → " in message) == (2, True)


def _add_libraries(count: int, source: str) -> str:
    """Add libraries; returns a source that imports all of them."""
    added = [AutomationScript(name=f"f{n}", kind="Library", source=f"{source}A = {n}\n") for n in range(count)]
    contents_of([script.source for script in added])
    add_checked(added, "jane")
    return "".join(f"import scripts.{script.name}\n" for script in added)


def test_a_version_uses_at_most_100_libraries_however_deep(db):
    _chain(20)
    others = _add_libraries(libraries.MOST_LIBRARIES - 20, "")
    source = "import scripts.l19\n" + others + RUN
    assert len(uses(save(source=source))) == libraries.MOST_LIBRARIES
    library("one_more")
    line, message = _refused(source + "import scripts.one_more\n")
    assert (line, "100" in message) == (1, True)


def test_libraries_have_at_most_4_mb_together(db):
    large = "# " + "é" * 125_000 + "\n"
    imports = _add_libraries(17, large)
    save(source=imports.replace("import scripts.f16\n", "") + RUN)
    assert "4 MB" in _refused(imports + RUN)[1]


@pytest.mark.parametrize("name", ["a b", "1a", "a-b", "class", "a.b", "__x__", "", "ﬁle"])
def test_the_name_of_a_library_is_an_identifier(db, name):
    assert refused(library, name)[0] == "InvalidName"


@pytest.mark.parametrize("name", ["tools", "Tools2", "_x", "größe"])
def test_a_library_can_have_any_identifier_as_its_name(db, name):
    library(name)
    assert uses(save(source=f"import scripts.{name}\n" + RUN)) == {name: 1}


@pytest.mark.parametrize("source", [RUN, TRIGGER, "run = 1\ndef f(): pass\n" + RUN])
def test_a_library_has_no_entry_point(db, source):
    assert _refused(source, "tools", kind=ScriptKind.LIBRARY)[0] is None


def test_an_unknown_kind_is_refused(db):
    assert refused(save, kind="library") == ("InvalidField", {"field": "kind"})


def test_a_library_in_use_is_neither_deleted_nor_renamed_nor_changed_in_kind(db):
    base, script = library("base"), None
    library("middle", "import scripts.base\n")
    script = save(source="import scripts.middle\n" + RUN)
    details = {"scriptLinks": ["a script", "middle"], "scripts": "a script, middle"}
    assert refused(delete_checked, base, "john") == ("ScriptInUse", details)
    assert refused(change, base, name="other") == ("ScriptInUse", details)
    assert refused(change, base, kind="Script", source=RUN) == ("ScriptInUse", details)
    change(base, description="everything else", source="def new(): pass\n", timeout_seconds=5)
    change(AutomationScript.objects.get(name="middle"), source="A = 1\n")
    # The script keeps what it was saved with, whatever its library imports now.
    assert refused(delete_checked, base, "john")[1]["scriptLinks"] == ["a script"]
    delete_checked(script, "john")
    delete_checked(base, "john")


def test_old_versions_do_not_keep_a_library(db):
    tools = library("tools")
    script = save(source="import scripts.tools\n" + RUN)
    change(script, source=RUN)
    change(tools, name="renamed")
    change(tools, kind="Script", source=RUN)
    delete_checked(tools, "john")
    assert current(script).number == 2


def _pinned(script: AutomationScript, number: int) -> ApiDefinition:
    definition = ApiDefinition(route="pinned", script=script, script_version=number)
    return save_definition(definition, "jane")


def test_a_library_that_a_pinned_version_uses_is_not_deleted(db):
    tools = library("tools")
    script = save(source="import scripts.tools\n" + TRIGGER)
    definition = _pinned(script, 1)
    change(script, source=TRIGGER)
    # Whatever its kind is by now.
    change(tools, kind="Script", source=RUN)
    reason, details = refused(delete_checked, tools, "john")
    assert (reason, details["scriptLinks"]) == ("ScriptInUse", ["a script"])
    assert details["apiDefinitionIdLinks"] == [str(definition.pk)]
    definition.script_version = 2
    save_definition(definition, "jane")
    delete_checked(tools, "john")


def test_a_version_with_a_deleted_library_cannot_be_pinned(db):
    tools = library("tools")
    script = save(source="import scripts.tools\n" + TRIGGER)
    change(script, source=TRIGGER)
    delete_checked(tools, "john")
    reason, details = refused(_pinned, script, 1)
    assert (reason, details["library"]) == ("InvalidActionMeta", "tools")
    _pinned(script, 2)


def test_new_libraries_and_their_users_can_be_added_one_after_the_other(db):
    add_checked([AutomationScript(name=f"l{n}", kind="Library", source="def tool(): pass\n") for n in range(3)], "jane")
    add_checked([AutomationScript(name="s", source="from scripts.l2 import tool\n" + RUN)], "jane")
    assert uses(AutomationScript.objects.get(name="s")) == {"l2": 1}
    missing = AutomationScript(name="t", source="import scripts.l3\n" + RUN)
    assert refused(add_checked, [missing], "jane")[0] == "InvalidScript"
    save_checked(AutomationScript(name="t", source="import scripts.l1\n" + RUN), "jane")
