"""What the script editor asks the server while the user types, and the examples it starts from."""

import pytest

from automation import compiler
from tests.automation.installed_packages import installed
from tests.console.conftest import FLAGS, errors, page, submit

MODEL = "automation_automationscript"
ADDRESS = "/console/automation/automationscript/check/"


def found(client, source, **about):
    response = client.post(ADDRESS, {"source": source, **about})
    assert response.status_code == 200
    return response.json()


def test_entry_points_and_parameters_are_found(admin):
    source = 'def run(engine):\r\n    engine.script_param("b").value + engine.script_param("a").value\r\n'
    source += "def on_api_trigger(engine, request):\r\n    engine.script_param('b'), engine.script_param(name)\r\n"
    assert found(admin, source) == {
        "line": None,
        "message": "",
        "entry_points": ["on_api_trigger", "run"],
        "parameters": ["b", "a"],
        "problems": [{"line": 4, "message": "name is not defined.", "is_error": False}],
        "checked": "Checked: syntax, entry points, names, imports.",
        "packages": "",
        "consequences": [],
        "reach": [],
    }


@pytest.mark.parametrize(
    ("source", "line"),
    [("x = 1\r\ndef run(engine:\r\n", 2), ("\0", None), ("(" * 5_000, 1), ("def run(e):\n  return 1\n bad\n", 3)],
)
def test_what_does_not_compile_is_told_with_its_line(admin, source, line):
    answer = found(admin, source)
    assert answer["message"]
    assert answer["line"] == line or source.startswith(("(", "\0"))
    assert answer["entry_points"] == answer["parameters"] == []


def test_invalid_sources_do_no_harm(admin):
    assert found(admin, "")["entry_points"] == []
    assert found(admin, "-" * 100_000 + "1")["message"]
    assert admin.post(ADDRESS).status_code == 200


def problems(client, source, **about):
    answer = found(client, source, **about)
    return [(each["line"], each["message"], each["is_error"]) for each in answer["problems"]]


UNKNOWN = (
    "There is no module numpi in Python, the installed packages or the SDK. "
    "A block # /// script can ask for the package that has it."
)
NOT_IN_PACKAGES = (
    "There is no module numpi in Python, the SDK or the packages that the source asks for. "
    "Add the package that has it to the dependencies of the block."
)


def test_probable_mistakes_are_warnings_with_their_lines(admin, make):
    make.script("def helped(): pass\n", name="tools", kind="Library")
    source = "from scripts.tools import helped\nimport numpi\nfrom . import part\n"
    assert problems(admin, source + "def run():\n    return gone\n") == [
        (2, UNKNOWN, False),
        (3, "A script is not part of a package, so a relative import fails.", False),
        (4, "run cannot be called as run(engine).", False),
        (5, "gone is not defined.", False),
    ]
    local = "x = 1\ndef run(engine):\n    print(x)\n    x = 2\n"
    assert problems(admin, local) == [(3, "The local variable x is read before it has a value.", False)]
    exported = "__all__ = ['y']\ndef run(engine): pass\n"
    assert problems(admin, exported) == [(1, "__all__ names y, which is not defined.", False)]


def test_warnings_do_not_keep_a_source_from_being_saved(admin, make):
    source = "import numpi\ndef run():\n    return gone\n"
    assert len(problems(admin, source)) == 3
    assert submit(admin, page(MODEL, "add"), name="warned", source=source).status_code == 302


def test_what_a_save_refuses_is_an_error(admin, make):
    make.script("def helped(): pass\n", name="tools", kind="Library")
    for source, line in (
        ("import scripts.gone\ndef run(engine): pass\n", 1),
        ("def run(engine):\n    from scripts.tools import other\n", 2),
        ("x = 1\n", None),
    ):
        assert [(at, is_error) for at, _message, is_error in problems(admin, source)] == [(line, True)]
        assert errors(submit(admin, page(MODEL, "add"), name="refused", source=source))


def test_a_module_of_no_package_is_named_with_its_line(admin, make):
    source = '# /// script\n# dependencies = ["Six"]\n# ///\nimport six, yaml\nimport numpi\ndef run(engine): pass\n'
    named = [line for line, message, _is_error in problems(admin, source) if "packages that the source asks" in message]
    assert named == [4, 5]
    # As soon as a node has installed them, it is known what they have.
    installed("six", ["six", "six.moves", "yaml"])
    assert problems(admin, source) == [(5, NOT_IN_PACKAGES, False)]


