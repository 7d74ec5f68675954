"""Which tests share a test process with `--dist loadscope`, and which begin first (`-p tests.distribution`).

Tests that share something expensive, such as a stack that they may break, run in one process, which starts it once.
All others are distributed by module.
"""

from __future__ import annotations

import gc
import os
from importlib import import_module

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

# Folders that share stacks, a mirror or a Chromium.
_FOLDERS = ("chaos", "fleet/builds", "fleet", "launcher", "search", "edge", "browser", "metrics")
# What waits more than it computes, and what computes for long: the longest first.
_WAITING = ("chaos", "fleet", "launcher", "search", "edge", "broker", "endpoint", "events", "runs/test_kills")
_COMPUTING = (
    *("browser", "management/test_schemathesis", "docs/test_pages", "permissions_table", "upgrades", "installations"),
    *("management/test_schema.py", "automation/test_sdk_package", "hosts"),
)


class SharedStarts(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Hands the collection out from both ends, so that some processes compute while others wait."""

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return next((name for name in _FOLDERS if module.startswith(f"tests/{name}/")), module)

    def _assign_work_unit(self, node: WorkerController) -> None:
        if self.nodes.index(node) % 2:
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)


def _place(item: pytest.Item) -> int:
    """Where the test belongs in the collection: long ones at one of the ends, others between in random order."""
    order = (*_WAITING, "", *reversed(_COMPUTING))
    return next(
        (place for place, name in enumerate(order) if name and item.nodeid.startswith(f"tests/{name}")), len(_WAITING)
    )


def pytest_sessionstart(session: pytest.Session) -> None:
    """Import a share of the modules first, so that each is compiled by one process, and the others find it compiled."""
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0"))
    if not count or session.config.args_source != pytest.Config.ArgsSource.TESTPATHS:
        return
    # Modules and tests stay: looking for garbage in them takes a fifth of the collection, and time in each test later.
    gc.disable()
    first = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw"))
    root = session.config.rootpath
    for file in sorted((root / "tests").rglob("test_*.py"))[first::count]:
        import_module(".".join(file.relative_to(root).with_suffix("").parts))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What begins last decides when all is over: long tests begin first."""
    items.sort(key=_place)


def pytest_collection_finish() -> None:
    """Look for garbage from here on, but not in what has been loaded, and less often: a test leaves little."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    """Replace the scheduler of `--dist loadscope`."""
    if config.getvalue("dist") != "loadscope":
        return None
    config.option.loadscopereorder = False
    return SharedStarts(config, log)
