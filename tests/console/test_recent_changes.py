"""Recent changes: a bulk action is one line, and each line leads to its object or its events."""

from datetime import timedelta
from uuid import uuid4

from django.utils import timezone
from django.utils.html import escape, strip_tags

from access.policy import RUN
from console import recent_changes as lines
from console.change_words import changes_in_words
from definitions.models import ApiDefinition
from events.models import InformationEvent, ObjectType, Verb
from objects.changes import bodies_read, delete_checked, health_changed, save_checked
from runs.store import store_records
from testbed.publisher import ECHO
from tests.console.conftest import page
from tests.console.test_query_counts import queries
from tests.console.test_start import START, start
from tests.runs.records import ended


def texts(client) -> list[str]:
    """The sentences, without their links."""
    return [strip_tags(line.text) for line in start(client)["changes"]]


def note(count: int, user: str = "jane", verb: str = Verb.UPDATED, **columns) -> None:
    """Events of so many APIs, all of this moment."""
    now = timezone.now().replace(second=30)
    InformationEvent._base_manager.bulk_create(
        InformationEvent(
            **{
                "user": user,
                "user_name": user,
                "verb": verb,
                "object_type": ObjectType.API_DEFINITION,
                "object_id": uuid4(),
                "message": "",
                "properties": {"route": f"bulk/{number}"},
                "time": now,
            }
            | columns
        )
        for number in range(count)
    )


def test_a_change_leads_to_its_object(admin, make):
    definition = make(route="it's/here").definition
    line = start(admin)["changes"][0]
    address = page("definitions_apidefinition", "view", definition.pk)
    assert f'<a class="ud-link" href="{address}">{escape(definition.route)}</a>' in line.text
    assert "just now</time>" in admin.get(START).content.decode()
    delete_checked(definition, "jane")
    line = start(admin)["changes"][0]
    assert strip_tags(line.text) == f"jane deleted API {escape(definition.route)}"
    assert "href" not in line.text


def test_a_bulk_action_is_one_line_that_leads_to_its_events(admin):
    note(1, time=timezone.now() - timedelta(minutes=9))
    note(12)
    note(2, user="sam")
    note(3, verb=Verb.DELETED)
    assert texts(admin) == [
        "jane deleted 3 APIs",
        "sam updated 2 APIs",
        "jane updated 12 APIs",
        "jane updated API bulk/0",
    ]
    line = start(admin)["changes"][2]
    assert admin.get(line.events_page).context["cl"].result_count == 12
    assert escape(line.events_page) in line.text
    assert strip_tags(line.names) == "bulk/11, bulk/10, bulk/9 and 9 more"


def test_one_object_changed_several_times_is_named_once(admin):
    note(4, object_id=uuid4())
    assert texts(admin) == ["jane updated API bulk/3"]


def test_a_bulk_action_of_thousands_is_counted_and_hides_nothing(admin):
    note(1, user="sam", time=timezone.now() - timedelta(minutes=5))
    few = queries(admin, START)
    note(1_200)
    assert texts(admin) == ["jane updated 1200 APIs", "sam updated API bulk/0"]
    assert queries(admin, START) <= few + 2


def test_there_are_at_most_so_many_lines(admin):
    for number in range(lines.LINES + 5):
        note(1, user=f"user {number}")
    shown = texts(admin)
    assert (len(shown), shown[0]) == (lines.LINES, f"user {lines.LINES + 4} updated API bulk/0")


def test_versions_are_named(admin, make):
    script = make().definition.script
    script.source = ECHO + "# two\n"
    save_checked(script, by="root")
    line = start(admin)["changes"][0]
    assert (strip_tags(line.text), line.names) == (f"root updated script {script.name}", "version 2")
    script.timeout_seconds = 7
    save_checked(script, by="root")
    assert "version 3, " in start(admin)["changes"][0].names


def test_what_has_changed_is_said_in_a_few_words():
    event = InformationEvent(message="", object_type=ObjectType.API_TOKEN)
    limit, arrow = {"before": 60, "after": None}, "\N{RIGHTWARDS ARROW}"
    event.changes = [{"field": "rate_window_seconds"} | limit, {"field": "secret", "before": None, "after": None}]
    assert changes_in_words(event) == f"Rate window seconds: 60 {arrow} none, Secret"
    event.changes = [
        {"field": "allowed_tokens", "before": [str(uuid4())], "after": []},
        {"field": "script", "before": str(uuid4()), "after": None},
        {"field": "description", "before": "", "after": "x" * 90},
    ]
    assert changes_in_words(event) == "Tokens, Script, 1 more", "neither ids nor long texts"


def test_disabling_is_named_where_nothing_else_has_changed():
    def line(*changes):
        event = InformationEvent(user="jane", verb=Verb.UPDATED, object_type=ObjectType.API_DEFINITION)
        event.object_id, event.properties, event.changes = uuid4(), {"route": "a"}, list(changes)
        return lines._line([event], 1, {})

    off = {"field": "is_disabled", "before": False, "after": True}
    assert strip_tags(line(off).text) == "jane disabled API a"
    assert strip_tags(line(off | {"after": False}).text) == "jane enabled API a"
    assert strip_tags(line(off, {"field": "name", "before": "", "after": "b"}).text) == "jane updated API a"


def test_events_of_failing_apis_are_shown_in_words(admin, make):
    definition = make(route="encoders/status").definition
    for verb, text in (("failing", "is failing: 7 of 9 runs in 5 minutes"), ("recovered", "has recovered")):
        health_changed.send(sender=ApiDefinition, instance=definition, verb=verb, text=text)
    shown = texts(admin)
    assert "API encoders/status is failing: 7 of 9 runs in 5 minutes" in shown
    assert "API encoders/status has recovered" in shown


def test_what_a_script_says_is_shown_with_its_name_and_nothing_added(admin, make):
    """The name and the text are those of authors."""
    script = make.script(name="a (b) says: <i>")
    text = "<b>3 of 4</b> {0} are offline: version 5"
    store_records([ended(script_id=str(script.pk), script_version=1, said=[(0, text)])])
    html = admin.get(START).content.decode()
    assert f"{escape(script.name)}</a> says: {escape(text)}</span>" in html


def test_a_script_that_says_much_hides_no_changes(admin, make):
    script = make.script(name="talkative")
    for text in ("line 1", "line 2"):
        store_records([ended(script_id=str(script.pk), script_version=1, said=[(0, text)] * 9)])
    shown = texts(admin)
    assert [text for text in shown if "says" in text] == ["script talkative says: line 2"]
    assert shown[1].endswith("added script talkative")


def test_look_at_bodies_is_shown_in_words(admin):
    run_id = uuid4()
    bodies_read.send(sender=RUN, run_id=run_id, by="jane")
    (line,) = start(admin)["changes"]
    assert strip_tags(line.text) == f"jane read the kept request and response of run {run_id}"
    assert f'href="/console/runs/{run_id}/"' in line.text
