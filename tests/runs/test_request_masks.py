"""What a web server has kept of a request that no node records: stored without values of credentials."""

import base64

import msgspec
import pytest
from django.test import override_settings

from fleet.kept_bodies import KeptRequest, keep_request
from fleet.records import Authority, RunExtras, RunStatus
from runs import store
from runs.models import Run, RunBodies
from tests.automation.stored_credentials import stored_credential
from tests.runs.records import ended, hand_over

VALUE = "hunter2/correct+horse"
BODY = f'{{"a": "{VALUE}", "b": 1}}'


@pytest.fixture
def kept_by_web(no_runs):
    """Returns the function that hands over what a web server keeps of a run of the script, and has it stored."""

    def keep(script) -> KeptRequest | None:
        record = ended(RunStatus.UNANSWERED, authority=Authority.TOLD, script_id=str(script.pk), has_bodies=True)
        sent = keep_request([("q", VALUE)], [("X-Note", VALUE)], BODY.encode(), "application/json")
        extras = RunExtras(id=record.id, request=msgspec.json.encode(sent), unmasked_script_id=str(script.pk))
        hand_over(record, extras={record.id: extras})
        store.store_all()
        assert Run.objects.filter(pk=record.id).exists()
        text = RunBodies.objects.filter(pk=record.id).values_list("request", flat=True).first()
        return msgspec.json.decode(text, type=KeptRequest) if text else None

    return keep


def test_values_of_the_script_are_masked_and_no_others(publish, kept_by_web):
    granted, other = publish.script(name="granted"), publish.script(name="other")
    stored_credential("smtp", VALUE, [granted])
    request = kept_by_web(granted)
    assert (request.query, request.headers) == ([("q", "•••")], [("X-Note", "•••")])
    assert request.body == '{"a": "•••", "b": 1}'
    assert kept_by_web(other).body == BODY


def test_request_is_not_kept_if_a_value_cannot_be_read(publish, kept_by_web):
    script = publish.script(name="granted")
    with override_settings(UDAPI_CREDENTIAL_KEYS=(base64.urlsafe_b64encode(b"x" * 32).decode(),)):
        stored_credential("smtp", VALUE, [script])
    assert kept_by_web(script) is None
