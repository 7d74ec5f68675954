"""A change made elsewhere shows within two seconds without a reload, and does not disturb the user."""

import contextlib
import time

import httpx
import pytest

from objects.changes import delete_checked, save_checked
from testbed.visitor import PATIENCE, log_in


@pytest.fixture
def name_shown():
    """Waits until a page shows a text; returns the seconds that it took."""

    def name_shown(page, text: str) -> float:
        begun = time.monotonic()
        page.get_by_text(text, exact=False).first.wait_for(timeout=PATIENCE)
        return time.monotonic() - begun

    return name_shown


def mark(page) -> None:
    """Set a mark that a reload would remove."""
    page.evaluate("window.notReloaded = true")


def was_not_reloaded(page) -> bool:
    return bool(page.evaluate("window.notReloaded === true"))


LISTS = ["", "events/informationevent/", "definitions/apidefinition/"]


def test_what_one_browser_does_shows_in_another(visit, publish, console, name_shown):
    script = publish.script(name="shared")
    watching = [visit() for _ in LISTS]
    for page, address in zip(watching, LISTS, strict=True):
        page.goto(console + address)
        mark(page)
    made = publish(route="made/elsewhere", name="other")
    for page in watching:
        name_shown(page, "made/elsewhere")
        assert was_not_reloaded(page)
    save_checked(script, "somebody")
    delete_made(made)
    watching[2].get_by_text("made/elsewhere").first.wait_for(state="detached")
    assert was_not_reloaded(watching[2])


def delete_made(api) -> None:
    delete_checked(api.definition, "somebody")


def test_changes_show_within_two_seconds(visit, publish, console, name_shown):
    page = visit()
    page.goto(f"{console}events/informationevent/")
    publish.script(name="warm up")
    name_shown(page, "warm up")
    times = []
    for number in range(3):
        publish.script(name=f"number {number} here")
        times.append(name_shown(page, f"number {number} here"))
    # The best of three: this machine may be busy with other tests.
    assert min(times) < 2, times


def test_nothing_is_missed_between_the_page_and_its_stream(visit, publish, console, name_shown):
    page = visit()
    # What comes while the page is under way to the browser is told once its stream is open.
    page.route("**/live_worker.js", lambda route: (publish.script(name="in between"), route.continue_())[1])
    page.route("**/console/live.js", lambda route: (publish.script(name="in between, too"), route.continue_())[1])
    page.goto(f"{console}events/informationevent/")
    name_shown(page, "in between, too")


def test_typing_selecting_and_focus_are_left_alone(visit, publish, console, name_shown):
    one = publish(route="kept/one")
    page = visit()
    page.goto(f"{console}definitions/apidefinition/")
    search = page.locator("#searchbar")
    search.focus()
    page.locator(f"input.action-select[value='{one.definition.pk}']").check()
    search.focus()
    mark(page)
    publish(route="kept/two")
    name_shown(page, "kept/two")
    assert page.locator(f"input.action-select[value='{one.definition.pk}']").is_checked()
    assert page.evaluate("document.activeElement.id") == "searchbar"
    assert was_not_reloaded(page)


def test_focus_in_a_list_and_its_place_are_kept(visit, publish, console, name_shown):
    token, _ = publish.token(name="kept")
    for number in range(30):
        publish.token(name=f"before {number}")
    page = visit(viewport={"width": 1100, "height": 600})
    page.goto(f"{console}tokens/apitoken/")
    page.locator(f"[data-switch='{token.pk}']").focus()
    place = page.evaluate("window.scrollY")
    assert place > 0
    publish.token(name="another")
    name_shown(page, "another")
    assert page.evaluate("document.activeElement.dataset.switch") == str(token.pk)
    # Without anchoring, a row above would move what the user looks at.
    assert abs(page.evaluate("window.scrollY") - place) < 100


def test_an_editor_is_told_of_changes_and_loses_nothing(visit, publish, console):
    token, _ = publish.token(name="contested")
    page = visit()
    page.goto(f"{console}tokens/apitoken/{token.pk}/change/")
    field = page.locator("#id_name")
    field.fill("what I type")
    token.name = "what another chose"
    save_checked(token, "Jane")
    notice = page.locator(".ud-notice")
    notice.wait_for()
    assert "Jane changed this at" in notice.inner_text()
    assert field.input_value() == "what I type"
    notice.get_by_role("button", name="Keep editing").click()
    assert field.input_value() == "what I type"
    page.locator("[name=_save]").click()
    page.get_by_text("Jane has changed it since you opened this page").first.wait_for()
    assert field.input_value() == "what I type"
    token.refresh_from_db()
    assert token.name == "what another chose"


def test_an_untouched_form_shows_the_new_values_and_a_deleted_object_is_told(visit, publish, console):
    token, _ = publish.token(name="before")
    page = visit()
    page.goto(f"{console}tokens/apitoken/{token.pk}/change/")
    token.name = "after"
    save_checked(token, "Jane")
    page.wait_for_function("document.getElementById('id_name')?.value === 'after'")
    delete_checked(token, "Jane")
    notice = page.locator(".ud-notice")
    notice.wait_for()
    assert "Jane deleted this at" in notice.inner_text()
    page.locator("#id_name").fill("typed too late")
    page.locator("[name=_save]").click()
    page.get_by_text("It can no longer be saved; copy what you need.").wait_for()
    page.get_by_text("typed too late").wait_for()


def test_tabs_of_a_browser_share_one_stream(visit, publish, console, name_shown):
    page = visit()
    streams = []
    page.context.on("request", lambda request: streams.append(request.url) if "/stream/" in request.url else None)
    tabs = [page, *(page.context.new_page() for _ in range(3))]
    for tab in tabs:
        tab.goto(f"{console}events/informationevent/")
    publish.script(name="for all tabs")
    for tab in tabs:
        name_shown(tab, "for all tabs")
    assert len(streams) <= 1, "each tab has a stream of its own"


def test_without_room_for_a_stream_changes_show_all_the_same(visit, stack, publish, console, name_shown):
    with stack.another_web(UDAPI_WEB_THREADS="8", UDAPI_WEB_WORKERS="1") as web, contextlib.ExitStack() as held:
        clients = [httpx.Client(base_url=web.url, cookies={"sessionid": log_in(())}, timeout=60) for _ in range(3)]
        for client in (clients[0], clients[1]) * 4:
            taken = held.enter_context(client.stream("GET", "/api/management/events/stream/"))
            assert taken.status_code == 200
        assert clients[2].get("/api/management/events/stream/").status_code == 503
        page = visit(at=f"{web.url}/console/")
        page.goto(f"{web.url}/console/events/informationevent/")
        mark(page)
        publish.script(name="without a stream")
        name_shown(page, "without a stream")
        assert was_not_reloaded(page)
        page.context.close()


def test_the_nodes_page_follows_the_fleet(visit, stack, console):
    page = visit("definitions.ui_available")
    page.goto(f"{console}automation/workernode/")
    page.get_by_text("1 node alive").wait_for()
    mark(page)
    with stack.another_worker():
        page.get_by_text("2 nodes alive").wait_for(timeout=PATIENCE)
    page.get_by_text("1 node alive").wait_for(timeout=PATIENCE)
    assert was_not_reloaded(page)
