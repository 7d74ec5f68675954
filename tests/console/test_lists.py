"""The lists of definitions, tokens and scripts: what they show, search, filter and sort, and to whom."""

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.utils import timezone

from console.definitions.curl import curl
from console.list_table import ListTable
from definitions.changes import save_definition
from keys.changes import create_key
from runs.models import FailingApi
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


def table(client, model, **query) -> ListTable:
    """The page of a list."""
    response = client.get(page(model, "changelist"), query)
    return ListTable(response.wsgi_request, response.context["cl"])


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
        ({"o": "-address"}, ["b/{id}", "a/one"]),
        ({"o": "-3"}, ["a/one", "b/{id}"]),
    ],
)
def test_definitions_are_searched_filtered_and_sorted(admin, apis, query, wanted):
    assert listed(admin, DEFINITION, **query) == wanted


@pytest.mark.parametrize("model", [DEFINITION, TOKEN, SCRIPT])
def test_every_column_can_be_chosen_to_sort_by(admin, apis, model):
    columns = {"created by", "created", "last modified by", "modified"}
    first = table(admin, model).names[0]
    choices = table(admin, model, o=f"-{first}").orders
    assert [words for _, words, is_chosen in choices if is_chosen] == [choices[0][1] + ", descending"]
    assert columns <= {words.lower() for _, words, _ in choices}
    for value, _, _ in choices:
        assert len(listed(admin, model, o=value)) == 2
    assert table(admin, model, o=f"{first}.-at_created").orders[-1][2]


def test_definitions_are_filtered_by_ids(admin, apis):
    first, second = apis
    assert listed(admin, DEFINITION, token=str(second.token.pk)) == ["b/{id}"]
    assert listed(admin, DEFINITION, script=str(first.definition.script_id)) == ["a/one"]


def test_headings_sort_and_say_how(admin, apis):
    (heading, *_) = table(admin, DEFINITION, q="one", o="address", p="1").headings
    assert (heading.direction, heading.order) == ("ascending", "?o=-address&q=one")
    assert 'aria-sort="ascending"' in content(admin, DEFINITION, o="address")
    assert 'aria-sort="descending"' in content(admin, DEFINITION, o="-address")


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
    assert ">a0<" in shown
    assert ">+5<" in shown
    assert ">a1<" not in shown


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


def look(client, model, **sent):
    """Choose columns or a page size."""
    return client.post(f"{page(model, 'changelist')}look/", sent)


