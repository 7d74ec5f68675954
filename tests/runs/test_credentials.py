"""Credentials in runs: who gets a value, and that it is found nowhere else."""

import base64
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from urllib.parse import quote

import httpx
import psutil
import pytest
from django.conf import settings
from django.db import connection
from django.test import override_settings

from automation.credential_changes import save_credential
from automation.credentials import Credential
from automation.versions import ScriptKind
from definitions.models import KeepBodies
from events.models import InformationEvent
from fleet.records import RunStatus
from objects.changes import save_checked
from runs.models import RunBodies, RunLog
from testbed.stack import PYTHON, ROOT, wait_until
from tests.automation.stored_credentials import stored_credential
from tests.endpoint.catalogue import assert_error

VALUE = "hunter2/correct+horse?battery"
WRITTEN = (
    # Also where somebody has cut it off.
    VALUE[:10],
    VALUE[-10:],
    quote(VALUE, safe=""),
    *(base64.b64encode(bytes(n) + VALUE.encode()).decode()[4:-4] for n in range(3)),
)

READS = """
from automation.sdk import *

def on_api_trigger(engine, request):
    return ApiTriggerOutput(response_body=engine.credential("smtp"))
"""
# What a careless script does with it.
SPREADS = """
import base64, subprocess, sys, time
from pathlib import Path
from urllib.parse import quote
from automation.sdk import *

def on_api_trigger(engine, request):
    value = engine.credential("smtp")
    print("connects with", value, quote(value, safe=""), base64.b64encode(b"user:" + value.encode()).decode())
    print("x" * 8_180 + value)
    engine.log(value)
    engine.information("I know " + value)
    engine.information("x" * 985 + value)
    try:
        engine.run_subscript("careless child", {"p": value})
    except SubscriptFailed as error:
        print(error)
    go = Path(request.query_parameters.get("go"))
    while not go.exists():
        time.sleep(0.01)
    if "fail" in request.query_parameters:
        raise ValueError("x" * 4_090 + value)
    output = ApiTriggerOutput.json({"sent": request.raw_body, "value": value})
    output.response_headers.set("X-Value", value)
    return output
"""
CHILD = """
def run(engine):
    value = engine.script_param("p").value
    print(value)
    engine.information("x" * 985 + value)
    raise ValueError("x" * 4_070 + value)
"""


def granted(*scripts, name: str = "smtp", value: str = VALUE) -> Credential:
    return stored_credential(name, value, scripts)


def written_in(text: str) -> list[str]:
    return [form for form in WRITTEN if form in text]


@contextmanager
def listening(stack):
    """All commands that Redis gets meanwhile, as text."""
    heard: list[str] = []
    with stack.redis_client() as redis, redis.monitor() as monitor:
        thread = threading.Thread(target=lambda: _hear(monitor, heard), daemon=True)
        thread.start()
        yield heard
        with stack.redis_client() as other:
            other.echo("the end")
        thread.join(20)


def _hear(monitor, heard: list[str]) -> None:
    with suppress(Exception):
        for said in monitor.listen():
            heard.append(said["command"])
            if said["command"].startswith("ECHO the end"):
                return


def everything_stored() -> str:
    """Every row of every table."""
    with connection.cursor() as cursor:
        rows = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608  quoted
            rows += [f"{table}: {row}" for row in cursor.fetchall()]
    return "\n".join(rows)


def everything_in_files(stack) -> str:
    files = [file for file in stack.data.root.rglob("*") if file.is_file()]
    return "\n".join(f"{file}: {file.read_bytes()!r}" for file in files)


def everything_told_of_processes() -> str:
    told = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            told.append(f"{process.pid}: {process.cmdline()} {process.environ()}")
    return "\n".join(told)


