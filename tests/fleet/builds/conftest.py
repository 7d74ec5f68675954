"""A fleet with a database of its own, whose nodes get packages from an index that tests can hold up.

All other stacks of a test process share a database. Their nodes would build and settle what these tests save.
"""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest
from django.core.management import call_command
from django.db import connection, connections

from automation.builds import Build, BuildState, NodeEnvironment
from automation.models import AutomationScript
from hosts.environments import EnvironmentStore
from objects.changes import save_checked
from testbed.package_index import PackageIndex
from testbed.publisher import Api, Publisher
from testbed.stack import ROOT, Stack, own_data_dir, wait_until
from testbed.wheels import Wheelhouse

MOST_MEGABYTES = 100
DISK_MEGABYTES = 400
BUILD_SECONDS = 15

SOURCE = """
# /// script
# dependencies = {dependencies}
# ///
import {modules}
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    return ApiTriggerOutput(response_body=" ".join(module.version for module in ({modules},)))
"""


def source_of(*modules: str, **exact: str) -> str:
    """A script that answers the versions of its packages. For some of them, it may ask for an exact one."""
    wanted = [*modules, *(f"{name}=={version}" for name, version in exact.items())]
    return SOURCE.format(dependencies=json.dumps(wanted), modules=", ".join([*modules, *exact]))


class BuildMachine:
    """A worker node with a data directory of its own."""

    def __init__(self, process: subprocess.Popen[bytes], root: Path) -> None:
        self.process, self.root = process, root
        self.store = EnvironmentStore(root / "environments")

    @property
    def id(self) -> int:
        """Its number, once it has one."""
        file = self.root / "nodes" / "node-1"
        return int(file.read_text().strip() or 0) if file.exists() else 0

    def has(self, build: Build | None, state: BuildState = BuildState.READY) -> bool:
        """Whether it has, or could not build, the environment of a build, whose lock may not be known yet."""
        rows = NodeEnvironment.objects.filter(node_id=self.id, state=state)
        return build is not None and rows.filter(lock__builds=build.pk).exists()

    def builds(self) -> list[psutil.Process]:
        """The processes that build on this machine now."""
        return [
            each
            for each in psutil.Process(self.process.pid).children(recursive=True)
            if "build_process" in " ".join(each.cmdline()) or each.name() == "uv"
        ]

    def ran(self) -> int:
        """How many triggers it has run."""
        log = self.root / "logs" / "manager.log"
        return log.read_text().count(f" node={self.id} code=") if log.exists() else 0

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(30)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Meanwhile, the node does nothing, like a machine that hangs."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


class BuildFleet:
    """One machine, `first`, and those that a test adds."""

    def __init__(self, stack: Stack, wheels: Wheelhouse, index: PackageIndex) -> None:
        self.stack, self.wheels, self.index, self.publish = stack, wheels, index, Publisher()

    @property
    def first(self) -> BuildMachine:
        return BuildMachine(self.stack.worker, self.stack.data.root)

    @property
    def is_broken(self) -> bool:
        """Whether a test has ended Redis or the first node."""
        return any(process.poll() is not None for process in (self.stack.redis, self.stack.worker))

    def begin(self, path: Path, **environment: str) -> BuildMachine:
        """One more machine, which has just been started."""
        root, _ = own_data_dir(path, "")
        shutil.rmtree(root / "redis")
        (root / "redis").symlink_to(self.stack.data.root / "redis")
        own = {"UDAPI_DATA_DIR": str(root), "UDAPI_BUILD_TIMEOUT_SECONDS": "300"}
        return BuildMachine(self.stack.start_worker(ROOT, **own, **environment), root)

    def wait_for(self, *machines: BuildMachine) -> None:
        """Wait until these machines take triggers, and no others."""
        wait_until(lambda: self.taking() == {machine.id for machine in machines}, what="these machines")

    def taking(self) -> set[int]:
        """The numbers of the nodes that take triggers."""
        with self.stack.redis_client() as redis:
            prefix, now = self.stack.prefix, redis.time()[0] * 1_000
            beats = redis.zrangebyscore(f"{prefix}nodes", now, "+inf")
            states = [redis.get(f"{prefix}node:{beat.decode()}") for beat in beats]
        return {json.loads(state.partition(b" ")[2])["id"] for state in states if state}

    def save(self, script: AutomationScript, source: str) -> Build | None:
        """Save a new version; its build, if it needs one."""
        script.refresh_from_db()
        script.source = source
        save_checked(script, "system")
        return self.build(script)

    def save_new(self, source: str) -> AutomationScript:
        """Save a new script; for a thread of its own."""
        try:
            return self.publish.script(source)
        finally:
            connections.close_all()

    def build(self, script: AutomationScript) -> Build | None:
        """The build of the latest version."""
        found = Build.objects.select_related("lock").filter(version__script=script).order_by("-version__number").first()
        return found if found and found.version and found.version.number == _latest(script) else None

    def ended(self, script: AutomationScript, seconds: float = 40) -> Build:
        """The build of the latest version, once it has ended."""
        wait_until(lambda: (found := self.build(script)) and not found.is_going_on, seconds, "the end of a build")
        build = self.build(script)
        assert build is not None
        return build

    def ready(self, *modules: str, **exact: str) -> Api:
        """An API with these packages that answers."""
        api = self.publish(source_of(*modules, **exact))
        script = api.definition.script
        assert script is not None
        build = self.ended(script)
        assert (build.state, build.message) == (BuildState.READY, "")
        return api

    def forget_unneeded(self, script: AutomationScript) -> None:
        """Remove what earlier tests have left on the first machine, but for the environment of this script."""
        build = self.build(script)
        for stored in self.first.store.listed():
            if build is None or build.lock is None or stored.digest != build.lock.digest:
                self.first.store.remove(stored.digest)

    def current(self, script: AutomationScript) -> int | None:
        script.refresh_from_db()
        return script.current_version

    def answer(self, api: Api) -> tuple[int, str]:
        answer = api.call(self.stack.client)
        return answer.status_code, answer.text


