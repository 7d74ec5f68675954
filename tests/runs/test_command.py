"""`manage.py runs`."""

import io
import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError

from definitions.changes import save_definition
from events.models import InformationEvent
from runs.models import RunBodies, RunLog
from testbed.stack import wait_until
from tests.management.conftest import user_with
from tests.runs.conftest import shown_running

SHOW = """
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    print("got", request.raw_body)
    return ApiTriggerOutput(response_body=request.raw_body.upper())
"""

SLOW = """
import time
def on_api_trigger(engine, request):
    for number in range(600):
        print("step", number)
        time.sleep(0.3)
"""


def runs(*words):
    out = io.StringIO()
    call_command("runs", *map(str, words), stdout=out)
    return out.getvalue()


@pytest.fixture
def run(stack, publish, stored):
    """A run whose bodies are kept."""
    api = publish(SHOW)
    api.definition.keep_bodies = "Everything"
    save_definition(api.definition, "system")
    called = api.call(stack.client, content="abc", headers={"Content-Type": "text/plain"})
    return stored(called.headers["X-Trigger-Id"], lambda run: RunBodies.objects.filter(pk=run.pk).exists())


@pytest.fixture
def user(stack):
    """Makes users with these flags; returns their names."""
    yield lambda *flags: user_with(*flags).username
    User.objects.all().delete()


def test_runs_are_listed(run):
    line = runs("list", "--definition", run.definition_id)
    assert line.startswith(str(run.pk))
    assert "Succeeded" in line and f"Post {run.called_route}" in line
    listed = json.loads(
        runs("list", "--json", "--status", "Succeeded", "--token", run.token_name, "--from", "2020-01-01")
    )
    assert [each["id"] for each in listed["results"]] == [str(run.pk)]
    assert (listed["results"][0]["tokenName"], listed["before"]) == (run.token_name, None)
    assert runs("list", "--definition", uuid.uuid4()) == ""


def test_run_is_shown_with_words_and_bodies(run):
    text = runs("show", run.pk)
    assert text.startswith("Succeeded: The script answered.")
    assert run.script_name in text
    reads = InformationEvent.objects.filter(verb="read")
    before = reads.count()
    whole = json.loads(runs("show", run.pk, "--json", "--bodies"))
    assert (whole["request"]["body"], whole["response"]["body"]) == ("abc", "ABC")
    assert reads.count() == before + 1
    assert runs("log", run.pk).endswith("  got abc\n")


def test_run_is_repeated_as_it_was_or_changed(run, stored):
    assert "response 200\nABC\n" in runs("again", run.pk)
    again = json.loads(runs("again", run.pk, "--body", "new", "--script-version", 1, "--json"))
    assert again["actionResult"]["responseBody"] == "NEW"
    replay = stored(again["id"])
    assert (replay.kind, replay.parent_id, replay.user) == ("Replay", run.pk, "system")
    with pytest.raises(CommandError, match="no version 9"):
        runs("again", run.pk, "--body", "new", "--script-version", 9)


def test_log_is_followed_until_the_run_is_cancelled(stack, publish, stored):
    api = publish(SLOW)
    with ThreadPoolExecutor(2) as callers:
        callers.submit(api.call, stack.client)
        running = shown_running(definition_id=api.definition.pk)
        out = io.StringIO()
        following = callers.submit(call_command, "runs", "log", running.id, "--follow", stdout=out)
        wait_until(lambda: "step 1" in out.getvalue(), what="lines of the log")
        assert runs("cancel", running.id) == "The run was cancelled.\n"
        stored(running.id, lambda run: run.is_over)
        following.result(timeout=60)
    assert "step 0" in out.getvalue()
    with pytest.raises(CommandError, match="The run is over"):
        runs("cancel", running.id)


def test_what_does_not_exist_is_refused(stack):
    for step in ("show", "log", "cancel", "again"):
        with pytest.raises(CommandError, match="There is no such run"):
            runs(step, uuid.uuid4())
    for words in (("show", "x"), ("list", "--limit", "0"), ("list", "--from", "soon")):
        with pytest.raises(CommandError):
            runs(*words)


def test_user_who_acts_needs_the_flags(run, user):
    with pytest.raises(CommandError, match="There is no user 'nobody'"):
        runs("list", "--as", "nobody")
    viewer = user("runs.ui_available", "automation.execute", "definitions.ui_available")
    for words in (("cancel", run.pk), ("show", run.pk, "--bodies"), ("again", run.pk)):
        with pytest.raises(CommandError, match="may not"):
            runs(*words, "--as", viewer)
    with pytest.raises(CommandError, match="by its id"):
        runs("list", "--token", run.token_name, "--as", viewer)
    assert run.token_name not in runs("show", run.pk, "--as", viewer)
    assert "ABC" in runs("again", run.pk, "--body", "abc", "--as", viewer)


def test_terminals_are_not_controlled_by_scripts(publish, stored, stack):
    api = publish(
        "def on_api_trigger(engine, request):\n    print('a\\x0cb\\x1b[2J\\u2028')\n    raise ValueError('\\x1b[2J')"
    )
    run_id = api.call(stack.client).headers["X-Trigger-Id"]
    stored(run_id, lambda run: RunLog.objects.filter(pk=run.pk).exists())
    assert runs("log", run_id).endswith("  a\\x0cb\\x1b[2J\\u2028\n")
    assert r"ValueError: \x1b[2J" in runs("show", run_id)
    with pytest.raises(CommandError, match=r"ValueError: \\x1b\[2J"):
        runs("again", run_id, "--body", "")
