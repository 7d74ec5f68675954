"""Script hosts have no privileges and reach only the files that they need. What scripts use still works."""

import os
import pwd
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from fleet import node
from hosts import scratch
from hosts.jobs import Outcome
from hosts.reachable_paths import reachable_paths
from hosts.script_hosts import ScriptHosts
from testbed.publisher import Publisher
from testbed.stack import ROOT
from tests.hosts.conftest import Bench, eventually
from tests.hosts.rogue import spy
from tests.landlock import ABI, needs_landlock, without_landlock

pytestmark = pytest.mark.root_too

STATUS = "def run(engine):\n    print(open('/proc/self/status').read())"


@pytest.fixture
def hosts_with(tmp_path) -> Iterator[Any]:
    """Makes a bench with reachable paths of its own; its scratch directories lie in a directory of their own."""
    made: list[ScriptHosts] = []
    scratch_parent = tmp_path / "scratch"
    scratch_parent.mkdir()

    def make(user: str = "", **paths: Any) -> Bench:
        made.append(ScriptHosts(None if user else scratch_parent, user, paths=reachable_paths(**paths)))
        made[-1].start()
        return Bench(made[-1], str(scratch_parent))

    yield make
    for hosts in made:
        hosts.stop()


def status(bench: Bench) -> dict[str, str]:
    ran = bench.run(STATUS)
    assert ran.outcome is Outcome.SUCCEEDED, ran
    return {name: value.strip() for name, _, value in (line.partition(":") for line in ran.lines)}


