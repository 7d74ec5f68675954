"""A source that occupies or kills the compiler harms only the child process that compiles it."""

import io
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from automation import compiler, inspection
from automation.models import AutomationScript
from automation.source import LARGEST_SOURCE, compile_error, contents_of
from definitions.changes import save_definition
from definitions.models import ApiDefinition
from objects.changes import save_checked
from tests.refusals import refused

RUN = "def run(engine): pass\n"
SLOW = RUN + 'x = f"' + "{a}" * 80_000 + '"\n'
"""The time of Python 3.11 grows with the square of the number of expressions."""

WAIT_SECONDS = 300
"""Enough for a busy machine."""


def _save(source: str) -> AutomationScript:
    return save_checked(AutomationScript(name="a script", source=source), by="system")


def _padded(size: int) -> str:
    return RUN + "#" * (size - len(RUN))


def _children() -> list[psutil.Process]:
    return [one for one in psutil.Process().children() if inspection.__file__ in one.cmdline()]


def _child() -> psutil.Process:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        if children := _children():
            return children[0]
        time.sleep(0.005)
    raise AssertionError("no source is being compiled")


def test_256_kb_are_saved_and_a_byte_more_is_refused(db):
    script = _save(_padded(LARGEST_SOURCE))
    message = "The source has 262,145 bytes; at most 262,144 (256 KB) are allowed."
    script.source = _padded(LARGEST_SOURCE + 1)
    details = {"line": None, "message": message}
    assert refused(save_checked, script, "system") == ("InvalidScript", details)
    script.source = RUN + "#" + "é" * (LARGEST_SOURCE // 2)
    assert refused(save_checked, script, "system")[0] == "InvalidScript"


def test_a_larger_script_of_an_earlier_release_can_be_published_but_not_saved(db):
    script = _save(RUN)
    AutomationScript._base_manager.filter(pk=script.pk).update(source=_padded(300_000))
    definition = ApiDefinition(
        route="old", script_id=script.pk, action_type="AutomationScriptNoEntryPoint", input_type=""
    )
    save_definition(definition, by="system")
    script = AutomationScript.objects.get()
    script.description = "changed"
    assert refused(save_checked, script, "system")[0] == "InvalidScript"


def test_a_source_that_compiles_too_long_is_refused_without_work_in_this_process(db, monkeypatch, tmp_path):
    impatient, limit = tmp_path / "inspection.py", "CPU_SECONDS: Final = 5"
    source = Path(inspection.__file__).read_text()
    assert limit in source
    # How long the slow source takes depends on the machine, but it is always more than a second.
    impatient.write_text(source.replace(limit, "CPU_SECONDS: Final = 1"))
    monkeypatch.setattr(compiler, "_COMMAND", (*compiler._COMMAND[:-1], str(impatient)))
    monkeypatch.setattr(compiler, "SECONDS", WAIT_SECONDS)
    before = time.process_time()
    reason, details = refused(_save, SLOW)
    assert time.process_time() - before < inspection.CPU_SECONDS / 2
    assert reason == "InvalidScript"
    assert details == {"line": None, "message": "The compiler needs more than 5 seconds for it."}
    assert not AutomationScript.objects.exists()
    assert not _children()


def test_the_compiler_has_an_empty_environment_and_its_death_is_a_refusal(monkeypatch):
    monkeypatch.setenv("UDAPI_SECRET_KEY", "a secret of the environment")
    source = SLOW + "# another one\n"
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(compile_error, source)
        child = _child()
        assert Path(f"/proc/{child.pid}/environ").read_bytes() == b""
        assert child.cwd() == "/"
        assert {Path(f"/proc/{child.pid}/fd/{fd}").resolve().name[:4] for fd in ("0", "1", "2")} <= {"null", "pipe"}
        child.send_signal(signal.SIGKILL)
        error = answer.result(WAIT_SECONDS)
    assert error is not None
    assert (error.line, error.message) == (None, "The compiler crashed on it.")
    assert error.may_pass


def test_the_memory_of_the_compiler_is_limited():
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(compile_error, SLOW + "# a third one\n")
        child = _child()
        deadline = time.monotonic() + WAIT_SECONDS
        while child.rlimit(psutil.RLIMIT_DATA)[0] != inspection.MEMORY_BYTES:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        child.send_signal(signal.SIGKILL)
        answer.result(WAIT_SECONDS)


def test_a_source_that_kills_the_compiler_does_not_affect_others(monkeypatch):
    monkeypatch.setattr(
        compiler, "_COMMAND", (*compiler._COMMAND[:-1], str(Path(__file__).with_name("fragile_compiler.py")))
    )
    sources = [f"{RUN}# {number}\n" for number in range(3)]
    found = contents_of([sources[0], f"{RUN}# crash\n", sources[1], sources[2]])
    assert [one.error.message if one.error else "" for one in found] == ["", "The compiler crashed on it.", "", ""]


def test_a_source_is_refused_while_all_places_are_taken(monkeypatch):
    held = [compiler._slots.acquire() for _ in range(compiler.SLOTS)]
    try:
        with monkeypatch.context() as patch:
            patch.setattr(compiler, "SECONDS", 0.01)
            error = compile_error(f"{RUN}# while all slots are taken\n")
    finally:
        for _ in held:
            compiler._slots.release()
    assert error is not None
    assert "Try again" in error.message
    assert compile_error(f"{RUN}# while all slots are taken\n") is None


def test_run_script_and_import_refuse_a_source_that_is_too_large(db, tmp_path):
    (tmp_path / "large.py").write_text(_padded(LARGEST_SOURCE + 1))
    (tmp_path / "apis.yaml").write_text("scripts:\n  - name: large\n    source: large.py\n")
    with pytest.raises(CommandError, match="256 KB"):
        call_command("run_script", str(tmp_path / "large.py"), stdout=io.StringIO())
    with pytest.raises(CommandError, match="256 KB"):
        call_command("import_apis", str(tmp_path / "apis.yaml"), stdout=io.StringIO())


def test_the_compiler_inherits_only_its_pipes():
    secret = os.open(__file__, os.O_RDONLY)
    os.set_inheritable(secret, True)
    try:
        with ThreadPoolExecutor(1) as threads:
            answer = threads.submit(compile_error, SLOW + "# a fourth one\n")
            child = _child()
            assert secret not in {int(name) for name in os.listdir(f"/proc/{child.pid}/fd")}
            child.send_signal(signal.SIGKILL)
            assert isinstance(answer.result(WAIT_SECONDS), object)
    finally:
        os.close(secret)


@pytest.mark.parametrize("source", ["", "x = 1\0", "\ud800"])
def test_a_source_that_is_not_a_program_is_refused_by_the_model(db, source):
    with pytest.raises(ValidationError):
        _save(source)
