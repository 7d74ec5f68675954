"""What the script editor asks the server while the user types, and the examples it starts from."""

import pytest

from tests.console.conftest import FLAGS, page

MODEL = "automation_automationscript"
ADDRESS = "/console/automation/automationscript/check/"


def found(client, source):
    response = client.post(ADDRESS, {"source": source})
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


@pytest.mark.parametrize("missing", ["automation.add_edit", "automation.ui_available"])
def test_who_may_not_write_scripts_checks_none(visit, missing):
    assert visit(*FLAGS - {missing}).post(ADDRESS, {"source": "x"}).status_code == 403


def test_the_source_check_refuses_get(admin):
    assert admin.get(ADDRESS).status_code == 403


def test_a_new_script_can_start_from_the_demo(admin):
    response = admin.get(page(MODEL, "add"), {"template": "echo"})
    assert "def on_api_trigger" in response.context["adminform"].form["source"].value()
    assert "?template=echo" in response.content.decode()
    for name in ("nothing", "../manage", "../udapi_site/settings", "test_echo"):
        form = admin.get(page(MODEL, "add"), {"template": name}).context["adminform"].form
        assert not form["source"].value()


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
