"""What is counted where: each request once by the web server, each run once by the process that records it."""

import random
import string
from collections import Counter

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from definitions.changes import save_definition
from foundation.ids import first_id_at
from foundation.metrics import REQUESTS, Meters, meters
from runs.models import Run
from runs.statistics import query
from runs.statistics.periods import Period
from runs.statistics.query import StatisticsFilters
from testbed.people import remove_users
from testbed.publisher import Publisher
from testbed.stack import wait_until
from tests.metrics.scrape import growth, node_url, scrape, value

ANSWERS = """
from automation.sdk import ApiError, ApiTriggerOutput

def on_api_trigger(engine, request):
    how = request.query_parameters.get("how", "")
    if how == "error":
        raise ApiError(422, "no")
    if how == "raise":
        raise ValueError("no")
    if how:
        engine.run_subscript("counted-below", {}, how == "wait")
    return ApiTriggerOutput(response_code=int(request.query_parameters.get("code", "200")))
"""
BELOW = """
def run(engine):
    pass
"""
PASSWORD = "a password of the counts"


@pytest.fixture
def root(measured):
    user = User.objects.create_superuser("counts", password=PASSWORD)
    yield user.username, PASSWORD
    remove_users(username="counts")


def test_metrics_runs_and_statistics_agree(measured, publish_here, root):
    begun = timezone.now()
    # The tests before may have left records that nobody has stored.
    ours = Run.objects.filter(pk__gte=first_id_at(begun))
    web, node = scrape(measured.url), scrape(node_url(measured))
    api, client = publish_here(ANSWERS, route="counted/{id}"), measured.client
    publish_here.script(BELOW, name="counted-below")
    path = "/api/custom/counted/7"
    for how, code in (("", 200), ("", 200), ("error", 422), ("raise", 500), ("wait", 200), ("later", 200)):
        assert api.call(client, "GET", f"{path}?how={how}").status_code == code
    assert api.call(client, "PUT", f"{path}?code=503").status_code == 503
    assert api.call(client, path=path, content=b"x", headers={"Content-Type": "image/png"}).status_code == 415
    message = {"requestMethod": "Get", "route": "counted/8", "secret": api.secret}
    for wanted in (message, message | {"secret": "unknown"}):
        assert client.post("/api/management/trigger/", json=wanted, auth=root).status_code == 200
    trial = {"source": ANSWERS, "method": "GET"}
    tried = client.post("/api/management/scripts/trial/", json=trial, auth=root)
    assert tried.status_code == 200, tried.text
    background = measured.start_background()
    try:
        wait_until(lambda: ours.count() == 13, what="thirteen runs")
    finally:
        background.terminate()
        background.wait(30)
    web, node = growth(web, scrape(measured.url)), growth(node, scrape(node_url(measured)))
    _assert_requests(web)
    runs = Counter(ours.values_list("kind", "status"))
    for (kind, status), count in runs.items():
        both = [value(found, "udapi_runs_total", kind=kind, status=status) for found in (web, node)]
        assert sum(both) == count, (kind, status, both)
    assert value(web, "udapi_runs_total") + value(node, "udapi_runs_total") == runs.total()
    assert value(web, "udapi_requests_total") == value(web, "udapi_request_duration_seconds_count") == 8
    for kind, count in Counter(ours.exclude(node=None).values_list("kind", flat=True)).items():
        assert value(node, "udapi_run_duration_seconds_count", kind=kind) == count
    of_api = StatisticsFilters(definition=(api.definition.pk,))
    counted = query.total(query.over_time(of_api, Period.of(begun, timezone.now()))).by_status
    stored = Counter(ours.filter(definition_id=api.definition.pk).values_list("status", flat=True))
    assert {status: count for status, count in counted.items() if count} == stored


def _assert_requests(web) -> None:
    route = "counted/{id}"
    wanted = {
        ("GET", "2xx", ""): 4,
        ("GET", "4xx", ""): 1,
        ("GET", "5xx", "AutomationActionError"): 1,
        ("PUT", "5xx", ""): 1,
        ("POST", "4xx", "InvalidContentType"): 1,
    }
    for (method, status, reason), count in wanted.items():
        labels = {"route": route, "method": method, "status": status, "reason": reason}
        assert value(web, "udapi_requests_total", **labels) == count, labels
    assert value(web, "udapi_request_duration_seconds_count", route=route) == 8


@pytest.fixture
def counting(monkeypatch):
    """Has this process count in a region of its own."""
    own = Meters()
    own.reserve()
    own.begin()
    monkeypatch.setattr(meters, "_tally", own._tally)
    return own


def test_no_label_grows_with_paths_methods_or_tokens(counting, db, client):
    api = Publisher()(route="known/{id}")
    chosen = random.Random(21)

    def send(number: int) -> None:
        path = "".join(chosen.choices(string.ascii_letters + string.digits + "/-_", k=12))
        if number % 10 == 0:
            path = f"known/{number}"
        secret = api.secret if number % 2 else "".join(chosen.choices(string.ascii_letters, k=40))
        method = chosen.choice(["GET", "POST", "HEAD", "OPTIONS", "TRACE", f"X{number}"])
        host = f"h{number}.example" if number % 7 == 0 else "localhost"
        headers = {"Authorization": f"Bearer {secret}", "Host": host}
        client.generic(method, f"/api/custom/{path}", headers=headers)

    for number in range(500):
        send(number)
    before = counting.totals()
    for number in range(500, 2_500):
        send(number)
    after = counting.totals()
    assert set(after) == set(before)
    assert [_requests(found) for found in (before, after)] == [500, 2_500]
    labels = {text for _, own in after for text in own}
    assert not any(api.secret in text or str(api.token.pk) in text or "X" in text for text in labels)
    assert {own[1] for name, own in after if name == REQUESTS.name} == {"GET", "POST", "other"}


def _requests(totals):
    return sum(numbers[0] for (name, _), numbers in totals.items() if name == REQUESTS.name)


def test_renamed_and_deleted_routes_keep_what_was_counted(measured, publish_here):
    api = publish_here(route="before/{id}")
    for route in ("before/{id}", "after/{id}"):
        api.definition.route = route
        save_definition(api.definition, by="test")
        assert api.call(measured.client, path=f"/api/custom/{route.format(id=1)}").status_code == 200
    api.definition.delete()
    assert api.call(measured.client, path="/api/custom/after/1").status_code == 404
    found = scrape(measured.url)
    for route in ("before/{id}", "after/{id}"):
        assert value(found, "udapi_requests_total", route=route, status="2xx") == 1
        assert value(found, "udapi_requests_total", route=route, status="4xx") == 0