def test_the_packages_of_libraries_count_as_well(admin, make):
    make.script('# /// script\n# dependencies = ["numpi"]\n# ///\nimport numpi\n', name="tools", kind="Library")
    assert problems(admin, "import numpi\nimport scripts.tools\ndef run(engine): pass\n") == []
    assert problems(admin, "import numpi\ndef run(engine): pass\n") == [(1, UNKNOWN, False)]


def test_a_wrong_block_is_an_error_with_its_line(admin, settings):
    settings.UDAPI_PACKAGES_ALLOWED = ["six"]
    block = "# /// script\n# dependencies = [\n#   '{}',\n# ]\n# ///\nimport numpi\ndef run(engine): pass\n"
    for dependency in ("lxml", "six @ https://example.org", "six=1"):
        assert [(at, is_error) for at, _said, is_error in problems(admin, block.format(dependency))] == [(3, True)]
    assert found(admin, block.format("six").replace("]", ""))["line"] == 4


def test_an_entry_point_may_be_async(admin):
    assert found(admin, "async def run(engine): pass\n")["entry_points"] == ["run"]
    assert problems(admin, "async def run(engine): pass\n") == []
    assert problems(admin, "async def run(): pass\n") == [(1, "run cannot be called as run(engine).", False)]


def test_a_library_has_other_rules(admin, make):
    make.script("def helped(): pass\n", name="tools", kind="Library")
    assert problems(admin, "x = 1\n", kind="Library") == []
    ((line, message, is_error),) = problems(admin, "def run(engine): pass\n", kind="Library")
    assert (line, is_error) == (None, True)
    assert "A library has no entry point" in message
    cycle = problems(admin, "import scripts.tools\n", kind="Library", name="tools")
    assert [(at, is_error) for at, _message, is_error in cycle] == [(1, True)]


def test_the_editor_says_what_could_not_be_checked(admin, monkeypatch):
    # As on a machine whose linter is broken: its process ends without an answer.
    monkeypatch.setattr(compiler, "_LINT", "raise SystemExit(1)")
    answer = found(admin, "def run(engine): return gone\n")
    assert answer["checked"] == "Checked: syntax. Names and imports could not be checked."
    assert answer["problems"] == []


@pytest.mark.parametrize("missing", ["automation.add_edit", "automation.ui_available"])
def test_who_may_not_write_scripts_checks_none(visit, missing):
    assert visit(*FLAGS - {missing}).post(ADDRESS, {"source": "x"}).status_code == 403


def test_the_source_check_refuses_get(admin):
    assert admin.get(ADDRESS).status_code == 403


def test_a_new_script_can_start_from_the_demo(admin):
    for name in ("echo", "slack_command"):
        response = admin.get(page(MODEL, "add"), {"template": name})
        assert "def on_api_trigger" in response.context["adminform"].form["source"].value()
        assert f"?template={name}" in response.content.decode()
    for name in ("nothing", "../manage", "../udapi_site/settings", "test_echo"):
        form = admin.get(page(MODEL, "add"), {"template": name}).context["adminform"].form
        assert "What the script does" in form["source"].value()


def test_a_script_leads_to_a_new_definition(admin, visit, make):
    script = make.script()
    address = f"{page('definitions_apidefinition', 'add')}?script={script.pk}"
    assert address in admin.get(page(MODEL, "change", script.pk)).content.decode()
    client = visit(*FLAGS - {"automation.execute"})
    assert address not in client.get(page(MODEL, "change", script.pk)).content.decode()


@pytest.mark.parametrize("model", [MODEL, "tokens_apitoken"])
def test_what_uses_an_object_is_listed_with_links(admin, visit, make, model):
    api = make(route="the/route")
    obj = api.token if model == "tokens_apitoken" else api.definition.script
    assert "the/route" in admin.get(page(model, "change", obj.pk)).content.decode()
    content = visit(*FLAGS - {"definitions.ui_available"}).get(page(model, "change", obj.pk)).content.decode()
    assert "the/route" not in content
    assert str(api.definition.pk) in content
