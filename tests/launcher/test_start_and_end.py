"""Successive starts on one data directory, and every way to end one."""

import time
from pathlib import Path

import psutil

from tests.launcher.conftest import Start

QUICK_SECONDS = 20


def test_four_starts_on_one_data_directory(start: Start, tmp_path: Path) -> None:
    data_dir = tmp_path / ("long-" * 20)  # Too long for the path of a socket, which then lies elsewhere.

    first = start(data_dir, terminal=True).wait_until_ready()
    longest = max(QUICK_SECONDS, time.monotonic() - first.began)
    assert "Log in as admin with the password " in first.output
    assert not list((data_dir / "first-start").iterdir())
    first.wait_until_answered()
    token = first.printed_curl().partition("Bearer ")[2].partition('"')[0]
    everything = first.processes()
    first.press_ctrl_c()
    first.assert_ended(everything)
    assert "Stopped." in first.output

    second = start(data_dir, terminal=True).wait_until_ready()
    assert time.monotonic() - second.began < longest
    assert "made:" not in second.output
    assert "First start" not in second.output
    assert "password" not in second.output
    assert "$TOKEN" in second.printed_curl()
    second.wait_until_answered(TOKEN=token)
    everything = second.processes()
    second.hang_up()
    second.assert_ended(everything)

    third = start(data_dir).wait_until_ready()
    third.wait_until_answered(TOKEN=token)
    everything = third.processes()
    third.process.kill()

    fourth = start(data_dir).wait_until_ready()
    _, left = psutil.wait_procs(everything, timeout=60)
    assert not left
    fourth.wait_until_answered(TOKEN=token)
    fourth.publish_slow()
    answer = fourth.call_slow(4, token)
    fourth.wait_until_it_runs()
    fourth.end()
    assert answer.result() == 200


def test_an_end_in_the_middle_of_a_start_leaves_nothing(start: Start, tmp_path: Path) -> None:
    weak = {"UDAPI_SECRET_KEY": "short key", "UDAPI_ADMIN_PASSWORD": "12345"}
    stack = start(tmp_path / "data", **weak)
    stack.wait_until_printed("Waiting for the web server")
    stack.end()
    assert "Ready" not in stack.output
    assert "Warning: UDAPI_SECRET_KEY can be guessed: it has fewer than 32 characters. Replace it" in stack.output
    assert "Warning: UDAPI_ADMIN_PASSWORD is weak: This password is too short." in stack.output
    assert not any(value in stack.output for value in weak.values())
