"""The SDK as a package of its own: an environment without the product can test scripts and check their types."""

import importlib
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

from testbed.stack import ROOT

PACKAGE = ROOT / "automation" / "sdk"
PYTEST = ("pytest", "_pytest", "pluggy", "iniconfig", "packaging", "pygments", "py")

NO_PRODUCT = """\


def test_the_product_is_not_here():
    with pytest.raises(ImportError):
        importlib.import_module("django")
    with pytest.raises(ImportError):
        importlib.import_module("automation.models")
"""

WRONG = """\
from automation.sdk import ApiTriggerInput, Engine, StatusCode

engine = Engine({"host": "a"}, credentials={"smtp": 1})
reveal_type(engine.run_subscript("a", wait=False))
reveal_type(ApiTriggerInput().headers.get("a", 1))
engine.password("smtp")
StatusCode.TEAPOT
"""

FOUND = [
    'wrong.py:3: error: Dict entry 0 has incompatible type "str": "int"; expected "str": "str"  [dict-item]',
    'wrong.py:4: note: Revealed type is "str"',
    'wrong.py:5: note: Revealed type is "str | int"',
    'wrong.py:6: error: "Engine" has no attribute "password"  [attr-defined]',
    'wrong.py:7: error: "type[StatusCode]" has no attribute "TEAPOT"  [attr-defined]',
    "Found 3 errors in 1 file (checked 2 source files)",
]


def run(where: Path, *command: str | Path) -> str:
    """What a program prints in a directory, without the settings of this process."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(where), "PYTHONPATH": "pytest", "NO_COLOR": "1"}
    ended = subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True, timeout=120)
    return ended.stdout + ended.stderr


def fill(where: Path) -> None:
    """Write what the README shows, a script with mistakes, and pytest without what is installed beside it."""
    script, test = re.findall(r"```python\n(.*?)```", (PACKAGE / "README.md").read_text(), re.DOTALL)
    files = {"greet": script, "test_greet": f"import importlib\n{test}{NO_PRODUCT}", "wrong": WRONG}
    for name, text in files.items():
        (where / f"{name}.py").write_text(text)
    (where / "pytest").mkdir()
    for name in PYTEST:
        file = Path(str(importlib.import_module(name).__file__))
        installed = file.parent if file.name == "__init__.py" else file
        (where / "pytest" / installed.name).symlink_to(installed)


def test_an_environment_without_the_product_tests_and_checks_scripts(tmp_path):
    fill(tmp_path)
    venv.create(tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(tmp_path, *pip, "wheel", "--no-build-isolation", "--no-index", "--wheel-dir", tmp_path, PACKAGE)
    (wheel,) = tmp_path.glob("udapi_sdk-*.whl")
    run(tmp_path, *pip, "--python", python, "install", "--no-index", wheel)

    told = run(tmp_path, python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_greet.py")
    assert "3 passed" in told, told

    mypy = (sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--python-executable", python)
    assert run(tmp_path, *mypy, "greet.py", "wrong.py").splitlines() == FOUND


def test_the_package_has_the_version_of_the_product():
    package, product = (tomllib.loads((where / "pyproject.toml").read_text())["project"] for where in (PACKAGE, ROOT))
    assert (package["version"], package["requires-python"]) == (product["version"], product["requires-python"])
