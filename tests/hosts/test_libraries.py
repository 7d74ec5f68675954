"""Libraries in script hosts: what a script finds as `scripts.NAME`, and what it does not."""

import subprocess
import sys
import textwrap

import pytest

from hosts.jobs import MAX_SUBSCRIPT_DEPTH, Library, Outcome, SubscriptAnswer
from testbed.stack import ROOT

PADDING = "# padding\n"


def libraries(**sources: str) -> tuple[Library, ...]:
    return tuple(Library(name, 1, textwrap.dedent(source)) for name, source in sources.items())


ORDINARY = libraries(
    shapes="""
        '''Shapes.'''
        from __future__ import annotations

        import dataclasses
        from scripts import_of_names
        loads = []
        loads.append(1)

        @dataclasses.dataclass
        class Point:
            x: int

            def doubled(self) -> Point:
                return Point(double(self.x))
    """.replace("scripts import_of_names", "scripts.numbers_of_ours import double"),
    numbers_of_ours="_hidden = 1\ndef double(number): return 2 * number\n",
    late="import os\npid = os.getpid()",
)


def test_library_is_a_module_like_any_other(bench):
    source = """
        import importlib, inspect, linecache, pickle, sys
        import scripts.shapes
        from scripts.numbers_of_ours import *
        from scripts.shapes import Point
        runs = []

        def run(engine):
            from scripts.late import pid
            shapes = sys.modules["scripts.shapes"]
            assert shapes is scripts.shapes and Point.__module__ == "scripts.shapes" == shapes.__name__
            assert pickle.loads(pickle.dumps(Point(3).doubled())) == Point(double(3)) and "_hidden" not in globals()
            assert Point.__annotations__ == {"x": "int"} and scripts.shapes.__doc__ == "Shapes."
            assert "class Point:" in inspect.getsource(Point) and "loads = []" in inspect.getsource(shapes)
            assert shapes.__file__ == shapes.__spec__.origin == "<script shapes>" and not hasattr(shapes, "__cached__")
            assert shapes.__package__ == "scripts" and scripts.__path__ == [] and not hasattr(scripts, "__file__")
            assert shapes.__loader__.get_source("scripts.shapes").count("Point") == 3
            runs.append(pid)
            print(runs.count(pid), len(shapes.loads))
            if len(runs) == 2:
                assert importlib.reload(shapes) is shapes and shapes.Point is not Point and len(shapes.loads) == 1
        """
    ran = [bench.run(source, libraries=ORDINARY) for _ in range(2)]
    assert [each.outcome for each in ran] == [Outcome.SUCCEEDED] * 2, ran
    assert [each.lines for each in ran] == [["1 1"], ["2 1"]], "loaded once, and warm"
    fresh = [bench.run(source, libraries=ORDINARY, reuse=False).lines for _ in range(2)]
    assert fresh == [["1 1"], ["1 1"]]


def test_nothing_else_is_found_below_scripts(bench):
    source = """
        import importlib, os, sys
        import automation.sdk

        def refused(module):
            try:
                importlib.import_module(module)
            except ModuleNotFoundError as error:
                return str(error)

        def run(engine):
            os.makedirs("scripts")
            for name in ("scripts/__init__.py", "scripts/known.py", "scripts/other.py", "other.py"):
                open(name, "w").write("SHADOW = 1")
            sys.path.insert(0, os.getcwd())
            sys.path.append(os.getcwd() + "/scripts")
            importlib.invalidate_caches()
            import scripts.known
            assert not hasattr(scripts, "SHADOW") and not hasattr(scripts.known, "SHADOW")
            for module in ("scripts.other", "scripts.json", "scripts.known.below"):
                print(refused(module))
            try:
                exec("from scripts import other")
            except ImportError as error:
                print(type(error).__name__)
            print([type(finder).__name__ for finder in sys.meta_path if "Librar" in type(finder).__name__])
            # What tests of scripts find libraries with is asked last.
            automation.sdk.sibling_libraries.install()
            print(refused("scripts.other"))
        """
    known, without = bench.run(source, libraries=libraries(known="")), bench.run(source)
    rule = "There is no library {} here: a script has only libraries that a source imports by name."
    below = "No module named 'scripts.known.below'; 'scripts.known' is not a package"
    finders = "['LibraryFinder']"
    shown = [rule.format("other"), rule.format("json"), below, "ImportError", finders, rule.format("other")]
    assert known.lines == shown, known
    assert without.result.message == f"ModuleNotFoundError: {rule.format('known')}"


def test_installed_package_called_scripts_is_not_found(tmp_path):
    """In an environment of its own, where code that runs before every script imports the package."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    (packages,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    (packages / "scripts").mkdir()
    for name in ("__init__", "installed", "ours"):
        (packages / "scripts" / f"{name}.py").write_text("import builtins\nbuiltins.was_installed = True\n")
    (packages / "early.pth").write_text("import scripts.ours\n")
    script = """
import builtins, importlib, importlib.util
from scripts.ours import value
def run(engine):
    print(builtins.was_installed, value)
    importlib.import_module("scripts.installed")
"""
    program = f"""
