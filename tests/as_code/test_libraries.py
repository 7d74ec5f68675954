"""Libraries in files: imported before the scripts that use them, which they renew; every import that fails is named."""

from collections.abc import Callable
from pathlib import Path

import pytest

from automation.models import AutomationScript
from events.models import InformationEvent
from testbed.publisher import ECHO, Publisher
from tests.as_code.conftest import add_library, change, export, import_apis, refused, state, using, version_of

pytestmark = pytest.mark.django_db

LIBRARY = "  - {name: text_tools, source: text_tools.py, kind: Library}\n"
RENEWED = f"scripts:\n  - {{name: report, source: report.py}}\n{LIBRARY}"


@pytest.fixture
def library(files) -> Callable[..., Path]:
    """Files with a library, which has another source each time, and with a script that uses it."""

    def write(source: str = "x = 1\n", text: str = RENEWED, **others: str) -> Path:
        main: Path = files(text, **{"report.py": using("text_tools"), "text_tools.py": source, **others})
        return main

    return write


def _libraries(name: str) -> dict[str, int]:
    used = version_of(AutomationScript.objects.get(name=name)).libraries()
    return {name: one.number for name, one in used.items() if one is not None}


def test_an_imported_library_renews_the_scripts_of_the_files_that_use_it(library):
    import_apis(library())
    Publisher().script(using("text_tools"), name="in no file")
    printed = import_apis(library("x = 2\n"), "--dry-run")
    assert "renewed: report (text_tools 1 → 2)" in printed.splitlines()
    assert _libraries("report") == {"text_tools": 1}
    assert "renewed: report (text_tools 1 → 2)" in import_apis(library("x = 2\n")).splitlines()
    assert (_libraries("report"), _libraries("in no file")) == ({"text_tools": 2}, {"text_tools": 1})
    event = InformationEvent.objects.order_by("number").last()
    assert event is not None
    assert event.message.endswith(": version 2")
    before = state()
    assert "renewed" not in import_apis(library("x = 2\n"))
    assert state() == before


def test_a_script_that_names_a_version_of_its_library_keeps_it(library):
    import_apis(library())
    stays = RENEWED.replace("report.py}", "report.py, libraries: {text_tools: 1}}")
    assert "renewed" not in import_apis(library("x = 2\n", stays))
    assert _libraries("report") == {"text_tools": 1}
    assert "renewed: report (text_tools 1 → 2)" in import_apis(library("x = 2\n"))
    assert "renewed: report (text_tools 2 → 1)" in import_apis(library("x = 2\n", stays))


def test_a_script_takes_the_current_version_of_a_library_that_is_only_stored(files):
    stored = add_library("text_tools", "x = 1\n")
    main = files("scripts:\n  - {name: report, source: report.py}\n", **{"report.py": using("text_tools")})
    import_apis(main)
    assert _libraries("report") == {"text_tools": 1}
    change(stored, source="x = 2\n")
    assert "-  text_tools: 1" in import_apis(main, "--dry-run").splitlines()
    assert "renewed: report (text_tools 1 → 2)" in import_apis(main)


def test_libraries_are_saved_before_their_users_whatever_the_order(files, monkeypatch):
    monkeypatch.setattr("as_code.importer.TOGETHER", 2)
    names = [f"library_{number}" for number in range(7)]
    text = "scripts:\n  - {name: top, source: top.py}\n"
    text += "".join(f"  - {{name: {name}, source: {name}.py, kind: Library}}\n" for name in reversed(names))
    sources = {f"{name}.py": f"import scripts.{names[at - 1]}\nx = {at}\n" for at, name in enumerate(names) if at}
    main = files(text, **sources, **{"library_0.py": "x = 0\n", "top.py": using(names[-1])})
    import_apis(main)
    assert _libraries("top") == dict.fromkeys(names, 1)
    assert "7 added" not in import_apis(main)
    printed = import_apis(files(text, **{"library_0.py": "x = 1\n"}))
    assert "scripts: 0 added, 8 changed" in printed
    assert printed.count("renewed: ") == 7


