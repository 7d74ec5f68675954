"""What there is to act on."""

import pytest
from django.template.response import SimpleTemplateResponse

from automation import nodes
from tests.permissions_table.table import World


@pytest.fixture
def world(monkeypatch):
    """What there is to act on. Worker nodes are asked of no broker, and pages, rendered by other tests, are not."""
    monkeypatch.setattr(nodes, "alive", list)
    monkeypatch.setattr(SimpleTemplateResponse, "rendered_content", "")
    return World()
