"""An export leaves a line in the log: who, what and how many."""

import logging

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from events.formats import recorded
from events.models import InformationEvent
from foundation.logs import AUDIT_LOGGER
from testbed.publishing import Publisher

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
    """The lines so far."""
    return lambda: [record.getMessage() for record in caplog.records if record.name == AUDIT_LOGGER]


@pytest.mark.parametrize(("address", "name"), EXPORTS)
def test_an_export_of_events(root, make, lines, address, name):
    make()
    answer = root.get(address)
    assert b"".join(answer.streaming_content)
    assert lines()[-1] == f"'root' exported 3 event(s) as {name}"


def test_one_that_is_broken_off_says_what_went_out(make, lines):
    make()
    export = recorded(InformationEvent.objects.all(), "root", "events.csv")
    next(export)
    export.close()
    assert lines()[-1] == "'root' exported 1 event(s) as events.csv"


def test_an_export_of_definitions_tokens_and_scripts(make, lines, tmp_path):
    make()
    make.script()
    call_command("export_apis", str(tmp_path / "export"), verbosity=0)
    assert lines()[-1] == "'system' exported scripts: 2, tokens: 1, definitions: 1"
    call_command("export_apis", str(tmp_path / "export"), "--with-digests", verbosity=0)
    assert lines()[-1].endswith("definitions: 1 with the digests of their secrets")


def test_the_line_is_written_at_any_level():
    assert logging.getLogger(AUDIT_LOGGER).isEnabledFor(logging.INFO)