def test_columns_are_chosen_remembered_and_reset(admin, apis):
    usual = table(admin, DEFINITION).names
    assert "created_by" not in usual
    sent = {"columns_sent": "yes", "columns": ["created_by", "nonsense", "title"], "query": "q=one"}
    answer = look(admin, DEFINITION, **sent)
    assert answer["Location"] == f"{page(DEFINITION, 'changelist')}?q=one"
    cookie = admin.cookies["console_lists"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/console/")
    assert table(admin, DEFINITION).names == ["address", "title", "created_by"]
    assert "nonsense" not in cookie.value
    assert table(admin, TOKEN).names != ["address", "title", "created_by"]
    look(admin, DEFINITION, size="25")
    assert table(admin, DEFINITION).names == ["address", "title", "created_by"]
    look(admin, DEFINITION, columns_sent="yes", reset="yes")
    assert table(admin, DEFINITION).names == usual
    assert admin.get(page(DEFINITION, "changelist")).context["cl"].list_per_page == 25


@pytest.mark.parametrize(
    "cookie", ["", "{", "[]", '{"tokens_apitoken": 3}', '{"tokens_apitoken":{"columns":[1],"size":7}}']
)
def test_a_broken_cookie_is_ignored(admin, apis, cookie):
    admin.cookies["console_lists"] = cookie
    shown = admin.get(page(TOKEN, "changelist")).context["cl"]
    assert (shown.list_per_page, len(shown.result_list)) == (50, 2)


def test_columns_are_only_those_that_the_user_may_see(visit, apis):
    client = visit("definitions.ui_available")
    look(client, DEFINITION, columns_sent="yes", columns=["recent_calls", "title"])
    assert table(client, DEFINITION).names == ["address", "title"]
    assert look(client, TOKEN, size="25").status_code == 403
    assert client.get(f"{page(DEFINITION, 'changelist')}look/").status_code == 403


def test_a_page_has_as_many_rows_as_chosen_and_the_others_follow(admin, make):
    for number in range(26):
        make.token(name=f"{number:02}")
    assert len(listed(admin, TOKEN)) == 26
    look(admin, TOKEN, size="25")
    assert listed(admin, TOKEN, p="2") == ["25"]
    shown = content(admin, TOKEN, q="0", o="-name")
    assert "12 of 26 tokens" in " ".join(shown.split())
    assert 'aria-label="Pages"' not in shown
    assert "?p=2" in content(admin, TOKEN)


def test_the_count_is_there_once(admin, apis):
    assert content(admin, DEFINITION).count("2 APIs") == 1
    assert content(admin, DEFINITION, q="one").count("1 of 2 APIs") == 1


def test_filters_are_chips_that_can_be_removed(admin, apis):
    first, _second = apis
    chips = table(admin, DEFINITION, state="enabled", token=str(first.token.pk), q="one", p="1").chips
    words = [(chip.label, chip.text) for chip in chips]
    assert words == [("State", "Enabled"), ("Token (name or id)", "token one")]
    assert chips[0].url == f"?token={first.token.pk}&q=one"
    assert f'value="{first.token.pk}"' in content(admin, DEFINITION, token=str(first.token.pk))


def test_a_chip_tells_no_name_that_the_user_may_not_view(visit, apis):
    first, _second = apis
    key = str(first.token.pk)
    (chip,) = table(visit("definitions.ui_available"), DEFINITION, token=key).chips
    assert (chip.label, chip.text) == ("Token (id)", key)


def test_search_filters_and_page_go_along_to_the_object(admin, apis):
    first, _second = apis
    (row,) = table(admin, DEFINITION, q="one", state="enabled").rows
    assert row.page == f"{page(DEFINITION, 'view', first.definition.pk)}?_changelist_filters=q%3Done%26state%3Denabled"


def test_rows_say_how_an_api_is(admin, visit, apis):
    first, second = apis
    FailingApi.objects.create(
        definition_id=first.definition.pk, since=timezone.now(), failed=5, runs=5, last_run_id=first.definition.pk
    )
    second.definition.is_disabled = True
    save_definition(second.definition, by="system")
    states = [str(row.state) for row in table(admin, DEFINITION).rows]
    assert "Failing" in states[0]
    assert "Disabled" in states[1]
    assert "Enabled" in str(next(table(visit("definitions.ui_available"), DEFINITION).rows).state)


def test_the_current_version_is_told_from_a_pinned_one(admin, apis):
    _first, second = apis
    second.definition.script_version = 1
    save_definition(second.definition, by="system")
    shown = content(admin, DEFINITION)
    assert 'title="The current version">@ 1</span>' in shown
    assert 'title="Pinned to version 1">@ 1</span>' in shown


@pytest.mark.parametrize("model", ["auth_user", "auth_group", "keys_personalkey", "events_informationevent"])
def test_other_lists_look_the_same(admin, apis, model):
    Group.objects.create(name="operators")
    create_key(User.objects.get(username="root"), "mine", 1)
    shown = content(admin, model)
    assert 'class="ud-rows"' in shown
    assert f"{page(model, 'changelist')}" in shown


def test_users_are_filtered_by_group_and_groups_count_members(admin):
    group = Group.objects.create(name="operators")
    jane = User.objects.create_user("jane")
    jane.groups.add(group)
    assert f'href="{page("auth_user", "changelist")}?group={group.pk}">1</a>' in content(admin, "auth_group")
    rows = admin.get(page("auth_user", "changelist"), {"group": group.pk}).context["cl"].result_list
    assert [row.username for row in rows] == ["jane"]
    assert [chip.text for chip in table(admin, "auth_user", group=str(group.pk), role="other").chips] == [
        "Others",
        "Operators",
    ]
