"""What a host sends past the SDK is not believed: which credentials its script has used, and how a subscript ended."""

from textwrap import indent

from automation.granted import GrantedCredential
from fleet.execution import Execution
from hosts.jobs import HostResult, Script

GRANTED = {name: GrantedCredential(f"id of {name}", "a long value") for name in ("smtp", "ftp")}

FORGES = """
import json, os, struct, time
header = json.dumps({fields!r} | {{"type": "answer", "leftover": ""}}).encode()
os.write(3, struct.pack("!II", len(header), 4) + header + b"{{bad")
time.sleep(5)
"""
CALLS = """
from automation.sdk import SubscriptFailed
try:
    engine.run_subscript("child")
except SubscriptFailed as error:
    print(error, error.status)
"""


def run(bench, body: str, *, child: str = "pass", granted=GRANTED) -> tuple[HostResult, list[str]]:
    """The result, and what was printed."""
    lines: list[str] = []

    def ignore(*_):
        return None

    def find(name: str) -> Script:
        return Script("its id", name, 1, _run_of(child))

    def on_line(_, line: str) -> None:
        lines.append(line)

    execution = Execution(bench.hosts, find, ignore, on_line, ignore, ignore, granted=lambda _: granted)
    return execution.run(bench.assignment(_run_of(body))), lines


def _run_of(body: str) -> str:
    return f"def run(engine):\n{indent(body.strip(), '    ')}\n"


def used_by(bench, body: str, granted=GRANTED) -> list[str]:
    result, _ = run(bench, body, granted=granted)
    return [*result.credentials_used]


def test_credential_is_used_once_however_often_it_is_read(bench):
    assert used_by(bench, "engine.credential('ftp') + engine.credential('ftp')") == ["id of ftp"]


def test_names_without_end_and_of_others_are_not_noted(bench):
    forged = "engine._credentials._used = ['smtp', 'unknown'] * 20_000"
    assert used_by(bench, forged) == ["id of smtp"]
    assert used_by(bench, forged, granted={}) == []
    assert used_by(bench, "engine._credentials._used = [7]") == []


def test_caller_of_a_forger_gets_the_usual_failure(bench):
    output = {"outcome": "Returned", "code": 10**30, "headers": {}, "isText": False}
    assert run(bench, CALLS, child=FORGES.format(fields=output))[1] == ["child (version 1): Returned None"]
    no_json = {"outcome": "Succeeded", "message": "", "traceback": ""}
    expected = ["What the subscript returned cannot be read. None"]
    assert run(bench, CALLS, child=FORGES.format(fields=no_json))[1] == expected
