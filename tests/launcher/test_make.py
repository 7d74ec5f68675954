"""The Makefile on machines that lack something."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.launcher.launcher_process import PROJECT


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The files that `make run` needs, without a Python environment."""
    shutil.copy(PROJECT / "Makefile", tmp_path)
    (tmp_path / "launcher").mkdir()
    for name in ("__init__.py", "install.py"):
        shutil.copy(PROJECT / "launcher" / name, tmp_path / "launcher")
    (tmp_path / "launcher" / "__main__.py").write_text("print('started')")
    (tmp_path / "requirements.txt").write_text("")
    return tmp_path


def _make(clone: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["make", "run", *arguments], cwd=clone, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"}
    )


def test_make_without_a_python_says_what_to_do(clone: Path) -> None:
    ended = _make(clone, "PYTHON=/nowhere/python3")
    assert "Error: Python 3.11 or newer was not found (tried: /nowhere/python3)" in ended.stdout
    assert ended.returncode


def test_make_with_an_old_python_says_what_to_do(clone: Path) -> None:
    old = clone / "old-python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    assert "Error: Python 3.11 or newer was not found" in _make(clone, f"PYTHON={old}").stdout


def test_make_without_venv_says_what_to_do(clone: Path) -> None:
    odd = clone / "odd-python"
    odd.write_text('#!/bin/sh\n[ "$1" = -m ] && echo "No module named venv" && exit 1\nexit 0\n')
    odd.chmod(0o755)
    ended = _make(clone, f"PYTHON={odd}")
    assert "Error: .venv cannot be made: install the venv module" in ended.stdout
    assert ended.returncode


def test_an_environment_is_made_once_and_again_when_it_is_broken(clone: Path) -> None:
    first = _make(clone, f"PYTHON={sys.executable}")
    assert "Making .venv" in first.stdout
    assert "Installing requirements.txt" in first.stdout
    assert first.stdout.rstrip().endswith("started"), first.stdout + first.stderr
    assert "Installing" not in _make(clone).stdout
    (clone / ".venv" / "bin" / "python").unlink()
    again = _make(clone, f"PYTHON={sys.executable}")
    assert "Making .venv" in again.stdout
    assert "Installing requirements.txt" in again.stdout


def test_requirements_that_cannot_be_installed_are_a_sentence(clone: Path) -> None:
    (clone / "requirements.txt").write_text("./nothing-is-here\n")
    ended = _make(clone, f"PYTHON={sys.executable}")
    assert "Error: requirements.txt could not be installed" in ended.stdout
    assert not (clone / ".venv" / ".installed-run").exists()
    assert ended.returncode
