"""For each row of the error table: whether the script may have run, as the docs say."""

import re
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from definitions.models import ApiDefinition
from endpoint.errors import CATALOGUE, UnknownReasonError, UnspecifiedReasonError
from fleet import redis_keys
from fleet.answer import Reason
from testbed.stack import ROOT, wait_until
from tests.endpoint.broken_storage import remove_script_row
from tests.endpoint.catalogue import LARGEST_BODY, ROWS, assert_error, code_of
from tests.endpoint.messages import NO_ENTRY_POINT, RUNS
from tests.endpoint.test_error_table import BROKEN, REFUSED, RUN_ENDS
from tests.endpoint.wire import exchange, head

NEVER, HAS, MAY, TOLD = "never started", "has run", "may have run", "`detail` tells"
WHETHER = (
    dict.fromkeys((1, 3, 5, 7, 9, 10, 11, 15, 16, 1003, 1006, 1007, 1008, 1009, 1010, 1011, 1014, 2008, 2009), NEVER)
    | dict.fromkeys((13, 17, 1002, 1012, 1013), HAS)
    | dict.fromkeys((8, 12, 1004, 1005, 2007), MAY)
    | {1001: TOLD}
)
ROW = re.compile(r"^\| (\d+) \| \d+ \|[^|]*\| ([^|]*) \|", re.MULTILINE)


@pytest.fixture
def mark(kept: Path) -> Path:
    """A file that exists as soon as a script of `marking` has begun."""
    return kept / "began"


def marking(mark: Path, source: str) -> str:
    return f"open({str(mark)!r}, 'a').write('x')\n{source}"


def source_for(published) -> str:
    """A script with the entry point that a definition calls."""
    return RUNS if published.get("action_type") == NO_ENTRY_POINT else "def on_api_trigger(engine, request): ..."


def test_the_docs_agree_with_the_rows_here():
    page = (ROOT / "docs" / "reference" / "error-codes.md").read_text()
    assert {int(code): whether for code, whether in ROW.findall(page)} == WHETHER
    assert set(WHETHER) == set(ROWS)


def test_a_claimed_trigger_ends_with_a_report_of_its_node_or_an_unreadable_answer():
    """The endpoint's own errors, except 8 and a time-out, are raised before the job is published."""
    reported = {CATALOGUE[reason].code for reason in set(Reason) - {Reason.NEVER_STARTED, Reason.NO_SCRIPT}}
    unreadable = {UnspecifiedReasonError.code, UnknownReasonError.code}
    assert reported | unreadable == {code for code, whether in WHETHER.items() if whether != NEVER}


@pytest.mark.parametrize("ending", RUN_ENDS)
def test_a_script_with_this_ending_has_run(stack, publish, mark, ending):
    code, source = RUN_ENDS[ending]
    assert_error(publish(marking(mark, source)).call(stack.client), code)
    assert mark.exists() and WHETHER[code] in {HAS, MAY}


@pytest.mark.parametrize("fault", REFUSED)
def test_a_refused_trigger_never_started(stack, publish, mark, fault):
    code, published, call = REFUSED[fault]
    source = marking(mark, published.get("source", source_for(published)))
    answer = publish(**published | {"source": source}).call(stack.client, **call)
    assert answer.status_code == ROWS[code].status and WHETHER[code] == NEVER
    assert not mark.exists()


@pytest.mark.parametrize("fault", BROKEN)
def test_a_trigger_of_a_broken_definition_never_started(stack, publish, mark, fault):
    code, changes = BROKEN[fault]
    api = publish(marking(mark, source_for({})))
    ApiDefinition._base_manager.filter(pk=api.definition.pk).update(**changes)
    assert_error(api.call(stack.client), code)
    assert WHETHER[code] == NEVER and not mark.exists()


def test_a_trigger_without_its_parameters_or_with_a_large_body_never_started(stack, publish, mark):
    api = publish(marking(mark, RUNS), action_type=NO_ENTRY_POINT, parameters=["host"])
    assert_error(api.call(stack.client, json={}), 16, missing=["host"])
    announced = ("Content-Length", str(LARGEST_BODY + 1))
    assert_error(exchange(stack.url, head("POST", api.path, *api.headers.items(), announced)), 1009)
    assert {WHETHER[16], WHETHER[1009]} == {NEVER} and not mark.exists()


def test_a_trigger_beyond_its_rate_limit_never_started(stack, publish, mark):
    token = publish.token(rate_limit=1, rate_window_seconds=50)
    api = publish(marking(mark, source_for({})), token=token)
    assert [code_of(api.call(stack.client)) for _ in range(2)] == [13, 1014]
    assert WHETHER[1014] == NEVER and mark.read_text() == "x"


def test_a_trigger_of_a_disabled_api_never_started(stack, publish, mark):
    api = publish(marking(mark, source_for({})))
    ApiDefinition._base_manager.filter(pk=api.definition.pk).update(is_disabled=True)
    assert_error(api.call(stack.client), 2009)
    assert WHETHER[2009] == NEVER and not mark.exists()


def test_a_trigger_whose_script_is_gone_when_a_node_takes_it_never_started(breakable_stack, publish):
    mark = breakable_stack.state_dir / "began"
    api = publish(marking(mark, source_for({})))
    with ThreadPoolExecutor(1) as callers, breakable_stack.redis_client() as redis:
        breakable_stack.worker.send_signal(signal.SIGSTOP)
        try:
            called = callers.submit(api.call, breakable_stack.client)
            wait_until(lambda: redis.keys(redis_keys.ticket("*")), what="the job")
            remove_script_row(api.definition.script)
        finally:
            breakable_stack.worker.send_signal(signal.SIGCONT)
        assert_error(called.result(), 15)
    assert WHETHER[15] == NEVER and not mark.exists()


def test_a_trigger_without_a_node_leaves_nothing_to_start(lonely, publish):
    assert_error(publish().call(lonely.client), 7)
    redis = lonely.redis_client()
    assert WHETHER[7] == NEVER and redis.llen(redis_keys.queue()) == 0 and not redis.keys(redis_keys.ticket("*"))


def test_a_trigger_without_redis_leaves_nothing_to_start(lonely, publish):
    lonely.stop_redis()
    try:
        assert_error(publish().call(lonely.client), 1006)
    finally:
        lonely.redis = lonely.start_redis()
    redis = lonely.redis_client()
    assert WHETHER[1006] == NEVER and redis.llen(redis_keys.queue()) == 0 and not redis.keys(redis_keys.ticket("*"))
