"""Clients of the management API."""

from tests.management.conftest import login  # noqa: F401  a fixture
