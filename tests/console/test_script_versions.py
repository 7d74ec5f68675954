"""The versions of a script: their list, one of them, two side by side, another one made current."""

import pytest

from automation.models import AutomationScript
from automation.versions import Reuse
from definitions.changes import save_definition
from definitions.models import ActionType
from events.models import InformationEvent
from objects.changes import save_checked
from testbed.publisher import ECHO
from tests.console.conftest import FLAGS, errors, filled_in, page, said, submit

MODEL = "automation_automationscript"
BOTH = "def on_api_trigger(engine, request):\n    pass\n\ndef run(engine):\n    pass\n"


def change(script, by="somebody", note="", **values):
    """Save `script` with other values, which makes a version of it."""
    for name, value in values.items():
        setattr(script, name, value)
    script.version_note = note
    return save_checked(script, by=by)


def pin(api, number):
    api.definition.script_version = number
    save_definition(api.definition, by="somebody")


@pytest.fixture
def api(make):
    """An API whose script has three versions."""
    api = make(route="the/route")
    change(api.definition.script, note="Says <what> it does", source=f"# a comment\n{ECHO}")
    change(api.definition.script, timeout_seconds=5, parameters=["host"], reuse=Reuse.FRESH)
    return api


def test_the_list_has_what_tells_versions_apart(admin, visit, make, api):
    script = api.definition.script
    pin(api, 2)
    save_definition(make(route="other").definition, by="x")
    response = admin.get(page(MODEL, "versions", script.pk))
    content = response.content.decode()
    assert [(each.number, may, pinned) for each, may, pinned in response.context["versions"]] == [
        (3, False, 0),
        (2, True, 1),
        (1, True, 0),
    ]
    assert "Says &lt;what&gt; it does" in content
    assert script.versions.get(number=1).content_hash in content
    assert ">somebody<" in content
    assert content.count(">current<") == 1
    listed = f"{page('definitions_apidefinition', 'changelist')}?script={script.pk}&script_version=2"
    assert listed.replace("&", "&amp;") in content
    assert "the/route" in admin.get(listed).content.decode()
    assert admin.get(listed[:-1] + "1").context["cl"].result_count == 0
    content = visit("automation.ui_available").get(page(MODEL, "versions", script.pk)).content.decode()
    assert "Says &lt;what&gt; it does" in content
    assert "Pinned" not in content
    assert "Make current" not in content


def test_the_list_costs_the_same_with_many_versions_and_has_pages(
    admin, make, django_assert_max_num_queries, monkeypatch
):
    script = make.script()
    for number in range(7):
        change(script, timeout_seconds=number + 1)
    monkeypatch.setattr("console.scripts.version_pages.LISTED", 3)
    with django_assert_max_num_queries(14):
        first = admin.get(page(MODEL, "versions", script.pk))
    assert [each.number for each, _may, _pinned in first.context["versions"]] == [8, 7, 6]
    last = admin.get(page(MODEL, "versions", script.pk), {"p": "3"})
    assert [each.number for each, _may, _pinned in last.context["versions"]] == [2, 1]


def test_a_version_is_shown_with_its_source_and_settings(admin, api):
    script = api.definition.script
    change(script, source="\n# <script>\n" + ECHO)
    content = admin.get(page(MODEL, "version", script.pk, 4)).content.decode()
    assert "readonly" in content
    assert "# &lt;script&gt;" in content
    assert ">5 s<" in content
    assert "New process every time" in content
    assert "?old=3&amp;new=4" in content
    assert admin.get(page(MODEL, "version", script.pk, 3)).context["may_activate"]
    for number in (0, 5, 99_999_999_999_999_999_999):
        assert admin.get(page(MODEL, "version", script.pk, number)).status_code == 404


def test_two_versions_are_compared(admin, api):
    script = api.definition.script
    change(script, source="# another <comment>\n" + ECHO)
    address = page(MODEL, "difference", script.pk)
    found = admin.get(address).context["found"]
    assert (found.old.number, found.new.number, found.settings) == (3, 4, [])
    assert "<del>a</del> comment" in admin.get(address).content.decode()
    content = admin.get(address, {"old": 4, "new": 1}).content.decode()
    assert f'formaction="{page(MODEL, "activate", script.pk, 1)}"' in content
    assert "Make version 4 current" not in content
    assert "# another &lt;comment&gt;" in content
    assert "host" in content
    assert [str(label) for label, _was, _now in admin.get(address, {"new": 3}).context["found"].settings] == [
        "Script parameters",
        "Time-out",
        "Process",
    ]
    assert "The sources are the same." in admin.get(address, {"new": 3}).content.decode()
    assert admin.get(address, {"new": 1}).context["found"].old.number == 1
    for wrong in ({"new": "x"}, {"old": "-1"}, {"old": "9" * 30}, {"new": 9}, {"old": "٣"}):
        assert admin.get(address, wrong).status_code == 404


