"""Pages of runs: filters, cursors, and the work that they cost."""

import re
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from foundation.ids import time_of
from runs import selection
from runs.models import Run
from runs.selection import RunFilters
from testbed.publisher import Publisher
from testbed.run_rows import add_run, add_runs

pytestmark = pytest.mark.django_db
IDS = [uuid.UUID(int=n) for n in range(1, 5)]


def walked(filters=RunFilters(), size=7):  # noqa: B008  it is frozen
    """All runs, page by page, and how many pages there were."""
    found: list[Run] = []
    pages, before = 0, None
    while True:
        runs, before = selection.page(filters, before, size)
        assert len(runs) <= size
        found, pages = [*found, *runs], pages + 1
        if before is None:
            return found, pages


def back(filters):
    """All runs, page by page, from the oldest to the newest."""
    found: list[Run] = []
    after: uuid.UUID | None = uuid.UUID(int=0)
    while after is not None:
        runs, after = selection.page_after(filters, after, 7)
        assert len(runs) <= 7
        found += runs
    return found


@pytest.fixture
def few_are_walked(monkeypatch):
    """A page looks at 20 rows at most."""
    monkeypatch.setattr(selection, "MOST_WALKED", 20)


def many(count=100):
    statuses = ["Succeeded", "Succeeded", "Failed", "Unanswered", "Refused"]
    return add_runs(
        {
            "seconds_ago": count - n,
            "definition_id": IDS[n % 3],
            "token_id": IDS[n % 4],
            "status": statuses[n % 5],
            "node": 1 + n % 2,
            "response_code": 418 if n % 33 == 0 else 200,
        }
        for n in range(count)
    )


def test_every_run_is_on_exactly_one_page_the_newest_first():
    made = many(1_000)
    for size in (1_000, 300, 77):
        found, _ = walked(size=size)
        assert [run.pk for run in found] == sorted((run.pk for run in made), reverse=True)


def test_last_page_is_known_to_be_the_last():
    made = many(14)
    assert walked(size=7)[1] == 2
    assert selection.page(RunFilters(), size=14)[1] is None
    assert selection.page(RunFilters(), before=made[0].pk) == ([], None)


def _named(value):
    names = [name for name, each in vars(value).items() if each] if isinstance(value, RunFilters) else [str(value)]
    return " ".join(names)


FILTERS = [
    RunFilters(definition=IDS[:1]),
    RunFilters(definition=IDS[:2]),
    RunFilters(definition=[IDS[0], IDS[0]]),
    RunFilters(status=["Failed"]),
    RunFilters(status=["Failed", "Unanswered", "Refused"]),
    RunFilters(node=[2]),
    RunFilters(response_code=[418]),
    RunFilters(definition=IDS[:1], status=["Failed"]),
    RunFilters(definition=IDS[:2], status=["Failed", "Refused"], node=[1]),
    RunFilters(token=IDS[:2], definition=IDS[:1]),
    RunFilters(status=["Failed", "Succeeded"], response_code=[418]),
    RunFilters(definition=[uuid.uuid4()]),
]


@pytest.mark.parametrize("filters", FILTERS, ids=_named)
def test_pages_and_selection_agree(filters, few_are_walked):
    many()
    found, _ = walked(filters)
    wanted = [run.pk for run in selection.select(filters)]
    assert [run.pk for run in found] == wanted
    assert [run.pk for run in back(filters)] == wanted[::-1]
    assert len({run.pk for run in found}) == len(found)


def test_rare_filter_looks_at_a_bounded_number_of_rows(few_are_walked):
    many()
    runs, before = selection.page(RunFilters(response_code=[404]))
    assert (runs, bool(before)) == ([], True)
    assert walked(RunFilters(response_code=[404])) == ([], 6)
    runs, after = selection.page_after(RunFilters(response_code=[404]), IDS[0])
    assert (runs, bool(after)) == ([], True)