def test_a_host_has_no_capability_and_can_gain_none(bench):
    found = status(bench)
    assert {found[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Amb")} == {"0" * 16}
    assert found["NoNewPrivs"] == "1"


@pytest.mark.root
@pytest.mark.parametrize("user", ["", "nobody"])
def test_host_of_root_and_its_programs_have_no_capability(hosts_with, user):
    bench = hosts_with(user)
    found = status(bench)
    uid = pwd.getpwnam(user or "root").pw_uid
    assert found["Uid"].split() == [str(uid)] * 4
    assert {found[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Amb", "Bnd")} == {"0" * 16}
    ran = bench.run("import os\ndef run(engine): os.system('grep Cap /proc/self/status')")
    assert {line.split()[1] for line in ran.lines} == {"0" * 16}


LIBRARIES = {
    "subprocess": "assert subprocess.run(['sh', '-c', 'ls /proc/self/fd > /dev/null; echo hi'], capture_output=True, text=True).stdout == 'hi\\n'",  # noqa: E501
    "multiprocessing": """
        with multiprocessing.get_context('fork').Pool(2) as pool:
            assert pool.map(abs, [-1, -2]) == [1, 2]
        with multiprocessing.get_context('spawn').Pool(1) as pool:
            assert pool.map(abs, [-1]) == [1]
        pool.join()""",
    "multiprocessing.shared_memory": """
        memory = multiprocessing.shared_memory.SharedMemory(create=True, size=8)
        memory.buf[0] = 1
        memory.close(); memory.unlink()""",
    "tempfile": """
        with tempfile.NamedTemporaryFile() as file, tempfile.TemporaryDirectory() as directory:
            assert file.name.startswith(os.getcwd()) and directory.startswith(os.getcwd())""",
    "sqlite3": """
        base = sqlite3.connect('data')
        base.execute('PRAGMA journal_mode=WAL'); base.execute('CREATE TABLE t (x)'); base.commit(); base.close()""",
    "ssl": "assert ssl.create_default_context().get_ca_certs() or not os.path.exists('/etc/ssl/certs/ca-certificates.crt')",  # noqa: E501
    "urllib.request": """
        try: urllib.request.urlopen('http://127.0.0.1:1/')
        except urllib.error.URLError as error: assert 'refused' in str(error)""",
    "socket": "assert socket.getaddrinfo('localhost', 80)",
    "threading": "thread = threading.Thread(target=os.getpid); thread.start(); thread.join()",
    "locale": "locale.setlocale(locale.LC_ALL, 'C.UTF-8')",
    "zoneinfo": "assert zoneinfo.ZoneInfo('Europe/Berlin').key",
    "mimetypes": "assert mimetypes.guess_type('a.html')[0] == 'text/html'",
    "ctypes": "assert ctypes.CDLL(None).getpid() == os.getpid() and ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 1)() == 1",
    "sysconfig": "assert sysconfig.get_path('purelib').startswith(sys.prefix)",
    "pwd": "assert pwd.getpwuid(os.getuid()).pw_uid == os.getuid()",
    "uuid": "assert uuid.uuid4()",
    "shutil": """
        os.mkdir('a'); open('a/file', 'w').close(); shutil.move('a/file', 'file')
        assert os.path.exists('file')""",
    "inspect": "import automation.sdk; assert 'class Engine' in inspect.getsource(automation.sdk.Engine)",
    "concurrent.futures": """
        with concurrent.futures.ProcessPoolExecutor(1) as pool:
            assert pool.submit(abs, -1).result() == 1""",
    "httpx": "assert httpx.Client()",
}


@pytest.mark.parametrize("name", LIBRARIES)
def test_modules_that_scripts_use_work_when_confined(bench, name):
    ran = bench.run(
        f"import os, sys, urllib.error, {name}\ndef run(engine):\n        {LIBRARIES[name].lstrip()}\n", limit=30
    )
    assert ran.outcome is Outcome.SUCCEEDED, ran


def test_a_program_that_a_script_has_written_can_be_executed(bench):
    source = """
        import os, subprocess
        def run(engine):
            with open("tool", "w") as tool:
                tool.write("#!/bin/sh\\necho made here\\n")
            os.chmod("tool", 0o700)
            print(subprocess.run(["./tool"], capture_output=True, text=True).stdout)
    """
    assert bench.run(source).lines[0] == "made here"


@needs_landlock
def test_configured_paths_can_be_reached(hosts_with, tmp_path):
    for name in ("read", "write", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
    bench = hosts_with(readable=[tmp_path / "read"], writable=[tmp_path / "write", tmp_path / "not there"])
    source = f"""
        import os
        def attempt(flags, name):
            try:
                os.close(os.open({str(tmp_path)!r} + name, flags))
            except PermissionError:
                return False
            return True
        def run(engine):
            for name in ("/read/file", "/write/file", "/other/file"):
                print(attempt(os.O_RDONLY, name), attempt(os.O_WRONLY, name))
    """
    assert bench.run(source).lines == ["True False", "True True", "False False"]


def test_closed_paths_are_left_out_of_an_open_directory(tmp_path):
    for name in ("a/secret/deep", "a/fine", "b"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "a" / "link").symlink_to(tmp_path / "a" / "secret")
    (tmp_path / "a" / "file").touch()
    closed = [tmp_path / "a" / "secret"]
    found = reachable_paths(readable=[tmp_path], closed=closed).readable
    assert [path for path in found if path.startswith(str(tmp_path))] == [
        str(tmp_path / name) for name in ("a/file", "a/fine", "b")
    ]
    inner = tmp_path / "a" / "secret" / "deep"
    assert str(inner) in reachable_paths(readable=[inner], closed=closed).readable
    assert reachable_paths(readable=closed, closed=closed) == reachable_paths(closed=closed)


def test_checkout_and_root_directory_are_never_open():
    assert reachable_paths(readable=[ROOT, Path("/")], writable=[ROOT]) == reachable_paths()
    opened = [Path(path).resolve() for path in reachable_paths(readable=[ROOT.parent]).readable]
    assert not {ROOT, *ROOT.parents} & set(opened)


RESTRICT = """
import os, sys
sys.path.insert(0, sys.argv[1])
from foundation import linux
from hosts import landlock
linux.renounce_privileges()
paths = landlock.ReachablePaths(readable=("/usr", "/etc/hostname"), writable=())
landlock.restrict(paths, sys.argv[2], int(sys.argv[3]))
def attempt(deed, *arguments):
    try:
        deed(*arguments)
    except OSError as error:
        return type(error).__name__
    return "done"
inside, outside = sys.argv[2], sys.argv[4]
print(attempt(open, inside + "/new", "w"), attempt(open, outside + "/file"), attempt(open, "/etc/hostname"),
      attempt(os.truncate, outside + "/file", 0), attempt(os.kill, int(sys.argv[5]), 0), attempt(os.listdir, "/etc"))
"""


@needs_landlock
@pytest.mark.parametrize("version", range(1, ABI + 1))
def test_each_version_of_landlock_confines_as_far_as_it_can(tmp_path, version):
    for name in ("inside", "outside"):
        (tmp_path / name).mkdir()
    (tmp_path / "outside" / "file").touch()
    arguments = [str(ROOT), str(tmp_path / "inside"), str(version), str(tmp_path / "outside"), str(os.getpid())]
    done = subprocess.run([sys.executable, "-c", RESTRICT, *arguments], capture_output=True, text=True)
    truncated = "PermissionError" if version >= 3 else "done"
    signalled = "PermissionError" if version >= 6 else "done"
    assert done.stdout.split() == ["done", "PermissionError", "done", truncated, signalled, "PermissionError"], done


@needs_landlock
def test_warm_hosts_end_when_a_path_is_replaced(hosts_with, tmp_path):
    file = tmp_path / "resolv.conf"
    file.write_text("old")
    bench = hosts_with(readable=[file])
    source = f"import os\ndef run(engine): print(open({str(file)!r}).read(), os.getpid())"
    old, pid = bench.run(source).lines[0].split()
    (tmp_path / "fresh").write_text("new")
    (tmp_path / "fresh").replace(file)
    assert eventually(lambda: not psutil.pid_exists(int(pid)))
    assert (old, bench.run(source).lines[0].split()[0]) == ("old", "new")


def test_code_of_packages_is_executed_only_in_the_confined_host(tmp_path):
    """In an environment of its own, because every Python there executes the `.pth` file."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    (packages,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    trace = "import builtins, os; builtins.traces = [os.getpid(), open('/proc/self/status').read()]\n"
    (packages / "trace.pth").write_text(trace + "further\n")
    (packages / "further").mkdir()
    (packages / "further" / "found_by_path_file.py").touch()
    script = """
import builtins, os
import found_by_path_file
def run(engine):
    pid, status = builtins.traces
    print(pid == os.getpid(), "NoNewPrivs:\\\\t1" in status)
"""
    program = f"""
import sys
sys.path[:0] = [{str(ROOT)!r}, {sysconfig.get_path("purelib")!r}]
from hosts.script_hosts import ScriptHosts
from hosts.jobs import Assignment, Job, JobKind, Script
hosts = ScriptHosts()
hosts.start()
script = Script("", "s", 1, '''{script}''')
print(hosts.run(Assignment(Job("t", JobKind.PROBE, "", 1, "run"), script, 30), print, None))
hosts.stop()
"""
    done = subprocess.run([tmp_path / "venv" / "bin" / "python", "-c", program], capture_output=True, text=True)
    assert done.stdout.startswith("True True\n"), done


def test_without_landlock_scripts_run_and_a_check_warns(tmp_path):
    program = f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
os.environ |= {{"DJANGO_SETTINGS_MODULE": "udapi_site.settings"}}
import django
django.setup()
from fleet import confinement
from hosts.script_hosts import ScriptHosts
from hosts.jobs import Assignment, Job, JobKind, Script
from udapi_site.checks import check_confinement
print(confinement.is_enforced(), [message.id for message in check_confinement(None)][0])
hosts = ScriptHosts(paths=confinement.configured_paths())
hosts.start()
script = Script("", "s", 1, "def run(engine): print(open('/etc/hostname').name)")
print(hosts.run(Assignment(Job("t", JobKind.PROBE, "", 1, "run"), script, 30), print, None).outcome)
hosts.stop()
"""
    done = subprocess.run(without_landlock(sys.executable, "-c", program), capture_output=True, text=True)
    assert done.stdout.splitlines() == ["False udapi.W010", "/etc/hostname", "Succeeded"], done


@pytest.mark.root
@needs_landlock
def test_scripts_of_another_user_reach_nothing(own_stack, publish: Publisher, tmp_path_factory):
    state = Path(f"/tmp/udapi-state-{os.getpid()}")  # noqa: S108  user `nobody` needs it
    stack = own_stack(UDAPI_SCRIPT_USER="nobody", UDAPI_STATE_DIR=str(state))
    api = publish(spy.SPY)

    def call(attempts: str) -> dict[str, Any]:
        told: dict[str, Any] = api.call(stack.client, content=attempts, headers={"Content-Type": "text/plain"}).json()
        return told

    try:
        processes = [process for each in (stack.worker, stack.web.process, stack.redis) for process in family(each.pid)]
        assert spy.successes_on_processes(call, processes) == []
        # The script owns its directory but not the one above, in which it could replace it by a link.
        attempts = [*spy.on_files(stack.data.root), ("create", "../planted"), ("make", "../planted")]
        assert spy.successes(call, attempts) == []
        assert spy.successes(call, [("write", "mine"), ("write", str(state / "mine"))])
        assert (state / "mine").stat().st_uid == pwd.getpwnam("nobody").pw_uid
    finally:
        subprocess.run(["rm", "-r", state], check=True)


def test_target_of_a_planted_link_keeps_owner_and_mode(tmp_path, settings):
    target, link = tmp_path / "target", tmp_path / "link"
    target.mkdir(mode=0o750)
    link.symlink_to(target)
    before = target.stat()
    account = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    with pytest.raises(OSError, match="link"):
        scratch.give(link, account)
    # A script has put the link there after the first attempt to remove its directory.
    scratch._open_up(str(link))
    settings.UDAPI_STATE_DIR, settings.UDAPI_SCRIPT_USER = link, account
    with pytest.raises(OSError, match=r"UDAPI_STATE_DIR, .*, is a link"):
        node._make_state_dir()
    after = target.stat()
    assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)


def family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]
