"""What a script prints and logs."""

from hosts.jobs import Outcome
from hosts.output import DROPPED_NOTE, MAX_LINE_BYTES, MAX_OUTPUT_BYTES, LineFeed


def feed(*chunks: bytes) -> list[str]:
    lines: list[str] = []
    feed = LineFeed(lines.append)
    for chunk in chunks:
        feed.feed(chunk)
    feed.close()
    return lines


def test_output_of_every_kind_is_captured_in_order(bench):
    ran = bench.run(
        """
        import logging, os, subprocess, sys
        print("loading")
        def run(engine):
            print("printed")
            engine.log("logged")
            print("to stderr", file=sys.stderr)
            logging.getLogger("mine").info("by %s", "logging")
            os.write(1, b"raw\\n")
            subprocess.run(["echo", "from a child"])
            print("no line break", end="")
        """
    )
    assert ran.lines == [
        "loading",
        "printed",
        "logged",
        "to stderr",
        "INFO mine: by logging",
        "raw",
        "from a child",
        "no line break",
    ]


def test_output_before_the_end_of_the_process_is_kept(bench):
    for ending in ("raise ValueError", "os._exit(3)", "os.abort()", "os.kill(os.getpid(), 9)", "time.sleep(60)"):
        ran = bench.run(f"import os, time\ndef run(engine):\n print('last words')\n {ending}", limit=2)
        assert ran.lines == ["last words"], ending


def test_any_text_can_be_printed(bench):
    ran = bench.run("import os\ndef run(engine):\n print('é\\ud800')\n os.write(1, b'\\xff\\r\\n\\n')")
    assert ran.lines == ["é\\ud800", "\N{REPLACEMENT CHARACTER}", ""]


def test_script_may_close_its_output(bench):
    ran = bench.run("import sys\ndef run(engine):\n print('x')\n sys.stdout.close()")
    assert (ran.outcome, ran.lines) == (Outcome.SUCCEEDED, ["x"])


def test_output_beyond_a_megabyte_is_drained_and_dropped(bench):
    ran = bench.run("def run(engine):\n for _ in range(150): print('x' * 1_000_000)\n print('the end')")
    assert ran.outcome is Outcome.SUCCEEDED
    assert ran.lines[-1] == DROPPED_NOTE
    assert sum(map(len, ran.lines[:-1])) <= MAX_OUTPUT_BYTES
    assert ran.lines.count(DROPPED_NOTE) == 1


def test_lines_come_while_the_script_runs(bench):
    seen: list[float] = []
    source = "import time\ndef run(engine):\n print('x')\n time.sleep(2)"
    result = bench.hosts.run(bench.assignment(source), lambda _: seen.append(bench.processes() != []), None)
    assert result.outcome is Outcome.SUCCEEDED
    assert seen == [True]


def test_lines_are_assembled_from_pieces():
    assert feed(b"a", b"b\nc", b"\xc3", b"\xa9\n", b"d") == ["ab", "cé", "d"]
    assert feed() == []
    assert feed(b"\n") == [""]


def test_long_lines_are_split_between_characters():
    text = "é" * (MAX_LINE_BYTES // 2 - 1) + "x" + "é" * 10
    for pieces in ([text.encode()], [text.encode() + b"\n"], [bytes([byte]) for byte in text.encode()]):
        lines = feed(*pieces)
        assert "".join(lines) == text
        assert len(lines) == 2


def test_an_endless_line_takes_no_memory():
    lines: list[str] = []
    line_feed = LineFeed(lines.append)
    for _ in range(40):
        line_feed.feed(b"x" * 65_536)
    assert len(line_feed._pending) <= MAX_LINE_BYTES
    assert sum(map(len, lines[:-1])) == MAX_OUTPUT_BYTES


def test_exactly_one_megabyte_of_output_is_kept():
    assert DROPPED_NOTE not in feed(b"x" * MAX_OUTPUT_BYTES)
    assert feed(b"x" * MAX_OUTPUT_BYTES, b"y")[-1] == DROPPED_NOTE
