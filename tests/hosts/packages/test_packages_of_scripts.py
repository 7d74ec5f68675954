"""A script with an environment imports the packages there, and none of the product's."""

import socket

import pytest

from hosts.environments import EnvironmentStore
from hosts.jobs import Outcome
from testbed.wheels import digest_of, lock_of
from tests.landlock import needs_landlock

VERSION = "import twice\ndef run(engine): print(twice.version)"


def test_script_imports_its_packages_and_not_those_of_the_product(packages, bench_with):
    wheel = packages.wheels.add("mine", {"mine.py": "name = 'of a package'", "json.py": "x = 1"})
    packages.install(wheel)
    environment = digest_of(lock_of(wheel))
    bench = bench_with(packages.store)
    source = """
        import importlib.util, json, sys
        import mine
        from automation.sdk import Engine
        def run(engine):
            print(mine.name, hasattr(json, "x"))
            print([name for name in ("django", "msgspec", "uv") if importlib.util.find_spec(name)])
            print([path for path in sys.path if "site-packages" in path])
    """
    assert bench.run(source, environment=environment).lines == ["of a package False", "[]", "[]"]
    # Without a declaration, a script finds what is installed with the product, as ever, and no environment.
    plain = bench.run("import importlib.util, msgspec\ndef run(engine): print(importlib.util.find_spec('mine'))")
    assert plain.lines == ["None"], plain.result


def test_c_extension_works_in_a_script(packages, bench_with):
    wheel = packages.wheels.add_installed("msgspec")
    built = packages.install(wheel)
    assert {"msgspec", "msgspec.json"} < set(built.modules)
    source = "import msgspec\ndef run(engine): print(msgspec.json.encode([1, None]).decode(), msgspec.__file__)"
    ran = bench_with(packages.store).run(source, environment=digest_of(lock_of(wheel)))
    assert ran.lines == [f"[1,null] {built.path}/msgspec/__init__.py"], ran.result


def test_two_versions_of_a_package_are_warm_beside_each_other(packages, bench_with):
    environments = {}
    for version in ("1.0", "2.0"):
        wheel = packages.wheels.add("twice", version=version)
        packages.install(wheel)
        environments[version] = digest_of(lock_of(wheel))
    bench = bench_with(packages.store)
    for _ in range(3):
        for version, environment in environments.items():
            ran = bench.run(VERSION, environment=environment)
            assert (ran.lines, ran.result.not_kept_warm) == ([version], "")
    assert len(bench.hosts.warm.resting()) == 2


def test_environment_that_is_built_anew_gets_a_new_process(packages, bench_with):
    wheel = packages.wheels.add("anew", {"anew/__init__.py": "", "anew/late.py": ""})
    packages.install(wheel)
    environment = digest_of(lock_of(wheel))
    bench = bench_with(packages.store)
    source = (
        "import os, sys\ndef run(engine):\n print(os.getpid())\n if runs: import anew.late\n runs.append(1)\nruns = []"
    )
    first, _ = bench.run(source, environment=environment).lines[0], packages.store.remove(environment)
    assert bench.run(source, environment=environment).outcome is Outcome.COULD_NOT_START
    packages.install(wheel)
    second, third = bench.run(source, environment=environment), bench.run(source, environment=environment)
    assert third.outcome is Outcome.SUCCEEDED, third.result
    assert second.lines == third.lines != [first]


def test_script_does_not_run_without_its_packages(packages, bench_with, tmp_path):
    missing = digest_of("nothing like that")
    for store in (packages.store, EnvironmentStore(tmp_path / "none")):
        ran = bench_with(store).run("def run(engine): print('here')", environment=missing)
        assert (ran.outcome, ran.lines) == (Outcome.COULD_NOT_START, [])
        assert ran.result.message == "The packages of probe are not on this node."


@needs_landlock
def test_path_file_is_executed_in_the_confined_host_and_nowhere_else(packages, bench_with, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    with socket.create_server(("127.0.0.1", 0)) as told:
        told.settimeout(5)
        code = f"""
import os, socket
try: found = open({str(secret)!r}).read()
except OSError as error: found = type(error).__name__
with socket.create_connection(("127.0.0.1", {told.getsockname()[1]})) as teller:
    teller.sendall(f"{{os.getpid()}} {{found}}".encode())
"""
        wheel = packages.wheels.add("pathy", {"pathy.pth": "import pathy_start\n", "pathy_start.py": code})
        packages.install(wheel)
        bench = bench_with(packages.store)
        ran = bench.run("import os\ndef run(engine): print(os.getpid())", environment=digest_of(lock_of(wheel)))
        bench.run("def run(engine): pass")
        heard = told.accept()[0].recv(100).decode().split()
        told.setblocking(False)
        with pytest.raises(BlockingIOError):
            told.accept()
    assert ran.outcome is Outcome.SUCCEEDED, ran.result
    assert heard[0] == ran.lines[0]
    assert heard[1] == "PermissionError"


def test_import_that_starts_a_thread_costs_the_warm_process(packages, bench_with):
    code = "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    wheel = packages.wheels.add("busy", {"busy.py": code})
    packages.install(wheel)
    ran = bench_with(packages.store).run("import busy\ndef run(engine): pass", environment=digest_of(lock_of(wheel)))
    assert (ran.outcome, ran.result.not_kept_warm) == (Outcome.SUCCEEDED, "A thread was still running.")


def test_packages_that_end_the_process_are_a_fault_of_the_script(packages, bench_with):
    """A node that could not start a process would leave the fleet."""
    wheel = packages.wheels.add("quitter", {"quitter.pth": "import os; os._exit(0)\n"})
    packages.install(wheel)
    ran = bench_with(packages.store).run("def run(engine): print('here')", environment=digest_of(lock_of(wheel)))
    assert (ran.outcome, ran.lines) == (Outcome.DIED, [])
    assert ran.result.message == "The process ended before the script began: its packages execute code at start."