FAULTY = """\
scripts:
  - {name: a, source: a.py, kind: Library}
  - {name: b, source: b.py, kind: Library}
  - {name: uses a, source: uses_a.py}
  - {name: s, source: s.py, timeoutSeconds: 0}
  - {name: entry, source: entry.py, kind: Library}
  - {name: ok, source: ok.py, kind: Library}
  - {name: t, source: t.py}
  - {name: u, source: u.py}
  - {name: faulty, source: ok.py, kind: Library, timeoutSeconds: 0}
  - {name: uses faulty, source: v.py, memoryLimitMb: 0}
"""
FAULTY_SOURCES = {
    "a.py": "x = 1\nimport scripts.b\n",
    "b.py": "from scripts.a import x\n",
    "uses_a.py": using("a"),
    "s.py": f"{ECHO}\n\nimport scripts.nothing\n",
    "entry.py": ECHO,
    "ok.py": "x = 1\n",
    "t.py": f"from scripts.ok import y\n{ECHO}",
    "u.py": f"from scripts import ok\n{ECHO}",
    "v.py": using("faulty"),
}


@pytest.mark.parametrize("is_new", [True, False], ids=["new", "stored"])
def test_every_fault_of_a_library_is_told_with_entry_and_line(files, is_new):
    if not is_new:
        for name in ("uses a", "s", "t"):
            Publisher().script(name=name)
        add_library("ok", "y = 1\n")
    *found, count = refused(files(FAULTY, **FAULTY_SOURCES)).splitlines()
    directory = f"{files(FAULTY).parent}/"
    assert [line.replace(directory, "") for line in found] == [
        "a.py:2: script 'a' (apis.yaml:2): The libraries import each other: a → b → a.",
        "apis.yaml:5: script 's': A time-out is 1 to 86400 seconds.",
        "apis.yaml:10: script 'faulty': A time-out is 1 to 86400 seconds.",
        "apis.yaml:11: script 'uses faulty': A memory limit is 64 to 65536 MB.",
        "b.py:1: script 'b' (apis.yaml:3): The libraries import each other: b → a → b.",
        "entry.py:1: script 'entry' (apis.yaml:6): A library has no entry point: rename the function on_api_trigger.",
        "s.py:8: script 's' (apis.yaml:5): There is no library nothing.",
        "t.py:1: script 't' (apis.yaml:8): The library ok has no y.",
        "u.py:1: script 'u' (apis.yaml:9): A library is imported with `from scripts.NAME import ...` or "
        "`import scripts.NAME`.",
    ]
    assert count.startswith("9 fault(s)")


def test_a_library_of_a_version_is_named_with_its_number(files):
    text = f"scripts:\n  - {{name: s, source: s.py, versions: [{{number: 2, source: s@2.py}}]}}\n{LIBRARY}"
    message = refused(files(text, **{"s.py": ECHO, "s@2.py": using("text_tools"), "text_tools.py": "x = 1\n"}))
    assert "s@2.py:1: version 2 of 's' (" in message
    assert "There is no library text_tools. A version in a file names all of its libraries." in message


def test_a_library_in_use_keeps_its_name(files, tmp_path):
    add_library("used", "x = 1\n")
    add_library("free", "x = 2\n")
    add_library("spare", "x = 3\n")
    Publisher().script(using("used"), name="report")
    main = tmp_path / "apis.yaml"
    text = export(tmp_path)["apis.yaml"]

    def swap(one: str, other: str) -> None:
        swapped = text.replace(f"name: {one}\n", "\0").replace(f"name: {other}\n", f"name: {one}\n")
        main.write_text(swapped.replace("\0", f"name: {other}\n"))

    swap("used", "free")
    *faults, _ = refused(main).splitlines()
    line = main.read_text().splitlines().index("    name: free") + 1
    rule = "script 'free': scripts import this library as used, so it keeps its name: report"
    assert faults == [f"{main}:{line}: {rule}"]
    swap("free", "spare")
    import_apis(main)
    assert AutomationScript.objects.get(name="spare").source == "x = 2\n"


def test_prune_deletes_scripts_before_their_libraries_and_keeps_those_in_use(files):
    add_library("base", "x = 1\n")
    add_library("text_tools", "from scripts.base import x\n")
    Publisher().script(using("text_tools"), name="report")
    kept = "scripts:\n  - {name: report, source: report.py}\n"
    message = refused(files(kept, **{"report.py": using("text_tools")}), "--prune")
    assert "cannot be pruned: Scripts import this library: report" in message
    import_apis(files("scripts:\n  - {name: status, source: status.py}\n"), "--prune")
    assert list(AutomationScript.objects.values_list("name", flat=True)) == ["status"]


def test_more_scripts_need_no_more_queries(files, django_assert_max_num_queries):
    scripts = "".join(f"  - {{name: s{number}, source: report.py}}\n" for number in range(60))
    sources = {"report.py": using("text_tools")}
    with django_assert_max_num_queries(60):
        import_apis(files(f"scripts:\n{scripts}{LIBRARY}", **sources, **{"text_tools.py": "x = 1\n"}))
