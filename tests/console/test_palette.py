"""The search of everything (Ctrl+K): what is found, in which order, and by whom."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from console.palette.entries import LIMIT
from tests.automation.stored_credentials import stored_credential
from tests.console.conftest import FLAGS, page

PALETTE = "/console/palette/"


def found(client, text: str) -> dict[str, list[tuple[str, str]]]:
    """The titles and addresses that a text finds, by group."""
    response = client.get(PALETTE, {"q": text})
    assert response.status_code == 200
    groups = re.split(r'<p id="palette-group-\d+" class="ud-palette-title">', response.content.decode())[1:]
    option = re.compile(r' href="([^"]*)".*?ud-palette-name">(.*?)</span>', re.DOTALL)
    return {
        group.partition("</p>")[0]: [(title, address.replace("&amp;", "&")) for address, title in option.findall(group)]
        for group in groups
    }


def names(client, text: str, group: str) -> list[str]:
    return [title for title, _address in found(client, text).get(group, [])]


def test_objects_are_found_by_name_and_lead_to_their_pages(admin, make):
    token, secret = make.token(name="north")
    api = make(route="north/{id}/status", token=(token, secret)).definition
    script = make.script(name="Northern light")
    credential = stored_credential("north", scripts=[script])
    assert {group: entries for group, entries in found(admin, "NORTH").items() if entries} == {
        "APIs": [("north/{id}/status", page("definitions_apidefinition", "view", api.pk))],
        "Scripts": [("Northern light", page("automation_automationscript", "view", script.pk))],
        "Tokens": [("north", page("tokens_apitoken", "view", token.pk))],
        "Credentials": [("north", page("automation_credential", "view", credential.pk))],
    }


def test_best_match_comes_first(admin, make):
    for name in ("a report", "reports", "report", "Report of today"):
        make.script(name=name)
    assert names(admin, "report", "Scripts") == ["report", "Report of today", "reports", "a report"]
    api = make(route="zones/1").definition
    api.name = "zones"
    api.save()
    make(route="other/zones")
    make(route="zones")
    assert names(admin, "zones", "APIs") == ["zones", "zones/1", "other/zones"]


def test_api_is_found_by_its_name_too(admin, make):
    api = make(route="channels/1").definition
    api.name = "Restart a channel"
    api.save()
    content = admin.get(PALETTE, {"q": "restart"}).content.decode()
    assert '<span class="ud-palette-name">channels/1</span>' in content
    assert '<span class="ud-palette-further">Restart a channel</span>' in content


def test_id_finds_its_object(admin, make):
    script = make.script(name="by id")
    assert names(admin, f" {script.pk} ", "Scripts") == ["by id"]


def test_few_of_many_are_shown_with_the_way_to_all(admin, make):
    for number in range(LIMIT + 2):
        make.script(name=f"many & more {number}")
    *shown, more = found(admin, "many & more")["Scripts"]
    assert len(shown) == LIMIT
    assert more == ("All matching Scripts…", f"{page('automation_automationscript', 'changelist')}?q=many+%26+more")


@pytest.mark.parametrize(
    ("flag", "group"),
    [
        ("definitions.ui_available", "APIs"),
        ("automation.ui_available", "Scripts"),
        ("tokens.ui_available", "Tokens"),
        ("automation.credentials_ui_available", "Credentials"),
    ],
)
def test_no_name_is_told_to_those_who_may_not_view_it(visit, make, flag, group):
    token, secret = make.token(name="secretive")
    api = make(route="secretive", token=(token, secret)).definition
    stored_credential("secretive", scripts=[make.script(name="secretive")])
    for text in ("secretive", str(api.pk), str(token.pk)):
        assert group not in found(visit(*FLAGS - {flag}), text)
    assert list(found(visit(flag), "secretive")) == [group]


def test_pages_and_actions_are_those_of_the_user(visit, admin):
    user = visit("tokens.ui_available")
    assert names(user, "", "Pages") == [
        "Overview",
        "Tokens",
        "Nodes &amp; queue",
        "Events",
        "Management API",
        "Personal keys",
        "Environments",
    ]
    assert names(user, "", "Actions")[:1] == ["New personal key"]
    assert found(admin, "new tok")["Actions"] == [("New token", page("tokens_apitoken", "add"))]
    assert found(admin, "trigger")["Pages"] == [("Trigger an API", "/console/trigger/")]
    assert "Pages" not in found(user, "trigger")
    assert "Pages" not in found(user, "users")


@pytest.mark.parametrize("text", ["%", "_", "\\", "' OR 1=1 --", "x" * 301, "nul\0"])
def test_text_means_itself(admin, make, text):
    make(route="plain")
    assert not {"APIs", "Scripts", "Tokens"} & found(admin, text).keys()


def test_names_are_escaped(admin, make):
    name = '<b onclick="x">"&'
    make.script(name=name)
    content = admin.get(PALETTE, {"q": "<b"}).content.decode()
    assert escape(name) in content
    assert "<b onclick" not in content


def test_search_costs_the_same_with_many_objects(admin, make):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            admin.get(PALETTE, {"q": "e"})
        # A source or a value is not read for the sake of a name.
        assert not any('"source"' in query["sql"] for query in captured)
        return len(captured)

    make()
    few = queries()
    for _ in range(12):
        make()
    assert queries() == few


def test_only_users_of_the_console_search(client, db):
    assert client.get(PALETTE, {"q": "x"}).status_code == 302
