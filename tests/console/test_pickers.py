"""The parts of a definition's form that are loaded while the user types: scripts and tokens."""

import pytest

from tests.console.conftest import FLAGS, page

ROOT = "/console/definitions/apidefinition/"
SOURCE = '"""Answers with <nothing>."""\n\ndef run(engine):\n    engine.script_param("host")\n'


def part(client, name, **query) -> str:
    response = client.get(f"{ROOT}{name}/", query)
    assert response.status_code == 200
    return str(response.content.decode())


def test_scripts_are_found_by_name_and_description(admin, make):
    make.script(SOURCE, name="needle", description="does things")
    make.script(name="hay")
    for term in ("NEED", "things"):
        shown = part(admin, "pick-script", q=term)
        assert "needle" in shown
        assert "hay" not in shown
    assert "No script matches" in part(admin, "pick-script", q="\0")


def test_a_script_says_what_it_does(admin, make):
    script = make.script(SOURCE, name="one", parameters=["host"])
    shown = part(admin, "show-script", script=str(script.pk))
    assert "Answers with &lt;nothing&gt;." in shown
    assert 'data-entry-points="run"' in shown
    assert ">host<" in shown
    assert part(admin, "show-script", script="rubbish").strip() == ""


def test_tokens_are_found_by_name_and_id(admin, make):
    token, _ = make.token(name="needle", is_disabled=True)
    make.token(name="hay")
    for term in ("NEED", str(token.pk)):
        shown = part(admin, "pick-tokens", q=term)
        assert str(token.pk) in shown
        assert "Disabled" in shown
        assert "hay" not in shown


def test_a_long_list_says_that_there_is_more(admin, make):
    for _ in range(51):
        make.token()
    shown = part(admin, "pick-tokens")
    assert shown.count("data-id=") == 50
    assert "data-has-more" in shown
    assert "data-has-more" not in part(admin, "pick-tokens", q="nothing like this")


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("pick-script", "automation.ui_available"),
        ("show-script", "automation.ui_available"),
        ("pick-tokens", "tokens.ui_available"),
        ("pick-script", "definitions.add_edit"),
        ("pick-tokens", "definitions.ui_available"),
    ],
)
def test_pickers_need_the_flags_of_what_they_list(visit, name, missing):
    assert visit(*FLAGS - {missing}).get(f"{ROOT}{name}/").status_code == 403
    assert visit(*FLAGS).get(f"{ROOT}{name}/").status_code == 200


def test_the_form_begins_with_the_script_of_the_address(admin, make):
    script = make.script(name="one")
    address = page("definitions_apidefinition", "add")
    assert f'value="{script.pk}"' in admin.get(address, {"script": str(script.pk)}).content.decode()
    assert admin.get(address, {"script": "rubbish", "route": "r", "allowed_tokens": "x"}).status_code == 200


@pytest.mark.parametrize("may", [True, False])
def test_a_new_token_is_offered_to_who_may_make_one(visit, may):
    client = visit(*FLAGS if may else FLAGS - {"tokens.add_edit"})
    content = client.get(page("definitions_apidefinition", "add")).content.decode()
    assert ('id="new-token"' in content) is may