import sys, sysconfig
sys.path[:0] = [{str(ROOT)!r}, {sys.modules["msgspec"].__path__[0].rpartition("/")[0]!r}]
from hosts.script_hosts import ScriptHosts
from hosts.jobs import Assignment, Job, JobKind, Library, Script
hosts = ScriptHosts()
hosts.start()
script = Script("", "s", 1, '''{script}''', libraries=[Library("ours", 1, "value = 'ours'")])
print(hosts.run(Assignment(Job("t", JobKind.PROBE, "", 1, "run"), script, 30), print, None).message)
hosts.stop()
"""
    done = subprocess.run([tmp_path / "venv" / "bin" / "python", "-c", program], capture_output=True, text=True)
    shown = done.stdout.splitlines()
    assert shown[0] == "True ours", done
    assert shown[1].startswith("ModuleNotFoundError: There is no library installed here"), done


def test_traceback_and_crash_report_show_the_lines_of_libraries(bench):
    broken = libraries(
        parser="""
            import json

            class Unreadable(Exception): pass

            def parse(text):
                try:
                    return json.loads(text)
                except ValueError as error:
                    raise Unreadable("no luck") from error
        """,
        crash="import os\n\ndef down():\n    os.abort()\n",
    )
    ran = bench.run(
        "from scripts.parser import parse\ndef run(engine):\n    parse('{')\n", libraries=broken, name="Parse it"
    )
    assert ran.result.message == "scripts.parser.Unreadable: no luck"
    assert "File \"<script Parse it>\", line 3, in run\n    parse('{')\n" in ran.result.traceback
    assert 'File "<script parser>", line 8, in parse\n    return json.loads(text)\n' in ran.result.traceback
    assert ".py" not in ran.result.traceback
    assert "frozen" not in ran.result.traceback
    died = bench.run("from scripts.crash import down\ndef run(engine):\n    down()\n", libraries=broken)
    assert 'File "<script crash>", line 4 in down\n  File "<script probe>", line 3 in run' in died.result.traceback


HALF = libraries(
    whole="value = 1",
    half="from scripts.whole import value\nimport os\nhalf = 1\nif os.path.exists(os.environ['MARK']): raise OSError",
)


def test_import_that_fails_leaves_no_half_module(bench, kept_open):
    source = f"""
        import os, sys
        def run(engine):
            os.environ["MARK"] = {str(kept_open)!r} if engine.script_param("fails").value else "/nowhere"
            try:
                import scripts.half
            except OSError:
                assert "scripts.half" not in sys.modules and sys.modules["scripts.whole"].value == 1
                assert not hasattr(sys.modules["scripts"], "half")
            print(os.getpid(), "scripts.half" in sys.modules)
        """
    lines = [bench.run(source, parameters={"fails": fails}, libraries=HALF).lines[0].split() for fails in ("1", "")]
    assert [loaded for _, loaded in lines] == ["False", "True"]
    assert lines[0][0] == lines[1][0], "the script has caught the error, so its process goes on"


@pytest.fixture
def kept_open():
    """A file that every script can see."""
    return "/usr"


ENDS = "from automation.sdk import ScriptExit\nraise ScriptExit('not here', failed=True)\n"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("from scripts.raises import x\ndef run(engine): pass", "ZeroDivisionError: division by zero"),
        ("from scripts.ends import x\ndef run(engine): pass", "not here"),
        (ENDS + "def run(engine): pass", "not here"),
    ],
)
def test_script_that_could_not_be_loaded_is_loaded_again(bench, source, message):
    broken = libraries(raises="x = 1 / 0", ends=ENDS)
    assert [bench.run(source, libraries=broken).result.message for _ in range(2)] == [message] * 2
    assert bench.hosts.warm.resting() == []


@pytest.mark.parametrize(("patch", "is_kept"), [("os.getcwd = len", False), ("os.added = 1", True)])
def test_patches_by_a_library_count_as_those_of_its_script(bench, patch, is_kept):
    source = "import scripts.patches\ndef run(engine): pass"
    assert bench.run(source, libraries=libraries(patches=f"import os\n{patch}")).outcome is Outcome.SUCCEEDED
    assert len(bench.hosts.warm.resting()) == is_kept


def test_host_that_never_began_its_first_job_is_not_used_again(bench):
    source = "def on_api_trigger(engine, request): return ApiTriggerOutput(response_body='begun')"
    assert bench.trigger(source, call=None).outcome is Outcome.UNREADABLE
    assert bench.trigger(source).result.output.body == b"begun"


def test_each_subscript_has_its_own_libraries(bench):
    source = """
        from scripts.tool import name
        def run(engine):
            print(name)
            if name != "tool 5":
                engine.run_subscript("next")
            from scripts.tool import name as same
            assert same == name
        """
    lines: list[str] = []

    def on_subscript(name, parameters, wait, remaining, loop):
        return run(len(lines), loop)

    def run(depth, loop=None):
        tool = libraries(tool=f"name = 'tool {depth}'")
        assignment = bench.assignment(source, depth=depth, name=f"script {depth}", libraries=tool)
        result = bench.hosts.run(assignment, lines.append, on_subscript, loop)
        return SubscriptAnswer(ok=result.outcome is Outcome.SUCCEEDED, message=result.message)

    assert [run(0).ok, lines] == [True, [f"tool {depth}" for depth in range(MAX_SUBSCRIPT_DEPTH + 1)]]
    assert len(bench.hosts.warm.resting()) == MAX_SUBSCRIPT_DEPTH + 1


def test_hundred_libraries_of_four_megabytes_import_each_other(bench):
    """The most that a version may use: a chain, which needs the deepest recursion."""
    most = 100
    sources = {
        f"library_{number}": f"from scripts.library_{number + 1} import depth as below\ndepth = below + 1\n"
        for number in range(1, most)
    }
    sources[f"library_{most}"] = "depth = 1\n"
    padding = PADDING * (4 * 1024**2 // most // len(PADDING))
    source = "from scripts.library_1 import depth\ndef run(engine): print(depth)"
    chain = libraries(**{name: text + padding for name, text in sources.items()})
    assert sum(len(library.source) for library in chain) > 4_000_000
    for _ in range(2):
        ran = bench.run(source, libraries=chain, limit=60, memory_limit_mb=64)
        assert (ran.outcome, ran.lines) == (Outcome.SUCCEEDED, ["100"]), ran.result