def test_an_older_version_becomes_current_with_one_event(admin, make, api):
    script = api.definition.script
    pinned = make(route="pinned", name="pinned script")
    pinned.definition.script = script
    pin(pinned, 2)
    before = InformationEvent.objects.count()
    address = page(MODEL, "activate", script.pk, 1)
    asked = admin.get(address)
    content = asked.content.decode()
    assert "1 API runs it from the next call on." in content
    assert "1 pinned API keeps its version." in content
    assert InformationEvent.objects.count() == before
    done = admin.post(address, {"seen_revision": script.revision}, follow=True)
    assert "Version 1 is current." in said(done)
    assert page(MODEL, "activate", script.pk, 3) in said(done)
    script.refresh_from_db()
    assert (script.current_version, script.source, script.timeout_seconds) == (1, ECHO, 60)
    assert script.last_modified_by == "root"
    assert script.versions.count() == 3
    assert InformationEvent.objects.count() == before + 1
    again = admin.get(address).content.decode()
    assert "is already current" in again
    assert "?old=1&amp;new=3" in admin.get(page(MODEL, "history", script.pk)).content.decode()


def test_a_change_meanwhile_is_noticed(admin, api):
    script = api.definition.script
    seen = script.revision
    change(script, by="jane", timeout_seconds=9)
    refused = admin.post(page(MODEL, "activate", script.pk, 1), {"seen_revision": seen})
    content = refused.content.decode()
    assert "jane has changed it since you opened this page" in content
    assert "Version 4 is now current." in content
    script.refresh_from_db()
    assert script.current_version == 4


def test_users_who_may_not_publish_have_no_button_and_are_refused(visit, make, api):
    script, free = api.definition.script, make.script(name="free")
    change(free, timeout_seconds=9)
    client = visit(*FLAGS - {"automation.execute"})
    for number in (1, 2):
        for send in (client.get, client.post):
            refused = send(page(MODEL, "activate", script.pk, number))
            assert refused.status_code == 403
            assert "Automation &gt; Execute" in refused.content.decode()
    assert "Make current" not in client.get(page(MODEL, "versions", script.pk)).content.decode()
    assert "Make current" not in client.get(page(MODEL, "version", script.pk, 1)).content.decode()
    assert "Make current" in client.get(page(MODEL, "versions", free.pk)).content.decode()
    done = client.post(page(MODEL, "activate", free.pk, 1), {"seen_revision": free.revision})
    assert done.status_code == 302
    free.refresh_from_db()
    assert free.current_version == 1


def test_the_question_says_what_an_older_version_breaks(admin, visit, make):
    api = make(BOTH, route="called", action_type=ActionType.NO_ENTRY_POINT)
    script = api.definition.script
    change(script, source=ECHO)
    change(script, source=BOTH)
    address, seen = page(MODEL, "activate", script.pk, 2), {"seen_revision": script.revision}
    for asks in (admin.get(address), admin.post(address, seen)):
        assert asks.status_code == 200
        assert "no longer has run" in asks.content.decode()
        assert "called" in asks.content.decode()
    script.refresh_from_db()
    assert script.current_version == 3
    assert admin.post(address, seen | {"asked": "1"}).status_code == 302


def test_a_note_is_kept_with_the_version(admin, make):
    script = make.script()
    address = page(MODEL, "change", script.pk)
    submit(admin, address, source=ECHO + "\n", version_note="Why\r\nit changed")
    assert script.versions.first().note == "Why\nit changed"
    response = admin.post(address, filled_in(admin.get(address), version_note="lost", description="x"), follow=True)
    assert "the note is not kept" in said(response)
    assert script.versions.count() == 2
    assert "at most 1000" in errors(submit(admin, address, version_note="n" * 1_001))["version_note"][0]


