"""What there is to act on."""

from unittest.mock import Mock

import pytest
from django.db import transaction
from django.template.response import SimpleTemplateResponse

from endpoint import run_note
from fleet import overview
from tests.permissions_table.table import World


@pytest.fixture(scope="module")
def lasting_world(django_db_setup, django_db_blocker):
    """Use `world`. It lasts for all tests of a module, in a transaction that is never committed."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield World()
        transaction.set_rollback(True)


@pytest.fixture
def world(lasting_world, monkeypatch):
    """What there is to act on. No broker is asked or told anything, and pages, rendered by other tests, are not."""
    monkeypatch.setattr(overview, "nodes", list)
    monkeypatch.setattr(run_note, "record_buffer", Mock)
    monkeypatch.setattr(SimpleTemplateResponse, "rendered_content", "")
    return lasting_world