def test_new_runs_do_not_move_the_next_page():
    made = many(20)
    first, before = selection.page(RunFilters(), size=8)
    add_run()
    second, _ = selection.page(RunFilters(), before, 8)
    assert [run.pk for run in [*first, *second]] == [run.pk for run in reversed(made[4:])]


def test_time_is_a_range_of_ids():
    made = many(10)
    since, until = time_of(made[3].pk), time_of(made[7].pk)
    assert {run.pk for run in selection.select(RunFilters(since=since, until=until))} == {run.pk for run in made[3:7]}


def test_slow_runs_are_also_those_that_still_go_on():
    quick, slow = add_run(total_milliseconds=900), add_run(total_milliseconds=1_100)
    running = add_run(seconds_ago=5, status="Running", total_milliseconds=None)
    fresh = add_run(status="Running", total_milliseconds=None)
    found = {run.pk for run in selection.select(RunFilters(slower_than=1_000))}
    assert found == {slow.pk, running.pk}
    assert not found & {quick.pk, fresh.pk}


def test_route_is_the_defined_or_the_called_one():
    run = add_run(route="tickets/{id}", called_route="tickets/7")
    for route in ("tickets/{id}", "tickets/7"):
        assert list(selection.select(RunFilters(route=[route]))) == [run]
    assert not selection.select(RunFilters(route=["tickets/8"]))


def test_script_is_found_by_its_present_name_its_id_and_once_it_is_gone_its_former_name():
    script = Publisher().script(name="new name")
    renamed, gone = add_run(script_id=script.pk, script_name="old name"), add_run(script_name="gone")
    for text in ("new name", str(script.pk), "old name"):
        assert list(selection.select(RunFilters(script=[text]))) == [renamed]
    assert set(selection.select(RunFilters(script=["new name", "gone"]))) == {renamed, gone}
    assert not selection.select(RunFilters(script=["unknown"]))


def _plans(filters, before=None):
    """How the database carries out the queries of a page, and of one of newer runs."""
    with CaptureQueriesContext(connection) as queries:
        selection.page(filters, before)
        selection.page_after(filters, IDS[0])
    found = [each["sql"] for each in queries.captured_queries if "runs_run" in each["sql"]]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # It reads small tables as a whole, whatever indexes there are.
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        for sql in found:
            cursor.execute(("EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN ") + sql)
            yield "\n".join(str(row[-1]) for row in cursor.fetchall())


INDEXED = [
    (RunFilters(), None),
    (RunFilters(definition=IDS[:1]), "run_by_definition"),
    (RunFilters(definition=IDS[:2]), "run_by_definition"),
    (RunFilters(token=IDS[:1]), "run_by_token"),
    (RunFilters(script=[str(IDS[0])]), "run_by_script"),
    (RunFilters(error_code=[12]), "run_by_error"),
    (RunFilters(status=["Unanswered"]), "run_by_status"),
    (RunFilters(parent=IDS[:1]), "run_by_parent"),
    (RunFilters(definition=IDS[:1], status=["Succeeded"]), "run_by_definition"),
    (RunFilters(token=IDS[:1], definition=IDS[:1], error_code=[12]), "run_by_definition"),
    (RunFilters(definition=IDS[:1], response_code=[418]), "run_by_definition"),
]


@pytest.mark.parametrize(("filters", "index"), INDEXED, ids=_named)
@pytest.mark.parametrize("is_first", [True, False])
def test_indexed_filters_neither_sort_nor_scan(filters, index, is_first):
    add_runs({"seconds_ago": n} for n in range(500))
    since = timezone.now() - timedelta(days=1)
    before = None if is_first else Run.objects.latest("id").pk
    for each in (filters, RunFilters(**{**vars(filters), "since": since})):
        for plan in _plans(each, before):
            assert not re.search(r"TEMP B-TREE|SCAN \w+$|Sort|Seq Scan", plan, re.MULTILINE), plan
            assert index is None or index in plan, plan
