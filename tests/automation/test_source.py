"""What is found in a script without running it."""

import textwrap

import pytest

from automation import source as source_module
from automation.source import ON_API_TRIGGER, RUN, Contents, compile_error, contents, has_entry_point

FUNCTION = "def run(engine): pass\n"


def _compiles(source: str) -> bool:
    return compile_error(source) is None


@pytest.mark.parametrize(
    "source",
    [
        "",
        "\n\n",
        "# nothing",
        FUNCTION,
        "# -*- coding: latin-1 -*-\nx = 'é'\n",
        "x = '日本😀'\n",
        "def größe(): return 1\n",
        "if True:\r\n    x = 1\r\n",
        "x = 1\f\n",
        "match 1:\n    case 1: pass\n",
        "x = 1 / 0\n",  # compiles, and fails only when it runs
        "import nothing.of.this.kind\n",
        "from __future__ import annotations\n",
        "x = " + "[" * 50 + "]" * 50,
    ],
)
def test_a_valid_source_compiles(source):
    assert compile_error(source) is None


def test_the_names_of_the_largest_modules_take_no_time():
    many = "\n".join(f"def f{number}():0" for number in range(16_000))
    assert compile_error(many) is None
    deep = "x = " + "lambda: " * 1_500 + "1\n"
    assert contents(deep).names == ["x"]


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("def run(engine):\n    return (\n", 2),
        ("x = 1\ny = = 2\n", 2),
        ("def f():\npass\n", 2),
        ("x = 1\n    y = 2\n", 2),
        ("if 1:\n\tx = 1\n        y = 2\n", 3),
        ("\n\nreturn 1\n", 3),
        ("await x\n", 1),
        ("x = 'open\n", 1),
        ("x = '''open\n\n", 1),
        ("def f():\n    x = 1\n    global x\n", 3),
        ("f'{'\n", 1),
        ("break\n", 1),
        ("from __future__ import braces\n", 1),
        ("x = 0777\n", 1),
        ("\ufeffx = 1\n", 1),
        ("x = “1”\n", 1),
        ("a\u00a0= 1\n", 1),
    ],
)
def test_a_compile_error_names_line_and_reason(source, line):
    error = compile_error(source)
    assert error is not None
    assert error.line == line
    assert error.message
    assert "<script>" not in error.message


@pytest.mark.parametrize(
    "source",
    [
        "x = 1\0\n",
        "x = '\ud800'\n",
        "(" * 100_000,
        "x = " + "-" * 200_000 + "1",
        "x = a" + ".a" * 100_000,
        "x = f" + "()" * 100_000,
        "x = " + "+".join(["1"] * 50_000),
        "x = " + "not " * 100_000 + "1",
        "x = " + "lambda:" * 50_000 + "1",
        "if 1: pass\n" + "elif 1: pass\n" * 20_000,
        "".join(" " * depth + "if 1:\n" for depth in range(150)) + " " * 150 + "pass\n",
        "x = " + "9" * 100_000,
    ],
    ids=lambda source: repr(source[:12]),
)
def test_a_source_that_breaks_the_compiler_is_an_error_like_any_other(source):
    error = compile_error(source)
    assert error is not None
    assert error.message
    error.message.encode()
    assert not has_entry_point(source, RUN)


def test_a_source_is_inspected_without_being_run(tmp_path):
    trace = tmp_path / "trace"
    source = f"open({str(trace)!r}, 'w').close()\n{FUNCTION}"
    assert _compiles(source)
    assert has_entry_point(source, RUN)
    assert not trace.exists()


FOUND = {
    "function": "def run(engine): ...",
    "decorated": "@anything\ndef run(engine): ...",
    "under if": "if x:\n    def run(engine): ...",
    "under else": "if x: pass\nelse:\n    def run(engine): ...",
    "under elif": "if x: pass\nelif y:\n    def run(engine): ...",
    "under try": "try:\n    def run(engine): ...\nfinally: pass",
    "under except": "try: import a\nexcept ImportError:\n    def run(engine): ...",
    "under except star": "try: import a\nexcept* ImportError:\n    def run(engine): ...",
    "under finally": "try: pass\nfinally:\n    def run(engine): ...",
    "under with": "with x:\n    def run(engine): ...",
    "nested blocks": "if x:\n    try:\n        with y:\n            def run(engine): ...\n    finally: pass",
    "coroutine": "async def run(engine): ...",
    "coroutine in a block": "if x:\n    async def run(engine): ...",
    "assigned": "def other(engine): ...\nrun = other",
    "lambda": "run = lambda engine: None",
    "two targets": "a = run = lambda engine: None",
    "annotated": "run: object = lambda engine: None",
    "imported": "from mine import run",
    "imported as": "from mine import other as run",
    "last of many": "import a\nx = 1\nclass C: pass\n\ndef run(engine): ...",
}
NOT_FOUND = {
    "nothing": "",
    "another name": "def Run(engine): ...\ndef run_(engine): ...",
    "in a function": "def f():\n    def run(engine): ...",
    "in a class": "class C:\n    def run(self, engine): ...",
    "only annotated": "run: object",
    "only called": "run(1)",
    "attribute": "x.run = 1",
    "in a comment": "# def run(engine): ...",
    "in a string": "'''\ndef run(engine): ...\n'''",
    "imported under another name": "from mine import run as other",
    "does not compile": "def run(engine): ...\n)",
}


@pytest.mark.parametrize("source", FOUND.values(), ids=FOUND)
@pytest.mark.parametrize("name", [RUN, ON_API_TRIGGER])
def test_an_entry_point_is_found(source, name):
    source = source.replace("run", name)
    assert _compiles(source)
    assert has_entry_point(source, name)
    assert not has_entry_point(source, {RUN: ON_API_TRIGGER, ON_API_TRIGGER: RUN}[name])


@pytest.mark.parametrize("source", NOT_FOUND.values(), ids=NOT_FOUND)
def test_no_entry_point_is_found(source):
    assert not has_entry_point(source, RUN)


def test_a_script_may_have_both_entry_points():
    source = textwrap.dedent(
        """
        from automation.sdk import ApiTriggerInput, ApiTriggerOutput, Engine

        def on_api_trigger(engine: Engine, request: ApiTriggerInput) -> ApiTriggerOutput:
            return ApiTriggerOutput()

        def run(engine: Engine) -> None:
            engine.log("hello")
        """
    )
    assert has_entry_point(source, RUN)
    assert has_entry_point(source, ON_API_TRIGGER)


def test_what_is_kept_of_sources_is_limited_by_their_names(monkeypatch):
    monkeypatch.setattr(source_module, "_KEPT_NAMES", 10)
    known = source_module._Known()
    few, many = Contents(names=["a"] * 4), Contents(libraries=[(1, "a", ["b"]), (2, "a", [])], names=["a"] * 4)
    known.add({b"1": few, b"2": few})
    known.add({b"2": few, b"3": many})
    assert (known.get(b"1"), known.get(b"2"), known.get(b"3")) == (None, None, many)
    known.add({b"4": Contents(names=["a"] * 3)})
    assert known.get(b"3") == many
    known.add({b"5": Contents(parameters=["a"] * 11)})
    assert not known._contents
