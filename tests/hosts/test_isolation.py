"""The environment that a script finds, and what stays hidden from it."""

import ast
import os
import pwd
import signal
import subprocess
import threading
import time

import pytest

from hosts import script_hosts
from hosts.jobs import Outcome
from hosts.script_hosts import ScriptHosts
from tests.hosts.conftest import Bench, eventually


def told(bench, expression: str, imports="os, sys"):
    """The value of an expression in a script's process."""
    ran = bench.run(f"import {imports}\ndef run(engine): print(ascii({expression}))")
    assert ran.outcome is Outcome.SUCCEEDED, ran.result
    return ast.literal_eval("\n".join(ran.lines))


def test_script_sees_no_variable_of_the_worker(tmp_path, monkeypatch):
    monkeypatch.setenv("UDAPI_PLANTED", "planted-secret")
    monkeypatch.setenv("PYTHONPATH", "/planted-secret")
    hosts = ScriptHosts(tmp_path)
    hosts.start()
    try:
        bench = Bench(hosts, str(tmp_path))
        environment = told(bench, "dict(os.environ)")
        assert environment.pop("HOME") == environment.pop("TMPDIR")
        path = "/usr/local/bin:/usr/bin:/bin"
        assert environment == {"PATH": path, "LANG": "C.UTF-8", "TZ": "UTC", "OMP_NUM_THREADS": "1"}
        assert told(bench, "open('/proc/self/environ').read()") == ""
        assert bench.zygote().environ() == {}
        assert "planted" not in told(bench, "str(sys.path)")
        child = told(bench, "subprocess.run(['env'], capture_output=True, text=True).stdout", "subprocess")
        assert "planted" not in child
    finally:
        hosts.stop()


def test_host_has_only_its_own_descriptors(bench):
    with open(os.devnull) as planted:
        os.set_inheritable(planted.fileno(), True)
        # The last one belongs to the listing itself.
        assert told(bench, "sorted(map(int, os.listdir('/proc/self/fd')))") == [0, 1, 2, 3, 4, 5]
    assert told(bench, "[os.readlink(f'/proc/self/fd/{n}').split(':')[0] for n in range(5)]") == [
        "/dev/null",
        "pipe",
        "pipe",
        "socket",
        "/memfd",
    ]


def test_subprocess_inherits_no_job_socket(bench):
    listing = "subprocess.run(['ls', '/proc/self/fd'], capture_output=True, text=True).stdout.split()"
    assert told(bench, listing, "subprocess") == ["0", "1", "2", "3"]


def test_host_has_a_session_and_limits_of_its_own(bench):
    assert told(bench, "os.getsid(0) == os.getpgrp() == os.getpid()")
    assert told(bench, "resource.getrlimit(resource.RLIMIT_CORE)", "resource") == (0, 0)
    assert told(bench, "os.umask(0)") == 0o077
    assert told(bench, "sys.stdin.read()") == ""
    assert told(bench, "(time.tzname, time.timezone)", "time") == (("UTC", "UTC"), 0)
    assert told(bench, "(sys.flags.isolated, sys.flags.utf8_mode, sys.argv)") == (1, 1, [""])
    assert told(bench, "threading.active_count()", "threading") == 1


def test_signals_are_as_in_a_new_python_process(tmp_path):
    hosts = ScriptHosts(tmp_path)
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:

        def start_with_blocked_signals():
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGCHLD})
            hosts.start()

        starter = threading.Thread(target=start_with_blocked_signals)
        starter.start()
        starter.join()
    finally:
        signal.signal(signal.SIGTERM, before)
    try:
        bench = Bench(hosts, str(tmp_path))
        assert told(bench, "signal.pthread_sigmask(signal.SIG_BLOCK, [])", "signal") == set()
        assert told(bench, "signal.getsignal(signal.SIGTERM) == signal.SIG_DFL", "signal")
        assert told(bench, "signal.getsignal(signal.SIGPIPE) == signal.SIG_IGN", "signal")
        assert told(bench, "signal.getsignal(signal.SIGINT) is signal.default_int_handler", "signal")
    finally:
        hosts.stop()


def test_project_is_not_on_the_import_path(bench):
    assert bench.run("import udapi_site\ndef run(engine): pass").outcome is Outcome.FAILED
    assert bench.run("import django\ndef run(engine): pass").outcome is Outcome.SUCCEEDED
    assert not told(bench, "[name for name in sys.modules if name.startswith('django')]")


def test_script_changes_nothing_for_the_next_script(bench):
    first = bench.run(
        """
        import json, os, sys, automation.sdk
        def run(engine):
            json.marker = os.environ["MARKER"] = "mine"
            automation.sdk.StatusCode = None
            sys.path.append("/mine")
            open("file", "w").write("mine")
            open(os.environ["TMPDIR"] + "/other", "w").write("mine")
        """
    )
    assert first.outcome is Outcome.SUCCEEDED, first.result
    second = bench.run(
        """
        import json, os, sys
        from automation.sdk import StatusCode
        def run(engine):
            assert not hasattr(json, "marker") and "MARKER" not in os.environ and StatusCode
            assert "/mine" not in sys.path and os.listdir() == []
        """
    )
    assert second.outcome is Outcome.SUCCEEDED, second.result


