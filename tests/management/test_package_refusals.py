"""A block that asks for what scripts cannot have is refused with its line, in scripts and libraries alike."""

import pytest

from automation.models import AutomationScript
from testbed.publisher import ECHO
from tests.management.conftest import ROOT, refused

SCRIPTS = f"{ROOT}scripts/"
LIBRARY = "NAME = 1\n"


def block(*lines: str) -> str:
    return "\n".join(["# /// script", *(f"# {line}" for line in lines), "# ///", "", ""])


@pytest.mark.parametrize(
    ("start", "line", "said"),
    [
        (block("[tool.uv]", 'index-url = "https://example.org"'), 2, "no table [tool]"),
        (block("dependencies = [", '  "allowed",', '  "six @ file:///x",', "]"), 4, "not a file or an address"),
        (block('dependencies = ["./six"]'), 2, "not a file or an address"),
        (block('dependencies = ["--index-url=https://example.org"]'), 2, "not an option"),
        (
            block('dependencies = ["allowed", "Six>=1"]'),
            2,
            "The package six is not one of those that scripts may have.",
        ),
        (block('dependencies = ["allowed=1"]'), 2, "“allowed=1” is not a dependency"),
        (block("dependencies = [", "}"), 3, "The block is not TOML"),
        (block('name = "x"'), 2, "only requires-python and dependencies"),
        (block("dependencies = []") * 2, 5, "this is the second"),
        (block('requires-python = "three"'), 1, "requires-python is one or more versions"),
        (block('requires-python = "<3.11"'), 1, "No version of Python from 3.11 on is <3.11"),
    ],
)
def test_a_wrong_block_is_refused_with_its_line(admin, make, settings, start, line, said):
    settings.UDAPI_PACKAGES_ALLOWED = ["allowed"]
    make.script(name="other")
    for answer in (
        admin.post(SCRIPTS, {"name": "new", "source": start + ECHO}),
        admin.post(SCRIPTS, {"name": "new", "kind": "Library", "source": start + LIBRARY}),
        admin.patch(f"{SCRIPTS}other/", {"source": start + ECHO}),
    ):
        (error,) = refused(answer, 400)
        assert (error["reason"], error["line"]) == ("InvalidScript", line)
        assert said in error["message"]
        assert error["detail"] == f"Line {line}: {error['message']}"
    assert list(AutomationScript.objects.values_list("name", "source")) == [("other", ECHO)]


def test_a_script_and_its_library_need_a_python_that_suits_both(admin, make):
    make.script(block('requires-python = "<3.12"') + LIBRARY, name="base", kind="Library")
    source = block('requires-python = ">=3.12"') + f"import scripts.base\n{ECHO}"
    (error,) = refused(admin.post(SCRIPTS, {"name": "new", "source": source}), 400)
    assert (error["reason"], error["line"]) == ("InvalidScript", None)
    assert error["message"] == "No version of Python from 3.11 on is <3.12,>=3.12, as requires-python says."
