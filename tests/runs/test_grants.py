"""A grant belongs to a script, whatever its version and name: never to a name, and to unsaved source only as the
script that it would be saved as.
"""

import pytest

from automation.models import AutomationScript
from automation.versions import ScriptKind
from objects.changes import delete_checked, save_checked
from runs.user_requests import UserRequest
from runs.user_runs import run_definition, try_source
from tests.automation.stored_credentials import VALUE, stored_credential
from tests.runs.test_user_runs import WHO, body_of, trial

READS = """
from automation.sdk import *

def on_api_trigger(engine, request):
    try:
        return ApiTriggerOutput(response_body=engine.credential("smtp"))
    except CredentialNotAllowed:
        return ApiTriggerOutput(response_body="nothing")
"""
EDITED = f"{READS}\n# edited\n"


@pytest.fixture
def tried(stack):
    """Returns what unsaved source answers that is tried under this name and id."""

    def run(name: str, script_id: object = "") -> object:
        told = try_source(trial(EDITED, name=name, script_id=str(script_id)), UserRequest("POST"), **WHO)
        return body_of(told)

    return run


def test_unsaved_source_reads_what_the_script_of_its_id_may_read(publish, tried):
    granted, other = publish.script(READS, name="granted"), publish.script(READS, name="other")
    library = publish.script("x = 1", name="keys", kind=ScriptKind.LIBRARY)
    stored_credential(scripts=[granted])
    assert tried("any name", granted.pk) == VALUE
    for name, script_id in (
        ("granted", ""),
        ("granted", other.pk),
        ("granted", library.pk),
        ("granted", granted.pk.int),
    ):
        assert tried(name, script_id) == "nothing"


def test_other_versions_and_names_keep_the_grant_and_a_new_script_of_the_name_has_none(stack, publish):
    api = publish(READS)
    script = api.definition.script
    stored_credential(scripts=[script])
    name, script.name, script.source = script.name, "renamed", EDITED
    save_checked(script, "jane")
    assert api.call(stack.client).text == VALUE
    first = run_definition(api.definition, UserRequest("POST", script_version=1), **WHO)
    assert body_of(first) == VALUE
    successor = publish.script(READS, name=name)
    api.definition.script = successor
    save_checked(api.definition, "jane")
    assert api.call(stack.client).text == "nothing"
    # As an import brings it back: under its own id.
    key = script.pk
    delete_checked(script, "jane")
    api.definition.script = save_checked(AutomationScript(pk=key, name="renamed", source=READS), "jane")
    save_checked(api.definition, "jane")
    assert api.call(stack.client).text == "nothing"
