"""The page about definitions as code: its examples can be imported. `tests/docs` runs its commands."""

import re

import pytest

from automation.models import AutomationScript
from definitions.models import ApiDefinition
from testbed.publisher import ECHO
from testbed.stack import ROOT
from tests.as_code.conftest import import_apis

PAGE = (ROOT / "docs" / "guides" / "definitions-as-code.md").read_text()


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.django_db
def test_the_example_of_the_page_can_be_imported(files):
    example, with_versions = _blocks("yaml")
    assert "definitions: 1 added" in import_apis(files(example, **{"scripts/status.py": ECHO}))
    older = {"scripts/encoder_status@3.py": f"import scripts.text_tools\n{ECHO}", "scripts/text_tools@2.py": "x = 2\n"}
    current = {"scripts/encoder_status.py": ECHO, "scripts/text_tools.py": "x = 3\n"}
    assert "versions: 2 added" in import_apis(files(with_versions, **older, **current))
    pinned = ApiDefinition.objects.get(script_version=3)
    assert pinned.script == AutomationScript.objects.get(name="encoder_status")
