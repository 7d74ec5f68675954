"""Runs the commands and programs of a page in one shell, from top to bottom, as a reader would."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.stack import ROOT
from tests.docs.pages import CodeBlock

RUNS = ("sh", "bash", "console", "python")
SHELLS = ("sh", "bash", "console")
LOCAL = "http://localhost:8000"
"""The product's address in the pages; the tests replace it, because their product uses a free port."""
LONGEST_SECONDS = 120

_ENTRY_POINT = re.compile(r"^(async )?def (on_api_trigger|run)\(", re.MULTILINE)
# A refused request fails the page, and so does one without an answer.
_CURLRC = "fail-with-body\nsilent\nshow-error\nmax-time = 60\n"
_ENDLESS = """set -m
( {text} ) > "$OUT" &
set +m
for _ in $(seq 300); do test -s "$OUT" && break; sleep 0.1; done
kill -- -$!
wait $! || true
test -s "$OUT"
"""


@dataclass(frozen=True)
class Clone:
    """Where a page is run: a directory that looks like a fresh clone, and the environment."""

    directory: Path
    environment: Mapping[str, str]

    @classmethod
    def make(cls, directory: Path, environment: Mapping[str, str]) -> "Clone":
        """Make it in `directory`. The commands find `.venv` and the product's files, and write only beside them."""
        home = directory / "home"
        clone = directory / "clone"
        for made in (home, clone):
            made.mkdir()
        (home / ".curlrc").write_text(_CURLRC)
        for entry in ROOT.iterdir():
            if entry.name not in {".git", ".venv", "var"}:
                (clone / entry.name).symlink_to(entry)
        (clone / ".venv").symlink_to(sys.prefix)
        own = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT)}
        return cls(clone, own | dict(environment))

    def output(self, block: CodeBlock, what: str = "out") -> Path:
        """The file with the output of a block."""
        return self.directory / f".block-{block.line}.{what}"


def is_script(block: CodeBlock) -> bool:
    """Whether the block is an automation script, not a program."""
    return block.language == "python" and not block.has("run by") and bool(_ENTRY_POINT.search(block.text))


def run(blocks: list[CodeBlock], clone: Clone) -> None:
    """Run everything that can be run.

    Raises:
        AssertionError: a command failed, or its output has a form that differs from the page.
    """
    lines = ["set -eu -o pipefail"]
    for block in blocks:
        if not block.has("not run") and not is_script(block):
            lines += _lines(block, clone)
    status, told = _shell("\n".join(lines), clone)
    assert status == 0, f"the last command named here failed:\n{told}"
    for block in blocks:
        if block.has("form of"):
            _compare(block, clone)


def _shell(commands: str, clone: Clone) -> tuple[int, str]:
    """Run `commands` and kill what they leave running; returns the exit status and the output."""
    with subprocess.Popen(
        ["bash", "-c", commands], cwd=clone.directory, env=dict(clone.environment), start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as shell:  # fmt: skip
        try:
            told, _ = shell.communicate(timeout=LONGEST_SECONDS)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)
    return shell.returncode, told


def _lines(block: CodeBlock, clone: Clone) -> list[str]:
    """The commands of a block, with its orders carried out."""
    out = shlex.quote(str(clone.output(block)))
    lines = [f"echo {shlex.quote(f'== {block}')} >&2", f"OUT={out}"]
    if block.has("form of"):
        form = shlex.quote(str(clone.output(block, "form")))
        lines += ["{", _filled(block.order("form of"), block, clone), f"}} > {form}"]
    if block.language not in RUNS:
        return lines
    if block.language == "python":
        lines += _program(block, clone)
    else:
        text = _filled(_commands(block), block, clone)
        lines.append(block.order("before"))
        lines.append(_ENDLESS.format(text=text) if block.has("endless") else f'{{\n{text}\n}} > "$OUT"')
    return [*lines, 'cat "$OUT"', block.order("after")]


def _program(block: CodeBlock, clone: Clone) -> list[str]:
    file = clone.output(block, "py")
    file.write_text(block.order("before") + "\n" + _filled(block.text, block, clone))
    runner = block.order("run by") or ".venv/bin/python"
    # `manage.py shell` reads its program from standard input.
    return [f'{runner} < {shlex.quote(str(file))} > "$OUT"']


def _commands(block: CodeBlock) -> str:
    """The lines that a reader types: in a `console` block those behind a `$`."""
    if block.language != "console":
        return block.text
    return "\n".join(line.removeprefix("$ ") for line in block.text.splitlines() if line.startswith("$ "))


def _filled(text: str, block: CodeBlock, clone: Clone) -> str:
    """The text with values in place of its placeholders."""
    for rule in block.orders.get("with", []):
        placeholder, _, value = rule.partition(" = ")
        assert placeholder in text or block.has("form of"), f"{block} has no {placeholder}"
        text = text.replace(placeholder, clone.environment[value[1:]] if value.startswith("$") else value)
    return text.replace(LOCAL, clone.environment["URL"])


def _compare(block: CodeBlock, clone: Clone) -> None:
    shown, output = json.loads(block.text), clone.output(block, "form").read_text()
    assert any(same_form(shown, part) for part in _parts(json.loads(output))), f"{block} differs in form from {output}"


def same_form(shown: Any, real: Any) -> bool:
    """Whether both have the same names and types at every depth; of lists, the first entries are compared."""
    if isinstance(shown, dict) and isinstance(real, dict):
        return shown.keys() == real.keys() and all(same_form(shown[name], real[name]) for name in shown)
    if isinstance(shown, list) and isinstance(real, list):
        return not shown or not real or same_form(shown[0], real[0])
    if isinstance(shown, int | float) and isinstance(real, int | float):
        return isinstance(shown, bool) == isinstance(real, bool)
    return type(shown) is type(real)


def _parts(value: Any) -> list[Any]:
    """The value and everything in it."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value, *(part for one in inside for part in _parts(one))]
