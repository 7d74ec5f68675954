"""The lists of definitions, tokens and scripts: what they show, search, filter and sort, and to whom."""

import pytest
from django.conf import settings
from django.utils import timezone

from console.definitions.curl import curl
from console.templatetags.console import sort_choices
from definitions.changes import save_definition
from tests.console.conftest import FLAGS, page
from tokens.models import ApiToken

DEFINITION, TOKEN, SCRIPT = "definitions_apidefinition", "tokens_apitoken", "automation_automationscript"
RUN = "def run(engine):\n    pass\n"


def listed(client, model, **query):
    """What the list shows, by route or name."""
    response = client.get(page(model, "changelist"), query)
    assert response.status_code == 200
    return [getattr(row, "route", None) or row.name for row in response.context["cl"].result_list]


def content(client, model, **query) -> str:
    return str(client.get(page(model, "changelist"), query).content.decode())


@pytest.fixture
def apis(make):
    """Two APIs that differ in everything."""
    first = make(route="a/one", name="script one", token=make.token(name="token one"))
    second = make(RUN, route="b/{id}", name="script two", action_type="AutomationScriptNoEntryPoint", parameters=["p"])
    return first, second


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({"q": "A/ON"}, ["a/one"]),
        ({"q": "script tw"}, ["b/{id}"]),
        ({"script": "ONE"}, ["a/one"]),
        ({"token": "token on"}, ["a/one"]),
        ({"action": "raw"}, ["a/one"]),
        ({"action": "parameters"}, []),
        ({"action": "run"}, ["b/{id}"]),
        ({"action": "rubbish"}, ["a/one", "b/{id}"]),
        ({"callable": "no"}, []),
        ({"author": "syst"}, ["a/one", "b/{id}"]),
        ({"author": "nobody"}, []),
        ({"created": "hour"}, ["a/one", "b/{id}"]),
        ({"modified": "hour", "q": "one"}, ["a/one"]),
        ({"script": "\0"}, []),
        ({"o": "-1"}, ["b/{id}", "a/one"]),
    ],
)
def test_definitions_are_searched_filtered_and_sorted(admin, apis, query, wanted):
    assert listed(admin, DEFINITION, **query) == wanted


@pytest.mark.parametrize("model", [DEFINITION, TOKEN, SCRIPT])
def test_every_column_can_be_chosen_to_sort_by(admin, apis, model):
    columns = {"created by", "created", "last modified by", "modified"}
    context = admin.get(page(model, "changelist"), {"o": "-1"}).context
    choices = sort_choices(context["cl"])
    assert [words for _, words, is_chosen in choices if is_chosen] == [choices[0][1] + ", descending"]
    assert columns <= {words.lower() for _, words, _ in choices}
    for value, _, _ in choices:
        assert len(listed(admin, model, o=value)) == 2
    assert sort_choices(admin.get(page(model, "changelist"), {"o": "1.-2"}).context["cl"])[-1][2]


def test_definitions_are_filtered_by_ids(admin, apis):
    first, second = apis
    assert listed(admin, DEFINITION, token=str(second.token.pk)) == ["b/{id}"]
    assert listed(admin, DEFINITION, script=str(first.definition.script_id)) == ["a/one"]


@pytest.mark.parametrize("model", [DEFINITION, TOKEN, SCRIPT])
def test_every_column_sorts(admin, apis, model):
    columns = admin.get(page(model, "changelist")).context["cl"].list_display
    for number in range(1, len(columns)):
        assert len(listed(admin, model, o=f"-{number}")) == 2


def test_a_definition_can_be_copied_as_url_and_as_curl(admin, apis):
    shown = content(admin, DEFINITION)
    base = settings.UDAPI_PUBLIC_URL
    assert f'data-copy="{base}/api/custom/a/one"' in shown
    assert f"curl -X POST {base}/api/custom/a/one -H &quot;Authorization: Bearer $TOKEN&quot;" in shown
    assert f"curl -X POST --globoff &#x27;{base}/api/custom/b/{{id}}&#x27;" in shown
    assert "{&quot;p&quot;: &quot;&quot;}" in shown


