"""A line of the log as JSON: one object on one line, whatever is in it."""

import json
import logging
import subprocess
import sys

from foundation import log_context
from foundation.log_formats import JsonFormatter, LineFormatter, LogEntry

EVIL = 'two\nlines "quoted" \\ \x00 \x1b[31m \x85 \u2028 \u202e \ud800 \x7f é'


class ExampleEntry(LogEntry):
    """An entry with fields of several types."""

    def __str__(self) -> str:
        return "said as text"

    def fields(self) -> dict[str, object]:
        return {"message": EVIL, "number": 3, "share": 0.5, "is_so": True, "nothing": None, "object": ValueError("x")}


def record(message: object, *args: object, **more: object) -> logging.LogRecord:
    made = logging.LogRecord("some.logger", logging.WARNING, "", 0, message, args, None)
    made.__dict__.update({"created": 1_700_000_000.0625} | more)
    return made


def line(message: object, *args: object, **more: object) -> str:
    return JsonFormatter().format(record(message, *args, **more))


def test_a_line_has_time_level_logger_and_message():
    assert json.loads(line("%s of %d", "one", 2)) == {
        "time": "2023-11-14T22:13:20.062Z",
        "level": "WARNING",
        "logger": "some.logger",
        "message": "one of 2",
    }


def test_nothing_breaks_a_line_or_commands_a_terminal():
    for written in (line("%s", EVIL), line(ExampleEntry())):
        assert len(written.splitlines()) == 1 and "\x1b" not in written and "\u202e" not in written
        written.encode()
        assert json.loads(written)["message"] == EVIL.replace("\ud800", "\\ud800")


def test_an_entry_has_its_fields_and_is_a_text_elsewhere():
    found = json.loads(line(ExampleEntry()))
    assert {name: found[name] for name in ("number", "share", "is_so", "object")} == {
        "number": 3,
        "share": 0.5,
        "is_so": True,
        "object": "x",
    }
    assert "nothing" not in found
    as_text = LineFormatter().format(record(ExampleEntry()))
    assert as_text == "2023-11-14T22:13:20.062Z WARNING some.logger: said as text"


def test_an_exception_is_a_field():
    try:
        raise ValueError(EVIL)
    except ValueError:
        found = json.loads(line("it failed", exc_info=sys.exc_info()))
    assert found["message"] == "it failed"
    assert (
        found["exception"].startswith("Traceback (most recent call last):\n")
        and "ValueError: two" in found["exception"]
    )


def test_lines_carry_the_ids_of_their_block_only():
    def lines() -> list[dict[str, str]]:
        with log_context.bound("outer", "trace"):
            with log_context.bound("inner"):
                log_context.trace_id.set("set later")
                inner = line("x")
            return [json.loads(each) for each in (inner, line("x"))]

    inner, outer = lines()
    assert (inner["trigger_id"], inner["trace_id"]) == ("inner", "set later")
    assert (outer["trigger_id"], outer["trace_id"]) == ("outer", "trace")
    assert not {"trigger_id", "trace_id"} & set(json.loads(line("x")))


WRITER = """
import logging, sys
from foundation.log_formats import JsonFormatter
from foundation.log_output import OutputHandler, claimed_output

handler = OutputHandler(claimed_output())
handler.setFormatter(JsonFormatter())
for number in range(40):
    handler.emit(logging.LogRecord("x", 20, "", 0, "%s %02d %s", (sys.argv[1], number, "x" * 50_000), None))
    print("printed")
"""


def test_processes_that_share_a_full_pipe_split_no_line():
    command = [sys.executable, "-c", WRITER]
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as pipe:
        assert pipe.stdin and pipe.stdout
        writers = [
            subprocess.Popen([*command, f"w{each}"], stdout=pipe.stdin, stderr=subprocess.DEVNULL) for each in range(3)
        ]
        pipe.stdin.close()
        messages = [json.loads(each)["message"] for each in pipe.stdout]
        assert [writer.wait(60) for writer in writers] == [0] * 3
    assert sorted(each[:5] for each in messages) == [
        f"w{each} {number:02}" for each in range(3) for number in range(40)
    ]
