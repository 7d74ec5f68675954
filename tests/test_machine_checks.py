"""System checks of the machine that scripts run on, and of the paths that are open to them."""

import os

import pytest

from fleet import confinement
from tests.landlock import ABI
from udapi_site import checks


def ids(found) -> list[str]:
    return [message.id for message in found]


def test_a_kernel_without_landlock_and_scripts_of_root_are_warned_of(settings, monkeypatch):
    expected = [] if ABI else ["udapi.W010"]
    settings.UDAPI_SCRIPT_USER = ""
    assert ids(checks.check_confinement(None)) == expected + (["udapi.W013"] if os.geteuid() == 0 else [])
    settings.UDAPI_SCRIPT_USER = "nobody"
    assert ids(checks.check_confinement(None)) == expected
    monkeypatch.setattr(confinement, "is_enforced", lambda: False)
    assert ids(checks.check_confinement(None)) == ["udapi.W010"]


@pytest.mark.parametrize("name", ["UDAPI_SCRIPT_READ_PATHS", "UDAPI_SCRIPT_WRITE_PATHS"])
def test_paths_that_would_open_secrets_to_scripts_are_refused_and_stay_closed(settings, tmp_path, name):
    root = settings.DATA_DIR.root
    setattr(settings, name, [tmp_path, root / "exports", root.parent])
    assert ids(checks.check_script_paths(None)) == []
    link = tmp_path / "link"
    link.symlink_to(root)
    for path in (root, link, settings.BASE_DIR):
        setattr(settings, name, [path])
        assert ids(checks.check_script_paths(None)) == ["udapi.E010"]
        paths = confinement.configured_paths()
        assert str(path) not in (*paths.readable, *paths.writable)
    settings.UDAPI_STATE_DIR = root
    assert ids(checks.check_script_paths(None)) == ["udapi.E010"] * 2
