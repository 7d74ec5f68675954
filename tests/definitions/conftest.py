"""Definitions that are made and found within the test's own process."""

import uuid
from collections.abc import Callable

import pytest

from automation.models import AutomationScript
from definitions import lookups, routes
from definitions.changes import save_definition
from definitions.models import ApiDefinition
from objects.changes import save_checked
from testbed.publisher import ECHO

NOBODY = uuid.uuid4()


def make_script(name: str = "echo", source: str = ECHO) -> AutomationScript:
    """A saved script."""
    return save_checked(AutomationScript(name=name, source=source), by="system")


def found(segments: tuple[str, ...] | None) -> tuple[str, dict[str, str]] | None:
    """The route that answers a request with `segments`, and the captured parameters."""
    row = lookups.find_definition(segments, NOBODY) if segments else None
    return None if row is None else (row.route, routes.captured(row.route, segments or ()))


@pytest.fixture
def script(db):
    """A script with `on_api_trigger`."""
    return make_script()


@pytest.fixture
def publish_in_process(script) -> Callable[..., ApiDefinition]:
    """Saves a definition: `publish_in_process(route, …)`."""

    def publish(route: str, **fields) -> ApiDefinition:
        allowed = fields.pop("allowed_tokens", None)
        return save_definition(ApiDefinition(**{"route": route, "script": script} | fields), "system", allowed)

    return publish
