"""Each export is logged: who, what and how many."""

import logging

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from events.exports import recorded
from events.models import InformationEvent
from foundation.logs import AUDIT_LOGGER
from testbed.publisher import Publisher

EXPORTS = [
    ("/console/events/informationevent/export/csv/", "events.csv"),
    ("/console/events/informationevent/export/jsonl/", "events.jsonl"),
    ("/api/management/events/export/csv/", "events.csv"),
    ("/api/management/events/export/jsonl/", "events.jsonl"),
]


@pytest.fixture
def root(db):
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    Publisher.forget_people()
    return client


@pytest.fixture
def lines(caplog):
    """`lines()`: the messages of the audit log so far."""
    return lambda: [record.getMessage() for record in caplog.records if record.name == AUDIT_LOGGER]


@pytest.mark.parametrize(("address", "name"), EXPORTS)
def test_export_of_events_is_logged(root, make, lines, address, name):
    make()
    answer = root.get(address)
    assert b"".join(answer.streaming_content)
    assert lines()[-1] == f"'root' exported 3 event(s) as {name}"


def test_aborted_export_logs_how_many_events_were_sent(make, lines):
    make()
    export = recorded(InformationEvent.objects.all(), "root", "events.csv")
    next(export)
    export.close()
    assert lines()[-1] == "'root' exported 1 event(s) as events.csv"


def test_export_of_definitions_tokens_and_scripts_is_logged(make, lines, tmp_path):
    make()
    make.script()
    call_command("export_apis", str(tmp_path / "export"), verbosity=0)
    assert lines()[-1] == "'system' exported scripts: 2, tokens: 1, credentials: 0, definitions: 1"
    call_command("export_apis", str(tmp_path / "export"), "--with-digests", verbosity=0)
    assert lines()[-1].endswith("definitions: 1 with the digests of their secrets")


def test_audit_log_takes_info_lines():
    assert logging.getLogger(AUDIT_LOGGER).isEnabledFor(logging.INFO)
