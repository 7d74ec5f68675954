"""The start page: counts, what needs attention and first steps, as far as each user may view them."""

from datetime import timedelta

import redis
from django.utils import timezone

from automation.models import AutomationScript
from automation.versions import ScriptVersion
from definitions.models import ActionType
from fleet import overview
from objects.changes import save_checked
from testbed.publisher import ECHO
from tests.console.test_query_counts import publish, queries
from tokens.models import ApiToken

START = "/console/"
RUNS = "def run(engine):\n    pass\n"


def start(client):
    """What the page shows."""
    return client.get(START).context


def titles(client) -> list[str]:
    return [concern.title for concern in start(client)["concerns"]]


def test_nothing_yet_says_what_to_do_first(admin):
    page = start(admin)
    assert [step.title for step in page["steps"]] == [
        "Write a script",
        "Create a token",
        "Publish as API",
        "Try it",
    ]
    assert not any(step.is_done for step in page["steps"])
    assert page["concerns"] == []
    assert b"No changes yet" in admin.get(START).content


def test_what_is_done_is_ticked_and_the_steps_go_with_the_first_api(admin, make):
    make.script(ECHO)
    assert [step.is_done for step in start(admin)["steps"]] == [True, False, False, False]
    make()
    assert start(admin)["steps"] == []


def test_steps_are_for_who_may_take_them(visit):
    reader = visit("definitions.ui_available", "tokens.ui_available", "tokens.add_edit")
    assert [step.title for step in start(reader)["steps"]] == ["Create a token"]


def test_what_needs_attention_is_listed(admin, make):
    api = make()
    assert titles(admin) == []
    api.token.is_disabled = True
    save_checked(api.token, by="system")
    assert titles(admin) == ["Disabled tokens that APIs still allow"]
    api.definition.allowed_tokens.through.objects.filter(definition=api.definition).delete()
    assert titles(admin) == ["APIs nobody can call"]
    AutomationScript._base_manager.filter(pk=api.definition.script_id).update(has_api_trigger=False)
    assert titles(admin) == ["APIs that cannot answer", "APIs nobody can call"]
    concern = start(admin)["concerns"][0]
    assert concern.objects == [
        (api.definition.route, f"/console/definitions/apidefinition/{api.definition.pk}/change/")
    ]


def test_a_script_without_run_cannot_answer_its_api(admin, make):
    api = make(RUNS, action_type=ActionType.NO_ENTRY_POINT)
    assert titles(admin) == []
    AutomationScript._base_manager.filter(pk=api.definition.script_id).update(has_run=False)
    assert titles(admin) == ["APIs that cannot answer"]


def test_disabled_apis_need_attention_and_pinned_ones_are_counted(admin, make):
    api = make()
    definition = api.definition
    definition.script.source = ECHO + "# two\n"
    save_checked(definition.script, by="system")
    definition.script_version = 1
    definition.is_disabled = True
    save_checked(definition, by="system")
    assert titles(admin) == ["Disabled APIs"]
    cards = {card.title: card.note for card in start(admin)["cards"]}
    assert cards["Definitions"] == "by one author, 1 pinned to an older version"


def test_what_cannot_answer_is_told_from_the_version_that_runs(admin, make):
    definition = make().definition
    definition.script_version = 1
    save_checked(definition, by="system")
    AutomationScript._base_manager.filter(pk=definition.script_id).update(has_api_trigger=False)
    assert titles(admin) == []
    ScriptVersion._base_manager.filter(script=definition.script_id).update(has_api_trigger=False)
    assert titles(admin) == ["APIs that cannot answer"]


def test_a_token_never_used_is_named_after_a_day(admin, make):
    token, _ = make.token(name="idle")
    assert titles(admin) == []
    ApiToken._base_manager.filter(pk=token.pk).update(created_at=timezone.now() - timedelta(days=2))
    assert titles(admin) == ["Tokens never used"]
    ApiToken._base_manager.filter(pk=token.pk).update(last_used=timezone.now())
    assert titles(admin) == []


def test_only_what_the_user_may_view_is_counted_and_named(visit, make):
    api = make(route="secret/route")
    api.token.is_disabled = True
    save_checked(api.token, by="system")
    client = visit("automation.ui_available")
    page = start(client)
    assert [card.title for card in page["cards"]] == ["Scripts"]
    assert page["concerns"] == []
    assert {event.object_type for event in page["events"]} == {"AutomationScript"}
    assert b"secret/route" not in client.get(START).content
    without = start(visit("automation.execute"))
    assert (without["cards"], without["events"]) == ([], [])


def test_without_redis_the_page_says_so(admin, monkeypatch):
    def unreachable():
        raise redis.ConnectionError

    monkeypatch.setattr(overview, "look", unreachable)
    cards = {card.title: card for card in start(admin)["cards"]}
    assert cards["Nodes"].tone == "bad"


def test_the_page_costs_the_same_with_many_objects(admin, make):
    publish(make, 3)
    few = queries(admin, START)
    publish(make, 15)
    assert queries(admin, START) == few
