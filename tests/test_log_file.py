"""One log file, several processes: no line is lost or cut, and no file grows without end."""

import logging
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from foundation import logs
from foundation.log_file import SharedFileHandler

LINES, PROCESSES = 1_500, 4
WRITER = f"""
import logging, sys
from pathlib import Path
from foundation.log_file import SharedFileHandler

log = logging.getLogger("shared")
log.addHandler(SharedFileHandler(Path(sys.argv[1]), 20_000, 1_000))
log.setLevel(logging.INFO)
for number in range({LINES}):
    log.info("%s %04d %s", sys.argv[2], number, "x" * 60)
"""


@pytest.fixture
def log(tmp_path):
    """A logger to a file of 1,000 bytes of which three are kept, and the directory."""
    handler = SharedFileHandler(tmp_path / "some.log", 1_000, 3)
    logger = logging.Logger("some")
    logger.addHandler(handler)
    yield logger, tmp_path
    handler.close()


def test_processes_that_rotate_the_same_file_lose_no_line(tmp_path):
    command = [sys.executable, "-c", WRITER, str(tmp_path / "shared.log")]
    writers = [subprocess.Popen([*command, f"writer{number}"]) for number in range(PROCESSES)]
    assert [writer.wait(60) for writer in writers] == [0] * PROCESSES
    files = list(tmp_path.glob("shared.log*"))
    lines = [line for file in files for line in file.read_text().splitlines()]
    assert sorted(lines) == [f"writer{p} {n:04} {'x' * 60}" for p in range(PROCESSES) for n in range(LINES)]
    assert len(files) > 10
    # Two processes that check at the same moment may both write.
    assert max(file.stat().st_size for file in files) < 20_000 + PROCESSES * 100


def test_a_full_file_is_rotated_and_the_oldest_removed(log):
    logger, directory = log
    for number in range(100):
        logger.info("%02d %s", number, "x" * 96)
    assert sorted(file.name for file in directory.glob("some.log*")) == [
        "some.log",
        *(f"some.log.{n}" for n in (1, 2, 3)),
    ]
    kept = [line[:2] for n in (".3", ".2", ".1", "") for line in (directory / f"some.log{n}").read_text().splitlines()]
    assert kept == [f"{number:02}" for number in range(60, 100)]
    assert all(file.stat().st_size <= 1_000 for file in directory.glob("some.log*"))


def test_a_line_longer_than_a_file_is_written_all_the_same(log):
    logger, directory = log
    logger.info("x" * 5_000)
    logger.info("next")
    assert (directory / "some.log.1").read_text() == "x" * 5_000 + "\n"
    assert (directory / "some.log").read_text() == "next\n"


@pytest.mark.parametrize("takes_away", [Path.unlink, lambda path: path.rename(path.with_name("archived"))])
def test_a_removed_file_is_created_again(log, takes_away):
    logger, directory = log
    logger.info("before")
    takes_away(directory / "some.log")
    logger.info("after")
    assert (directory / "some.log").read_text() == "after\n"


def test_what_cannot_be_encoded_is_escaped(log):
    logger, directory = log
    logger.info("half a pair: \ud800")
    assert (directory / "some.log").read_text() == "half a pair: \\ud800\n"


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_nobody_else_reads_a_log_whatever_the_umask(tmp_path):
    before = os.umask(0o022)
    try:
        handler = SharedFileHandler(tmp_path / "some.log", 100, 3)
        for _ in range(5):
            handler.emit(logging.makeLogRecord({"msg": "x" * 80}))
        handler.close()
    finally:
        os.umask(before)
    files = [file for file in tmp_path.iterdir() if file.is_file()]
    assert len(files) == 5
    assert {_mode(file) for file in files} == {0o600}


def test_logs_of_an_earlier_release_are_closed_at_start(tmp_path):
    old = [tmp_path / name for name in ("some.log", "some.log.1", "some.log.2")]
    other = tmp_path / "other.log"
    for file in (*old, other):
        file.write_text("old\n")
        file.chmod(0o644)
    (tmp_path / "some.log.9").symlink_to(other)
    SharedFileHandler(tmp_path / "some.log", 1_000, 3).close()
    assert {_mode(file) for file in old} == {0o600}
    assert _mode(other) == 0o644
    assert old[0].read_text() == "old\n"


@pytest.mark.parametrize(("in_data_dir", "mode"), [(True, 0o700), (False, 0o755)])
def test_the_log_directory_is_closed_where_it_is_the_product_s_own(tmp_path, in_data_dir, mode):
    directory = tmp_path / "logs"
    directory.mkdir()
    directory.chmod(0o755)
    logs.make_directory(logs.LogSettings(directory, in_data_dir, "INFO", 1_000, 3))
    assert _mode(directory) == mode


def test_a_new_log_directory_is_closed_wherever_it_lies(tmp_path):
    directory = tmp_path / "elsewhere" / "logs"
    logs.make_directory(logs.LogSettings(directory, False, "INFO", 1_000, 3))
    assert _mode(directory) == 0o700
