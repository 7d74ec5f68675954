"""The unit tests of the demo need only pytest and the SDK, as docs/guides/testing-scripts.md says."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from testbed.stack import ROOT
from tests.demo.conftest import DEMO

NO_DJANGO = "import sys\nsys.modules['django'] = None\n"


def test_the_demo_tests_pass_in_a_directory_of_their_own_without_django(tmp_path):
    scripts = tmp_path / "scripts"
    shutil.copytree(DEMO, scripts, ignore=shutil.ignore_patterns("__pycache__", "packages"))
    # An import of Django fails.
    (scripts / "conftest.py").write_text(NO_DJANGO)
    ended = _pytest(scripts)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "54 passed" in ended.stdout


def test_the_demo_tests_fail_with_another_script(tmp_path):
    shutil.copy(DEMO / "test_logbook.py", tmp_path)
    (tmp_path / "logbook.py").write_text("def run(engine):\n    pass\n")
    ended = _pytest(tmp_path)
    assert ended.returncode == 1
    assert "2 failed" in ended.stdout


def _pytest(where: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    return subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True, timeout=120)
