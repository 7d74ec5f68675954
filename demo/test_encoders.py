"""A library is tested like a script."""

from pathlib import Path

import pytest

import automation.sdk  # noqa: F401 - lets Python find `scripts.encoders`: encoders.py beside this file
from scripts.encoders import changed_encoders, encoders


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state directory for this test alone."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))


def test_changed_encoders_are_kept() -> None:
    assert encoders() == {}
    with changed_encoders() as known:
        known["7"] = {"state": "on", "bitrate": 4500}
        assert encoders() == {}, "readers see the old file until the change is complete"
    assert encoders() == {"7": {"state": "on", "bitrate": 4500}}


def test_failed_change_changes_nothing() -> None:
    with pytest.raises(ZeroDivisionError), changed_encoders() as known:
        known["7"] = {"state": "on", "bitrate": 1 // 0}
    assert encoders() == {}