def test_the_form_says_what_a_save_means(admin, visit, make, api):
    script = api.definition.script
    pinned = make(route="pinned", name="pinned script")
    pinned.definition.script = script
    pin(pinned, 2)
    address = page(MODEL, "change", script.pk)
    content = admin.get(address).content.decode()
    assert "Used by 1 API, live at once." in content
    assert "1 pinned API keeps its version." in content
    content = visit(*FLAGS - {"definitions.ui_available"}).get(address).content.decode()
    assert "Used by APIs, live at once." in content
    assert "pinned API" not in content
    assert "live at once" not in admin.get(page(MODEL, "change", make.script().pk)).content.decode()


def test_a_save_that_breaks_apis_asks_first(admin, visit, make):
    api = make(BOTH, route="trigger")
    make_other = make(BOTH, route="other", action_type=ActionType.NO_ENTRY_POINT)
    script = api.definition.script
    address = page(MODEL, "change", script.pk)
    sent = filled_in(admin.get(address), source="def run(engine):\n    pass\n", version_note="why")
    asked = admin.post(address, sent)
    content = asked.content.decode()
    assert list(errors(asked)) == ["__all__"]
    assert "Save anyway" in content
    assert "trigger" in content
    assert "error 15" in content
    assert 'value="why"' in content
    script.refresh_from_db()
    assert script.source == BOTH
    accepted = {"save_anyway": asked.context["adminform"].form.accepts()}
    # Accepting other consequences is not enough.
    assert admin.post(address, sent | {"save_anyway": "yes"}).status_code == 200
    assert admin.post(address, sent | accepted).status_code == 302
    script.refresh_from_db()
    assert (script.current_version, script.versions.first().note) == (2, "why")
    blind = visit(*FLAGS - {"definitions.ui_available"})
    address = page(MODEL, "change", make_other.definition.script_id)
    asked = submit(blind, address, parameters="host")
    content = asked.content.decode()
    assert "Callers must now send the parameter host" in content
    assert "other" not in content.split('class="ud-conflict"')[1].split("</section>")[0]


def test_overwriting_another_change_is_asked_about_only_once(admin, make):
    api = make(BOTH, route="trigger")
    script = api.definition.script
    address = page(MODEL, "change", script.pk)
    sent = filled_in(admin.get(address), source="def run(engine):\n    pass\n")
    change(script, description="theirs")
    assert "Overwrite with mine" in admin.post(address, sent).content.decode()
    sent |= {"overwrite": "2"}
    asked = admin.post(address, sent)
    assert 'name="overwrite" value="2"' in asked.content.decode()
    accepted = {"save_anyway": asked.context["adminform"].form.accepts()}
    assert admin.post(address, sent | accepted).status_code == 302
    script.refresh_from_db()
    assert not script.has_api_trigger


def test_a_script_of_an_earlier_release_has_no_versions_yet(admin, make):
    script = make.script()
    AutomationScript._base_manager.filter(pk=script.pk).update(current_version=None)
    script.versions.all().delete()
    assert "No versions yet" in admin.get(page(MODEL, "versions", script.pk)).content.decode()
    assert admin.get(page(MODEL, "difference", script.pk)).status_code == 404
    assert admin.get(page(MODEL, "change", script.pk)).status_code == 200


def test_a_save_names_its_version_and_offers_the_way_back(admin, api):
    script = api.definition.script
    pin(api, 2)
    address = page(MODEL, "change", script.pk)
    assert submit(admin, address, timeout_seconds="7", version_note="shorter").status_code == 302
    saved = admin.get(address)
    assert "Version 4 is current. " in said(saved)
    assert f'href="{page(MODEL, "activate", script.pk, 3)}">Go back to version 3</a>' in said(saved)
    form = saved.content.decode()
    assert f'href="{page(MODEL, "version", script.pk, 4)}"' in form
    assert "pinned to 2" in form
    assert submit(admin, address, description="It waits", version_note="nothing of it").status_code == 302
    renamed = admin.get(address)
    assert "is current" not in said(renamed)
    assert "the note is not kept" in said(renamed)
    told = admin.get(page(MODEL, "history", script.pk)).content.decode()
    assert "Time-out (seconds)" in told
    assert "It waits" in told
    admin.post(page(MODEL, "activate", script.pk, 1), {"seen_revision": str(script.revision + 2)})
    overview = admin.get("/console/").content.decode()
    assert '<span class="ud-event-names">back to version 1, ' in overview
