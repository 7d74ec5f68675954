"""The two look-ups of a trigger: one query each, always fresh, and broken rows are returned as they are."""

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from definitions.changes import save_definition
from definitions.lookups import TokenRow, find_definition, find_token
from definitions.models import ApiDefinition
from objects.changes import delete_checked, save_checked
from testbed.publisher import Publisher
from tests.definitions.conftest import NOBODY
from tokens import peppers


def _digests(secret: str) -> list[str]:
    return list(peppers.digests(secret).values())


@pytest.mark.parametrize("peppers_in_use", [1, 3])
def test_a_token_is_found_with_one_query(db, settings, peppers_in_use):
    settings.UDAPI_PEPPERS = {number: bytes([number]) * 32 for number in range(peppers_in_use, 0, -1)}
    token, secret = Publisher().token(rate_limit=3, rate_window_seconds=7)
    with CaptureQueriesContext(connection) as queries:
        assert find_token(_digests(secret)) == TokenRow(token.pk, False, 3, 7)
    assert len(queries) == 1
    with CaptureQueriesContext(connection) as queries:
        assert find_token(_digests("another-secret-that-nobody-has-01234567")) is None
    assert len(queries) == 1


def test_a_token_is_read_anew_each_time(db):
    token, secret = Publisher().token()
    token.is_disabled = True
    save_checked(token, by="system")
    assert find_token(_digests(secret)) == TokenRow(token.pk, True, None, None)
    new_secret = token.set_secret(None)
    save_checked(token, by="system")
    assert find_token(_digests(secret)) is None
    assert find_token(_digests(new_secret)) is not None
    delete_checked(token, by="system")
    assert find_token(_digests(new_secret)) is None


@pytest.mark.parametrize(
    "segments", [("a",), ("d", "1"), ("d", "1", "2", "3", "4"), ("nothing",), ("d",) * 40, ("{",), (" ",)]
)
def test_a_definition_is_found_with_one_query(publish_in_process, segments):
    for route in ("a", "d/{x}", "{y}/1", "d/{x}/2/{z}/4", "{a}/{b}/{c}/{d}/{e}"):
        publish_in_process(route)
    with CaptureQueriesContext(connection) as queries:
        find_definition(segments, NOBODY)
    assert len(queries) == 1


def test_segments_that_cannot_match_cause_no_query(db):
    with CaptureQueriesContext(connection) as queries:
        assert find_definition((), NOBODY) is None
        assert find_definition(("a",) * 126, NOBODY) is None
    assert len(queries) == 0


def test_a_definition_comes_with_its_script_and_whether_the_token_may_call_it(publish_in_process, script):
    (allowed, _), (another, _) = Publisher().token(), Publisher().token()
    script.parameters = ["a", "b"]
    save_checked(script, by="system")
    definition = publish_in_process("a/{b}", input_type="Parameters", allowed_tokens=[allowed])
    row = find_definition(("A", "x"), allowed.pk)
    assert row is not None
    assert (row.id, row.route, row.action_type, row.input_type) == (
        definition.pk,
        "a/{b}",
        "AutomationScript",
        "Parameters",
    )
    assert row.script_id == script.pk
    assert row.script is not None
    assert (row.script.id, row.script.version, row.script.name) == (script.pk, 2, "echo")
    assert row.script.parameters == ["a", "b"]
    assert (row.script.has_api_trigger, row.script.has_run) == (True, False)
    assert row.is_allowed
    for token_id in (another.pk, NOBODY):
        stranger = find_definition(("a", "x"), token_id)
        assert stranger is not None
        assert not stranger.is_allowed


def test_a_definition_comes_with_what_decides_how_it_runs(publish_in_process):
    publish_in_process("plain")
    publish_in_process("limited", keep_bodies="Failures", max_concurrent=3, server_timing=True)
    plain, limited = find_definition(("plain",), NOBODY), find_definition(("limited",), NOBODY)
    assert plain is not None and limited is not None
    assert (plain.keep_bodies, plain.max_concurrent, plain.server_timing) == ("Nothing", None, False)
    assert (limited.keep_bodies, limited.max_concurrent, limited.server_timing) == ("Failures", 3, True)


def test_permission_on_another_definition_does_not_count(publish_in_process):
    token, _ = Publisher().token()
    publish_in_process("a/b", allowed_tokens=[])
    publish_in_process("a/{b}", allowed_tokens=[token])
    row = find_definition(("a", "b"), token.pk)
    assert row is not None
    assert (row.route, row.is_allowed) == ("a/b", False)


def test_a_definition_is_read_anew_each_time(publish_in_process, script):
    token, _ = Publisher().token()
    definition = publish_in_process("a", allowed_tokens=[token])
    save_definition(definition, "system", allowed_tokens=[])
    row = find_definition(("a",), token.pk)
    assert row is not None
    assert not row.is_allowed
    script.source = "def run(engine): pass"
    save_checked(script, by="system")
    row = find_definition(("a",), token.pk)
    assert row is not None
    assert row.script is not None
    assert (row.script.version, row.script.has_api_trigger, row.script.has_run) == (2, False, True)
    delete_checked(definition, by="system")
    assert find_definition(("a",), token.pk) is None


def test_broken_rows_are_returned_as_they_are(publish_in_process):
    """The endpoint reports what an operator did to the database."""
    definition = publish_in_process("a")
    ApiDefinition._base_manager.filter(pk=definition.pk).update(script=None, action_type="Nonsense", input_type="Other")
    row = find_definition(("a",), NOBODY)
    assert row is not None
    assert (row.action_type, row.input_type, row.script_id, row.script) == ("Nonsense", "Other", None, None)


def test_a_deleted_script_is_none(publish_in_process):
    publish_in_process("a")
    gone = uuid.uuid4()
    ApiDefinition._base_manager.update(script=gone)  # foreign keys are checked at the commit, and there is none
    row = find_definition(("a",), NOBODY)
    ApiDefinition._base_manager.update(script=None)
    assert row is not None
    assert (row.script_id, row.script) == (gone, None)
