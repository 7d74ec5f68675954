"""A worker that runs as root builds as another account, and scripts of another account import what it has built."""

import json
import os
import site
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from testbed.stack import ROOT
from testbed.wheels import Wheelhouse, digest_of, lock_of

pytestmark = pytest.mark.root

# A worker with a Python that the account can execute.
WORKER = """
import json, os, pwd, sys
from pathlib import Path
from hosts.environments import EnvironmentStore
from hosts.jobs import Assignment, Job, JobKind, Script
from hosts.package_builds import BuildOptions, PackageBuilder
from hosts.reachable_paths import reachable_paths
from hosts.script_hosts import ScriptHosts
root, digest, lock = json.load(sys.stdin)
store = EnvironmentStore(Path(root) / "environments")
options = BuildOptions(reachable_paths(), wheelhouse=Path(root) / "wheels", user="nobody")
builder = PackageBuilder(store, options)
assert builder.resolve("", ["owned"], print) == lock
built = builder.install(digest, "", lock, print)
files = [built.path, *built.path.rglob("*")]
assert {(file.stat().st_uid, file.stat().st_mode & 0o022) for file in files} == {(0, 0)}
assert store.cache_dir.stat().st_uid == pwd.getpwnam("nobody").pw_uid
hosts = ScriptHosts(user="nobody", environments=store)
hosts.start()
source = '''
import os, owned
def run(engine):
    print(owned.version, os.access(owned.__file__, os.W_OK), os.getuid())
'''
job = Job("a-job", JobKind.SUBSCRIPT, "a-script", 1, "run")
script = Script("a-script", "probe", 1, source, environment=digest)
result = hosts.run(Assignment(job, script, 10.0), print, None)
assert result.outcome == "Succeeded", result
hosts.stop()
"""


def usable_python() -> str:
    """A Python that every account can execute."""
    name = f"python3.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/{name}", f"/usr/local/bin/{name}"):
        command = ["setpriv", "--reuid=nobody", "--regid=65534", "--clear-groups", "test", "-x"]
        if subprocess.run([*command, os.path.realpath(candidate)]).returncode == 0:
            return candidate
    pytest.skip("no account but root can execute this Python")


def test_environment_is_built_as_an_account_and_is_roots_afterwards():
    with TemporaryDirectory() as root:
        Path(root).chmod(0o755)
        lock = lock_of(Wheelhouse(Path(root, "wheels")).add("owned"))
        ran = subprocess.run(
            [usable_python(), "-c", WORKER],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *site.getsitepackages()])},
            input=json.dumps([root, digest_of(lock), lock]),
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert "1.0 False 65534" in ran.stdout.splitlines()