def test_value_is_found_nowhere_else(stack, publish, stored, kept):
    child = publish.script(CHILD, name="careless child", parameters=["p"])
    api = publish(SPREADS, timeout_seconds=60)
    granted(api.definition.script)
    api.definition.keep_bodies = KeepBodies.EVERYTHING
    save_checked(api.definition, "system")
    go = kept / "go"
    sent = {"content": f'{{"note": "{VALUE}"}}', "headers": {"Content-Type": "application/json", "X-Note": VALUE}}
    said = stack.log_text("manager.log").count("[information]")
    with listening(stack) as heard, ThreadPoolExecutor(1) as callers:
        call = callers.submit(api.call, stack.client, params={"go": str(go)}, **sent)
        wait_until(lambda: stack.log_text("manager.log").count("[information]") > said, what="what the script says")
        processes = everything_told_of_processes()
        go.touch()
        answer = call.result()
        failed = api.call(stack.client, params={"go": str(go), "fail": ""}, **sent)
        runs = [stored(each.headers["X-Trigger-Id"]) for each in (answer, failed)]
    # Masking changes nothing that the script answers.
    assert (answer.json()["value"], answer.headers["X-Value"]) == (VALUE, VALUE)
    assert_error(failed, 12)
    assert [run.status for run in runs] == [RunStatus.SUCCEEDED, RunStatus.FAILED]
    assert {"said"} <= set(InformationEvent.objects.values_list("verb", flat=True))
    kept_runs = [*RunLog.objects.values_list("text", flat=True), *map(str, RunBodies.objects.values_list())]
    own = [run.pk for run in runs]
    assert "•••" in RunLog.objects.get(pk=own[0]).text
    assert all("•••" in str(row) for row in RunBodies.objects.filter(pk__in=own).values_list())
    assert "•••" in runs[1].message
    assert len(heard) > 20
    places = {
        "database": everything_stored(),
        "files": everything_in_files(stack),
        "runs": "\n".join(kept_runs),
        "processes": processes,
        # The body of the request and that of the answer pass through it, as the client sends and gets them.
        "redis": "\n".join(each for each in heard if "note" not in each and "sent" not in each),
        "log": stack.log_text("manager.log") + stack.log_text("endpoint.log"),
    }
    assert {place: found for place, text in places.items() if (found := written_in(text))} == {}
    assert Credential.objects.get().last_used_at is not None
    assert child.pk


def test_only_granted_scripts_get_a_value_at_once_and_no_longer_than_that(stack, publish):
    api = publish(READS)
    credential = granted()
    assert_error(api.call(stack.client), 12)
    save_credential(credential, "system", [api.definition.script])
    assert api.call(stack.client).text == VALUE
    credential.set_value("another value")
    save_credential(credential, "system", None)
    assert api.call(stack.client).text == "another value"
    save_credential(credential, "system", [])
    assert_error(api.call(stack.client), 12)


def test_library_and_subscript_have_no_grant_of_their_own(stack, publish):
    source = "def value(engine):\n    return engine.credential('smtp')\n"
    library = publish.script(source, name="keyring", kind=ScriptKind.LIBRARY)
    reader = publish.script("def run(engine):\n    return engine.credential('smtp')\n", name="reader")
    asks = """
from automation.sdk import *
from scripts.keyring import value

def on_api_trigger(engine, request):
    try:
        by = request.query_parameters.get("by")
        got = value(engine) if by == "library" else engine.run_subscript("reader")
    except (CredentialNotAllowed, SubscriptFailed) as error:
        return ApiTriggerOutput(response_body=f"{type(error).__name__} {error}")
    return ApiTriggerOutput(response_body=got)
"""
    api = publish(asks)

    def asked(by: str) -> str:
        answer: httpx.Response = api.call(stack.client, params={"by": by})
        return answer.text

    credential = granted(reader)
    assert asked("library").startswith("CredentialNotAllowed")
    assert asked("subscript") == VALUE
    save_credential(credential, "system", [api.definition.script])
    assert asked("library") == VALUE
    refused = asked("subscript")
    assert refused.startswith("SubscriptFailed")
    assert "CredentialNotAllowed" in refused
    assert library.pk


def test_rotation_under_load_loses_no_run(stack, publish):
    api = publish(READS)
    new, old = settings.UDAPI_CREDENTIAL_KEYS
    with override_settings(UDAPI_CREDENTIAL_KEYS=(old,)):
        for number in range(20):
            granted(api.definition.script, name="smtp" if number == 0 else f"other {number}")
    with ThreadPoolExecutor(4) as callers:
        calls = [callers.submit(api.call, stack.client) for _ in range(120)]
        command = [PYTHON, "manage.py", "credential_keys", "--rotate"]
        environment = {**stack.environment, "PATH": "/usr/bin:/bin"}
        rotated = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert rotated.returncode == 0, rotated.stdout + rotated.stderr
        assert {call.result().text for call in calls} == {VALUE}
    with override_settings(UDAPI_CREDENTIAL_KEYS=(new,)):
        assert api.call(stack.client).text == VALUE
        assert Credential.objects.values("key_fingerprint").distinct().count() == 1


def test_value_that_no_key_opens_fails_the_run_without_telling(stack, publish):
    api = publish(READS)
    with override_settings(UDAPI_CREDENTIAL_KEYS=(base64.urlsafe_b64encode(b"x" * 32).decode(),)):
        granted(api.definition.script)
    assert_error(api.call(stack.client), 8)
    assert "Credential 'smtp'" in stack.log_text("manager.log")


@pytest.mark.parametrize("length", [7, 8])
def test_values_below_eight_characters_are_not_masked(stack, publish, stored, length):
    api = publish(READS.replace("return", "print(engine.credential('smtp'))\n    return"))
    granted(api.definition.script, value="s3cr3t/+"[:length])
    run = stored(api.call(stack.client).headers["X-Trigger-Id"])
    assert ("•••" in RunLog.objects.get(pk=run.pk).text) == (length == 8)