def _latest(script: AutomationScript) -> int:
    return script.versions.order_by("-number").values_list("number", flat=True)[0]


@contextmanager
def using_database(name: str) -> Iterator[None]:
    """Meanwhile, all threads of this process use another database of the same server or kind."""

    def switch(to: object) -> object:
        connections.close_all()
        if connection.vendor == "postgresql":
            connection.close_pool()  # type: ignore[attr-defined]
        before, connection.settings_dict["NAME"] = connection.settings_dict["NAME"], to
        return before

    before = switch(name)
    try:
        yield
    finally:
        switch(before)


def _own_database(root: Path) -> tuple[str, str]:
    """Name and URL of a new database."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE builds")
        return "builds", os.environ["DATABASE_URL"].rpartition("/")[0] + "/builds"
    file = root / "builds.sqlite3"
    with closing(sqlite3.connect(connection.settings_dict["NAME"])) as known, closing(sqlite3.connect(file)) as new:
        known.backup(new)
    return str(file), f"sqlite:///{file}"


@contextmanager
def _small_disk(path: Path) -> Iterator[bool]:
    """A disk of its own at `path`, if this process may mount one."""
    path.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m,mode=755", "tmpfs"]
    is_mounted = not subprocess.run(["mount", *options, path], capture_output=True).returncode
    try:
        yield is_mounted
    finally:
        if is_mounted:
            subprocess.run(["umount", "-l", path])


@pytest.fixture(scope="package")
def running_build_fleet(django_db_setup, django_db_blocker, tmp_path_factory):
    """Use `fleet`, which also opens the database."""
    root = tmp_path_factory.mktemp("builds")
    wheels = Wheelhouse(root / "wheels")
    with django_db_blocker.unblock():
        name, url = _own_database(root)
        with using_database(name):
            call_command("migrate", verbosity=0)
    data_dir, shared = own_data_dir(root / "data", url)
    with PackageIndex(wheels.directory) as index, _small_disk(data_dir / "environments"):
        own = {"UDAPI_WHEELHOUSE": "", "UDAPI_PACKAGE_INDEX_URL": index.url}
        own |= {"UDAPI_ENVIRONMENTS_MAX_MB": str(MOST_MEGABYTES), "UDAPI_BUILD_TIMEOUT_SECONDS": str(BUILD_SECONDS)}
        with Stack(data_dir, shared | own) as stack:
            yield name, BuildFleet(stack, wheels, index)


@pytest.fixture
def fleet(running_build_fleet, django_db_blocker) -> Iterator[BuildFleet]:
    """The fleet, with one machine whose node a test may end; it is started again for the next test."""
    name, fleet = running_build_fleet
    with django_db_blocker.unblock(), using_database(name):
        if fleet.is_broken:
            fleet.stack.mend()
        fleet.index.asked.clear()
        yield fleet
        Publisher.clean()
