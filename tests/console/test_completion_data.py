"""What the script editor completes comes from the SDK as it is: names, members, signatures and docstrings."""

import importlib

import pytest

from automation import sdk
from console.scripts.sdk_outline import outline_of
from tests.automation.installed_packages import installed
from tests.automation.stored_credentials import stored_credential
from tests.console.conftest import page

MODEL = "automation_automationscript"
SDK = f"/console/{MODEL.replace('_', '/')}/sdk/"
CHECK = f"/console/{MODEL.replace('_', '/')}/check/"
MODULES = f"/console/{MODEL.replace('_', '/')}/modules/"
LIBRARY = f"/console/{MODEL.replace('_', '/')}/library/"

NEW = '''
from dataclasses import dataclass
from functools import cached_property
from typing import Self, overload


class Part:
    """A part."""

    def value(self) -> str: ...


@dataclass
class Base:
    size: int = 3


class Whole(Base):
    """What a script gets.

    More about it.
    """

    def __init__(self, part: Part, *, hidden=object()) -> None:
        self.given = part
        self.count = int("1")
        self.parts: list[Part] = []
        self._secret = hidden

    @property
    def first(self) -> Part | None:
        """The first part."""

    @cached_property
    def by_name(self) -> dict[str, Part]: ...

    @overload
    def find(self, name: str) -> Part: ...
    @overload
    def find(self, name: str, default: None) -> None: ...
    def find(self, name, default=None): ...

    @classmethod
    async def made(cls, *names: str, **more: int) -> Self: ...
'''


@pytest.fixture
def answer(admin):
    return admin.get(SDK).json()


def test_every_name_of_the_sdk_is_there(answer):
    assert answer["module"] == "automation.sdk"
    assert {"return", "await"} <= set(answer["keywords"])
    assert list(answer["names"]) == sdk.__all__
    # A name that scripts cannot import would be of no use.
    classes = {name for name, entry in answer["names"].items() if entry["kind"] == "class"}
    assert classes == {name for name in sdk.__all__ if isinstance(getattr(sdk, name), type)}
    assert all(answer["names"][name]["doc"] for name in classes)


@pytest.mark.parametrize(
    "instance",
    [
        sdk.Engine(),
        sdk.ApiTriggerInput(),
        sdk.ApiTriggerOutput(),
        sdk.TriggerContext(),
        sdk.RequestHeaders(),
        sdk.QueryParameters(),
        sdk.FormValues(),
        sdk.ResponseHeaders(),
        sdk.ScriptParameter("a", "b"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_every_member_of_what_scripts_get_is_there(answer, instance):
    members = {name for name in dir(instance) if not name.startswith("_")}
    assert set(answer["types"][type(instance).__name__]) == members


def test_it_says_how_each_is_called_and_what_follows(answer):
    engine, status = answer["types"]["Engine"], answer["types"]["StatusCode"]
    assert engine["script_param"]["parameters"] == ["name: str"]
    assert engine["script_param"]["type"] == "ScriptParameter"
    assert engine["credential"]["returns"] == "str"
    assert engine["run_subscript"]["parameters"][0] == "name: str"
    assert {name for name, entry in status.items() if entry["on_class"]} == set(sdk.StatusCode.__members__)
    assert answer["types"]["ApiTriggerOutput"]["json"]["on_class"]
    assert answer["types"]["ApiError"]["status"]["type"] == "int"
    assert answer["types"]["ApiTriggerInput"]["headers"]["type"] == "RequestHeaders"
    assert "strip" in answer["types"]["str"]


def test_the_outline_names_no_place_of_the_process(admin):
    assert " at 0x" not in admin.get(SDK).content.decode()


def test_what_is_new_in_a_module_appears_by_itself(tmp_path, monkeypatch):
    (tmp_path / "new_sdk.py").write_text(NEW)
    monkeypatch.syspath_prepend(tmp_path)
    found = outline_of(importlib.import_module("new_sdk"))
    whole = found.types["Whole"]
    assert found.names["Whole"].parameters == ("part: Part", "*", "hidden=…")
    assert found.names["Whole"].doc == "What a script gets."
    assert {name: entry.type for name, entry in whole.items()} == {
        "size": "int",
        "given": "Part",
        "count": "int",
        "parts": "list",
        "first": "Part",
        "by_name": "dict",
        "find": "Part",
        "made": "Whole",
    }
    assert whole["first"].doc == "The first part."
    assert whole["by_name"].item == "Part"
    assert (whole["find"].parameters, whole["find"].returns) == (("name", "default=None"), "Part | None")
    assert whole["made"].parameters == ("*names: str", "**more: int")
    assert (whole["made"].returns, whole["made"].on_class) == ("Whole", True)


def test_an_unchanged_outline_is_not_sent_again(admin):
    first = admin.get(SDK)
    assert "no-store" not in first["Cache-Control"]
    again = admin.get(SDK, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_page_knows_the_libraries(admin, make):
    make.script("def greeting(): pass\n_own = 1\n", name="tools", kind="Library")
    make.script(name="no_library")
    known = admin.get(page(MODEL, "add")).context["known_names"]
    assert known == {"libraries": ["tools"], "credentials": []}
    assert admin.get(LIBRARY, {"name": "tools"}).json() == {"names": ["greeting"]}
    assert admin.get(LIBRARY, {"name": "no_library"}).json() == {"names": []}
    assert admin.get(LIBRARY).json() == {"names": []}


def test_the_modules_of_packages_are_those_of_their_newest_lock(admin):
    block = "# /// script\n# dependencies = ['Six']\n# ///\ndef run(engine): pass\n"
    packages = admin.post(CHECK, {"source": block}).json()["packages"]
    assert admin.get(MODULES, {"packages": packages}).json() == {"modules": None}
    assert installed("six", ["six"]) == packages
    installed("lxml", ["lxml"])
    installed("six", ["six", "six.moves"])
    installed("six", None)
    assert admin.get(MODULES, {"packages": packages}).json() == {"modules": ["six", "six.moves"]}
    assert admin.get(MODULES).json() == {"modules": None}


def test_the_page_knows_the_credentials_of_its_script(admin, make, visit):
    script, other = make.script(name="mails"), make.script(name="other")
    stored_credential("smtp", scripts=[script])
    stored_credential("ftp", scripts=[other])
    own = page(MODEL, "change", script.pk)
    assert admin.get(own).context["known_names"]["credentials"] == ["smtp"]
    assert admin.get(page(MODEL, "add")).context["known_names"]["credentials"] == []
    writer = ("automation.ui_available", "automation.add_edit")
    assert visit(*writer).get(own).context["known_names"]["credentials"] == []
    sees = "automation.credentials_ui_available"
    assert visit(*writer, sees).get(own).context["known_names"]["credentials"] == ["smtp"]
