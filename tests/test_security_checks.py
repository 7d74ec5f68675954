"""`make check` looks for what is insecure: in the code of every folder, and among the requirements."""

import subprocess
import sys
from pathlib import Path

import pytest

from testbed.stack import ROOT

WITH_A_SHELL = "import subprocess\n\nsubprocess.run(input(), shell=True, check=True)\n"
RUFF = str(Path(sys.executable).parent / "ruff")


@pytest.mark.parametrize("folder", ["automation", "tests", "benchmarks", "chaos", "demo", "docs", "launcher"])
def test_a_command_that_goes_through_a_shell_is_noticed_everywhere(folder):
    command = [RUFF, "check", "--output-format", "concise", "--stdin-filename", f"{folder}/test_new.py", "-"]
    found = subprocess.run(command, input=WITH_A_SHELL, cwd=ROOT, capture_output=True, text=True)
    assert "S602" in found.stdout


def test_ruff_and_the_audit_are_steps_of_the_checks():
    steps = (ROOT / ".ci" / "check").read_text()
    assert "ruff check ." in steps
    assert "launcher.audit requirements-dev.txt" in steps
