"""The files that a code host and editors read: they parse, and run what the project pins."""

import re
import tomllib

import pytest
import yaml

from testbed.stack import ROOT

WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]


@pytest.mark.parametrize("file", sorted(ROOT.glob(".github/**/*.yml")), ids=lambda file: file.name)
def test_files_of_the_code_host_parse(file):
    assert yaml.safe_load(file.read_text())


def test_the_workflow_runs_what_everybody_runs():
    steps = WORKFLOW["jobs"]["ci"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == ['sudo env "PATH=$PATH" bash .ci/run']


def test_the_actions_of_the_workflow_are_pinned():
    actions = [step["uses"] for step in WORKFLOW["jobs"]["ci"]["steps"] if "uses" in step]
    assert actions
    assert all(re.fullmatch(r"[\w/-]+@v\d+\.\d+\.\d+", action) for action in actions)


def test_the_workflow_begins_with_the_oldest_python():
    needs = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert WORKFLOW["jobs"]["ci"]["strategy"]["matrix"]["python"][0] == needs.removeprefix(">=")


def test_hooks_run_the_pinned_tools():
    pinned = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements-dev.txt").read_text(), re.MULTILINE))
    hooks = [hook for repository in HOOKS for hook in repository["hooks"]]
    assert {repository["repo"] for repository in HOOKS} == {"local"}
    tools = {tool for hook in hooks for tool in re.findall(r"\.venv/bin/([\w-]+)", hook["entry"])}
    assert tools == {"ruff", "mypy"}
    assert tools <= pinned
