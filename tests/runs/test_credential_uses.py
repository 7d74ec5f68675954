"""A credential was last used when the latest run ended that has read it."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from automation.credentials import Credential
from events.models import InformationEvent
from runs import store
from tests.automation.stored_credentials import credential_keys_in_use, stored_credential
from tests.runs.records import ended, id_at

pytestmark = pytest.mark.django_db

NOW = timezone.now().astimezone(UTC).replace(microsecond=0)


@pytest.fixture
def credential():
    with credential_keys_in_use(1):
        return stored_credential()


def run_that_used(*credentials, before: int = 0):
    """The record of a run that ended so many seconds ago."""
    at = NOW - timedelta(seconds=before)
    used = [str(getattr(each, "pk", each)) for each in credentials]
    accepted = id_at(at - timedelta(seconds=5))
    return ended(id=accepted, ended_at=round(at.timestamp() * 1_000), credentials_used=used)


def last_used(credential) -> datetime | None:
    return Credential.objects.get(pk=credential.pk).last_used_at


def test_latest_run_counts_in_whatever_order_the_records_come(credential):
    store.store_records([run_that_used(credential, before=60), run_that_used(credential, before=30)])
    assert last_used(credential) == NOW - timedelta(seconds=30)
    store.store_records([run_that_used(credential, before=40)])
    assert last_used(credential) == NOW - timedelta(seconds=30)
    newer = run_that_used(credential)
    for _ in range(2):
        store.store_records([newer, run_that_used(credential, before=90)])
    assert last_used(credential) == NOW


def test_use_is_no_change_of_the_credential(credential):
    before, events = Credential.objects.get(pk=credential.pk), InformationEvent.objects.count()
    store.store_records([run_that_used(credential)])
    after = Credential.objects.get(pk=credential.pk)
    assert (after.revision, after.last_modified, after.last_modified_by) == (
        before.revision,
        before.last_modified,
        before.last_modified_by,
    )
    assert InformationEvent.objects.count() == events


def test_only_what_was_used_is_noted_with_one_statement_each(credential):
    with credential_keys_in_use(1):
        others = [stored_credential(name=name) for name in ("second", "unused")]
    gone = uuid4()
    found = [run_that_used(credential, others[0], gone, "none", before=number) for number in range(20)]
    with CaptureQueriesContext(connection) as captured:
        store.store_records(found)
    updates = [each["sql"] for each in captured if each["sql"].startswith('UPDATE "automation_credential"')]
    assert len(updates) == 3
    assert (last_used(others[0]), last_used(others[1])) == (NOW, None)


def test_clock_that_is_wrong_puts_no_use_into_the_future(credential):
    record = run_that_used(credential)
    record.ended_at = 2**62
    store.store_records([record])
    assert (last_used(credential) or NOW) <= timezone.now()
