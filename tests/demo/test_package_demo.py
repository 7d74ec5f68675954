"""The package of the demo: its wheel, its lock, and the unit tests of the script that uses it."""

import hashlib
import io
import os
import subprocess
import sys
from pathlib import Path

from django.core.management import call_command

from testbed.stack import ROOT
from tests.demo.conftest import DEMO

PACKAGES = DEMO / "packages"


def _made(directory: Path) -> Path:
    """The wheel, made as the guide says it."""
    command = [sys.executable, "-I", "-S", str(PACKAGES / "wheel.py"), str(directory)]
    subprocess.run(command, capture_output=True, check=True)
    (wheel,) = directory.iterdir()
    return wheel


def test_the_wheel_is_always_the_one_of_the_lock(tmp_path):
    made = {_made(tmp_path / name).read_bytes() for name in ("one", "other/deeper")}
    (content,) = made
    assert f"sha256:{hashlib.sha256(content).hexdigest()}\n" in (PACKAGES / "rundown.lock").read_text()


def test_the_unit_tests_of_the_script_find_its_package(tmp_path, settings):
    settings.UDAPI_WHEELHOUSE = _made(tmp_path / "wheels").parent
    output = io.StringIO()
    call_command("packages", "path", str(PACKAGES / "rundown.py"), stdout=output)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, str(PACKAGES)]
    own = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    environment = own | {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{output.getvalue().strip()}"}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert "14 passed" in ran.stdout, ran.stdout + ran.stderr
