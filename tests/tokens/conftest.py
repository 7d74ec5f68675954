"""Tokens made within the test's own process, under peppers of the test's choice."""

from contextlib import contextmanager

from django.test import override_settings

OWN_SECRET = "own-secret-of-a-client-0123456789"

_PEPPERS = {number: bytes([64 + number]) * 32 for number in range(1, 5)}


@contextmanager
def peppers_in_use(*numbers: int):
    """Make these peppers active, the first one current."""
    with override_settings(UDAPI_PEPPERS={number: _PEPPERS[number] for number in numbers}):
        yield