@pytest.mark.parametrize(
    ("accepted", "input_type", "sent"),
    [
        (["*/*"], "RawBody", "-H 'Content-Type: application/json' --data '{}'"),
        (["image/png", "text/csv"], "RawBody", "-H 'Content-Type: image/png' --data-binary @FILE"),
        (["text/plain"], "Parameters", "-H 'Content-Type: text/plain' --data '{\"p\": \"\"}'"),
    ],
)
def test_the_curl_command_sends_what_the_api_accepts(make, accepted, input_type, sent):
    definition = make(parameters=["p"], content_types=accepted, input_type=input_type).definition
    assert curl(definition).endswith(sent)


def test_links_lead_only_where_the_user_may_go(visit, apis):
    shown = content(visit("definitions.ui_available"), DEFINITION)
    assert "script one" in shown
    assert "token one" not in shown
    assert str(apis[0].token.pk)[:8] in shown
    assert "/console/automation/automationscript/" not in shown
    assert "/console/tokens/apitoken/" not in shown
    assert "Try it" not in shown


def test_a_definition_with_many_tokens_shows_the_first(admin, make):
    api = make(token=make.token(name="a0"))
    tokens = [api.token, *(make.token(name=f"a{number}")[0] for number in range(1, 6))]
    save_definition(api.definition, "system", tokens)
    shown = content(admin, DEFINITION)
    assert "a2" in shown
    assert "+3 more" in shown
    assert ">a3<" not in shown


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({"state": "disabled"}, ["off"]),
        ({"state": "enabled"}, ["free", "used"]),
        ({"use": "never"}, ["free", "off"]),
        ({"use": "used"}, ["used"]),
        ({"use": "assigned"}, ["used"]),
        ({"use": "unassigned"}, ["free", "off"]),
        ({"limit": "yes"}, ["free"]),
        ({"limit": "no"}, ["off", "used"]),
    ],
)
def test_tokens_are_filtered(admin, make, query, wanted):
    used, _ = make.token(name="used")
    make(token=(used, ""))
    make.token(name="off", is_disabled=True)
    make.token(name="free", rate_limit=60, rate_window_seconds=60)
    ApiToken._base_manager.filter(pk=used.pk).update(last_used=timezone.now())
    assert listed(admin, TOKEN, **query) == wanted


@pytest.mark.parametrize(
    ("query", "wanted"), [({"entry": "run"}, ["b"]), ({"use": "used"}, ["a"]), ({"q": "a"}, ["a"])]
)
def test_scripts_are_filtered(admin, make, query, wanted):
    make(name="a")
    make.script(RUN, name="b")
    assert listed(admin, SCRIPT, **query) == wanted


@pytest.mark.parametrize(
    ("model", "flag"),
    [(DEFINITION, "definitions.add_edit"), (TOKEN, "tokens.add_edit"), (SCRIPT, "automation.add_edit")],
)
def test_an_empty_list_says_what_to_do(visit, model, flag):
    address = page(model, "add")
    assert "ud-empty" in content(visit(*FLAGS), model)
    assert f'class="ud-button is-primary" href="{address}"' in content(visit(*FLAGS), model)
    assert f'href="{address}"' not in content(visit(*FLAGS - {flag}), model)
    assert "Nothing matches your search and filters." in content(visit(*FLAGS), model, q="x")


@pytest.mark.parametrize("model", [DEFINITION, TOKEN, SCRIPT])
def test_names_are_no_markup(admin, make, model):
    make(name="<b>x</b>", route="<b>".replace("<", "(").replace(">", ")"), token=make.token(name="<i>'\"&"))
    shown = content(admin, model)
    assert "<b>x</b>" not in shown
    assert "<i>" not in shown
