"""What is installed is what was locked: exact versions, wheels only, each with its hash."""

import base64
import hashlib
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from testbed.stack import ROOT

FILES = ["requirements", "requirements-dev"]
PINNED = re.compile(r"^(?P<name>[a-z0-9._-]+)(\[[a-z,]+\])?==(?P<version>[^ ]+)(?P<rest>.*)$", re.MULTILINE)
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}\b")


def _locked(name: str) -> str:
    """The lock file, one requirement a line."""
    return (ROOT / f"{name}.txt").read_text().replace("\\\n", " ")


def _versions(name: str) -> dict[str, str]:
    return {found["name"]: found["version"] for found in PINNED.finditer(_locked(name))}


def _asked_for(name: str) -> list[Requirement]:
    lines = (ROOT / f"{name}.in").read_text().splitlines()
    return [Requirement(line) for line in lines if line[:1].isalnum()]


@pytest.mark.parametrize("name", FILES)
def test_every_requirement_has_a_version_and_hashes_and_is_a_wheel(name):
    first, *lines = [line for line in _locked(name).splitlines() if line and not line.startswith("#")]
    assert first == "--only-binary :all:"
    assert len(lines) > 40
    assert [line for line in lines if not (PINNED.match(line) and HASH.search(line))] == []


@pytest.mark.parametrize("name", FILES)
def test_no_file_names_an_index(name):
    assert not re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host", _locked(name))


@pytest.mark.parametrize("name", FILES)
def test_the_locked_versions_are_those_that_are_asked_for(name):
    locked = _versions(name)
    stale = [str(each) for each in _asked_for(name) if locked[canonicalize_name(each.name)] not in each.specifier]
    assert stale == [], "run `make lock`"


def test_tests_run_on_the_versions_that_the_product_runs_on():
    assert _versions("requirements").items() <= _versions("requirements-dev").items()


def _wheel(directory: Path) -> str:
    """Make an empty package and return its hash."""
    file = directory / "nothing_at_all-1.0-py3-none-any.whl"
    info = "nothing_at_all-1.0.dist-info"
    content = {
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: nothing-at-all\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in content.items():
            archive.writestr(name, text)
        record = [f"{name},sha256={_digest(text)},{len(text)}" for name, text in content.items()]
        archive.writestr(f"{info}/RECORD", "\n".join([*record, f"{info}/RECORD,,", ""]))
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def _install(directory: Path, requirement: str) -> "subprocess.CompletedProcess[str]":
    """Install this requirement as `make run` does, into a directory of its own."""
    (directory / "asked.txt").write_text(requirement)
    pip = {"PIP_TARGET": str(directory / "into"), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(directory)}
    command = [sys.executable, "-m", "launcher.install", str(directory / "asked.txt"), str(directory / "stamp")]
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory)} | pip
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def test_a_wheel_with_its_hash_is_installed(tmp_path):
    found = _install(tmp_path, f"nothing-at-all==1.0 --hash=sha256:{_wheel(tmp_path)}\n")
    assert found.returncode == 0, found.stdout
    assert (tmp_path / "stamp").exists()


@pytest.mark.parametrize("with_hash", [f" --hash=sha256:{'0' * 64}", ""], ids=["another hash", "no hash"])
def test_a_wheel_without_its_hash_is_refused(tmp_path, with_hash):
    _wheel(tmp_path)
    found = _install(tmp_path, f"nothing-at-all==1.0{with_hash}\n")
    assert found.returncode
    assert "hash" in found.stdout.lower()
    assert "Error: " in found.stdout
    assert not (tmp_path / "stamp").exists()
    assert not (tmp_path / "into").exists()


def test_a_source_distribution_is_refused(tmp_path):
    """Its `setup.py` would run before anybody could check it."""
    (tmp_path / "setup.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    archive = tmp_path / "nothing-at-all-1.0.tar.gz"
    subprocess.run(["tar", "czf", archive, "-C", tmp_path, "setup.py"], check=True)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    found = _install(tmp_path, f"nothing-at-all==1.0 --hash=sha256:{digest}\n")
    assert found.returncode
    assert not (tmp_path / "ran").exists()