@pytest.mark.parametrize("ending", ["pass", "1 / 0", "os.kill(os.getpid(), 9)", "time.sleep(60)"])
def test_scratch_directory_is_home_and_is_removed(bench, ending):
    ran = bench.run(
        f"""
        import os, tempfile, time
        from pathlib import Path
        def run(engine):
            assert os.getcwd() == str(Path.home()) == tempfile.gettempdir()
            os.makedirs("a/b")
            Path("a/b/file").write_text("x")
            os.symlink("/", "a/link")
            os.chmod("a/b", 0)
            os.chmod("a", 0)
            print(os.getcwd())
            {ending}
        """,
        limit=2,
    )
    (directory,) = ran.lines
    assert directory.startswith(bench.scratch_parent)
    assert not os.path.exists(directory)


def test_untouched_scratch_directory_serves_the_next_run(bench):
    where = "import os\ndef run(engine): print(os.getcwd(), os.listdir())"
    (first,), (second,) = bench.run(where).lines, bench.run(where).lines
    assert first == second
    # Only in its own process.
    (other,) = bench.run(where, reuse=False).lines
    assert other != first and other.endswith("[]")
    assert not os.path.exists(other.split()[0])


@pytest.mark.parametrize(
    "touch",
    [
        "open('left', 'w').close()",
        "open('gone', 'w').close(); os.remove('gone')",
        "os.mkdir('sub')",
        "os.chmod('.', 0o755)",
        "os.utime('.', (0, 0))",
        "here = os.getcwd(); os.rmdir(here); os.mkdir(here)",
        "here = os.getcwd(); os.rmdir(here); open(here, 'w').close()",
        "os.rmdir(os.getcwd())",
    ],
)
def test_used_scratch_directory_is_removed(bench, touch):
    source = f"""
        import os
        runs = []
        def run(engine):
            print(os.getcwd(), oct(os.stat(".").st_mode & 0o777), os.listdir())
            runs.append(1)
            if len(runs) == 2:
                {touch}
    """
    # The first run leaves it untouched. A later change needs another tick of the clock than its creation.
    (first,) = bench.run(source).lines
    time.sleep(0.02)
    (second,) = bench.run(source).lines
    assert second == first
    assert not os.path.lexists(first.split()[0])
    (third,) = bench.run(source).lines
    assert third != first and third.endswith("0o700 []")


def test_removed_scratch_directory_is_made_again(bench):
    where = "import os\ndef run(engine): print(os.getcwd())"
    (first,) = bench.run(where).lines
    os.rmdir(first)
    (second,) = bench.run(where).lines
    assert second != first


def test_base_of_scratch_directories_is_touched_while_in_use(monkeypatch, tmp_path):
    monkeypatch.setattr(script_hosts, "_TOUCH_SECONDS", 0.0)
    running = ScriptHosts(tmp_path)
    running.start()
    try:
        (base,) = tmp_path.iterdir()
        os.utime(base, (0, 0))
        assert eventually(lambda: base.stat().st_mtime > 0)
    finally:
        running.stop()


def test_directory_too_deep_to_remove_is_left_and_disturbs_no_run(bench):
    source = """
        import os
        def run(engine):
            print(os.getcwd())
            for _ in range(1500):
                os.mkdir("d")
                os.chdir("d")
    """
    try:
        left = [bench.run(source) for _ in range(2)]
    finally:
        # pytest could not remove it either.
        subprocess.run(["sh", "-c", 'rm -rf "$0"/script-hosts-*/host-*', bench.scratch_parent], check=True)
    assert [ran.outcome for ran in left] == [Outcome.SUCCEEDED] * 2
    assert left[0].lines != left[1].lines


def test_target_of_a_link_in_a_scratch_directory_stays(bench, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "kept").touch()
    elsewhere.chmod(0o750)
    bench.run(
        f"import os\ndef run(engine):\n os.mkdir('d')\n os.symlink({str(elsewhere)!r}, 'd/link')\n os.chmod('d', 0)"
    )
    assert (elsewhere / "kept").exists()
    assert elsewhere.stat().st_mode & 0o777 == 0o750


def test_link_in_place_of_the_scratch_directory_is_removed_without_its_target(bench, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "kept").touch()
    elsewhere.chmod(0o750)
    (directory,) = bench.run(
        f"""
        import os
        def run(engine):
            print(os.getcwd())
            here = os.getcwd()
            os.rmdir(here)
            os.symlink({str(elsewhere)!r}, here)
        """
    ).lines
    assert not os.path.lexists(directory)
    assert (elsewhere / "kept").exists()
    assert elsewhere.stat().st_mode & 0o777 == 0o750


@pytest.mark.root
def test_scripts_run_as_the_configured_user(tmp_path):
    hosts = ScriptHosts(user="nobody")
    hosts.start()
    try:
        bench = Bench(hosts, str(tmp_path))
        entry = pwd.getpwnam("nobody")
        assert told(bench, "[*os.getresuid(), *os.getresgid()]") == [entry.pw_uid] * 3 + [entry.pw_gid] * 3
        assert told(bench, "(os.getgroups(), os.access('/proc/self/mem', os.W_OK))") == ([], True)
        assert told(bench, "(open('mine', 'w').close(), os.listdir(os.environ['TMPDIR']))") == (None, ["mine"])
        limited = bench.run("import os\ndef run(engine): open(f'/proc/{os.getppid()}/environ').read()")
        assert limited.result.message.startswith("PermissionError")
    finally:
        hosts.stop()


def test_unusable_user_is_named_in_the_error(tmp_path):
    with pytest.raises(OSError, match="no-such-user"):
        ScriptHosts(tmp_path, user="no-such-user").start()
    assert not list(tmp_path.iterdir())


def test_other_operating_systems_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(OSError, match="script hosts need Linux"):
        ScriptHosts(tmp_path).start()
