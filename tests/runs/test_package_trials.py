"""Trials of source with packages, and runs of versions that are not ready, on a real node."""

import time
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from automation import build_ends
from automation.builds import Build, PackageLock
from definitions.models import ApiDefinition
from hosts.jobs import RunKind
from runs.models import Run
from runs.user_requests import UserRequest
from runs.user_runs import run_definition, try_source
from testbed.publisher import ECHO
from testbed.wheels import Wheelhouse
from tests.automation.built import build, needing
from tests.automation.saved import change
from tests.refusals import only_reason, refused
from tests.runs.test_user_runs import WHO, trial

SHOW = """
import {0}
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    return ApiTriggerOutput(response_body={0}.version)
"""


@pytest.fixture
def wheelhouse() -> Wheelhouse:
    return Wheelhouse(Path(str(settings.UDAPI_WHEELHOUSE)))


def tried(source: str):
    """The answer as soon as there is one, or the details of a failed build."""
    ends = time.monotonic() + 30
    while True:
        try:
            return try_source(trial(source), UserRequest("GET"), **WHO)
        except ValidationError as error:
            reason, details = only_reason(error)
            assert reason == "PackagesNotReady"
            if details["state"] == "Failed":
                return details
            assert time.monotonic() < ends, details
            time.sleep(0.2)


def test_unsaved_source_is_tried_with_its_packages(building_stack, open_db, wheelhouse, stored):
    wheelhouse.add("triedpkg")
    source = needing("triedpkg", body=SHOW.format("triedpkg"))
    told = tried(source)
    assert (told.error, told.answer.body) == (None, b"1.0")
    # What waited for its packages was no run.
    assert stored(told.statistics.trigger_id) == Run.objects.get(kind=RunKind.TRIAL)
    failed = tried(needing("triedpkg>1", body=SHOW.format("triedpkg")))
    assert "triedpkg" in failed["message"]
    assert refused(try_source, trial(needing("triedpkg>1", body=ECHO)), UserRequest("GET"), **WHO)[1] == failed
    Build.objects.all().delete()
    PackageLock.objects.all().delete()


def test_version_that_is_not_ready_does_not_run(building_stack, publish):
    api = publish(ECHO)
    script = api.definition.script
    with transaction.atomic():
        change(script, source=needing("missing", body=ECHO))
        build_ends.failed(build(script, 2).pk, "why")
    asked = UserRequest("POST", raw_body="x", script_version=2)
    reason, details = refused(run_definition, api.definition, asked, **WHO)
    assert (reason, details["field"]) == ("InvalidField", "scriptVersion")
    assert api.call(building_stack.client, "GET").status_code == 200
    # Its environment was removed on a node that the database knew nothing of, or an import has pinned it early.
    ApiDefinition._base_manager.filter(pk=api.definition.pk).update(script_version=2)
    answer = api.call(building_stack.client, "GET")
    assert (answer.status_code, answer.json()["errors"][0]["errorCode"]) == (500, 15)
