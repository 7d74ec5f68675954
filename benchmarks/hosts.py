"""What a script host costs: a warm and a fresh run, its memory, how soon a killed run frees its slot, and libraries.

`python -m benchmarks.hosts` prints a table of medians, each followed by the 99th percentile.
"""

import statistics
from collections.abc import Callable
from dataclasses import replace

from benchmarks.speed.product import ECHO
from benchmarks.stopwatch import seconds
from hosts import tree
from hosts.jobs import Assignment, Call, EntryPoint, Job, JobKind, Library, Script, SubscriptAnswer
from hosts.script_hosts import ScriptHosts

HANG = "import subprocess, time\ndef run(engine):\n    subprocess.Popen(['sleep', '60'])\n    time.sleep(60)\n"
LIMIT_SECONDS = 0.5

# An ordinary library of 4 KB; ten times as much makes a hundred of them as large as libraries can be together.
FUNCTIONS = "".join(f"def function_{number}(text):\n    return [text.strip(), {number}]\n\n" for number in range(70))


def _no_subscripts(*_: object) -> SubscriptAnswer:
    return SubscriptAnswer(ok=False)


def _milliseconds(action: Callable[[], object], times: int) -> list[float]:
    return sorted(seconds(action) * 1_000 for _ in range(times))


def _print(what: str, taken: list[float]) -> None:
    slow = taken[int(len(taken) * 0.99)]
    print(f"{what:40} {statistics.median(taken):8.2f} ms {slow:8.2f} ms")


def _assignment(name: str, source: str, entry_point: EntryPoint, limit_seconds: float) -> Assignment:
    job = Job("t", JobKind.TRIGGER, name, 1, entry_point, {}, name, Call("Post", "r", "t"), b"hello")
    return Assignment(job, Script(name, name, 1, source), limit_seconds)


def _with_libraries(assignment: Assignment, number: int, source: str) -> Assignment:
    """The same with so many libraries, each of which imports the next one."""
    names = [f"library_{each}" for each in range(number)]
    nexts = [f"import scripts.{name}\n" for name in names[1:]] + [""]
    libraries = [Library(name, 1, imports + source) for name, imports in zip(names, nexts, strict=True)]
    script = assignment.script
    source = f"import scripts.{names[0]}\n{script.source}"
    return replace(assignment, script=replace(script, id=f"{number}", source=source, libraries=libraries))


def _libraries(hosts: ScriptHosts, what: str, assignment: Assignment, times: int) -> None:
    fresh = replace(assignment, script=replace(assignment.script, reuse=False))
    _print(f"fresh run with {what}", _milliseconds(lambda: hosts.run(fresh, print, _no_subscripts), times))
    hosts.run(assignment, print, _no_subscripts)
    _print(f"warm run with {what}", _milliseconds(lambda: hosts.run(assignment, print, _no_subscripts), 3_000))


def _memory(hosts: ScriptHosts, assignment: Assignment) -> None:
    for number in range(10):
        script = replace(assignment.script, name=f"script {number}")
        hosts.run(replace(assignment, script=script), print, _no_subscripts)
    pids = [host.pid for host in hosts.warm.resting()]
    sizes = [tree.proportional_bytes(pid) / 1024**2 for pid in pids]
    print(f"{'memory of one of ' + str(len(pids)) + ' resting hosts (PSS)':40} {statistics.median(sizes):8.2f} MB")


def main() -> None:
    hosts = ScriptHosts()
    hosts.start()
    try:
        echo = _assignment("echo", ECHO, "on_api_trigger", 30)
        hosts.run(echo, print, _no_subscripts)
        _print("warm run", _milliseconds(lambda: hosts.run(echo, print, _no_subscripts), 3_000))
        fresh = replace(echo, script=replace(echo.script, reuse=False))
        _print("fresh run, killed at its end", _milliseconds(lambda: hosts.run(fresh, print, _no_subscripts), 200))
        hanging = _assignment("hang", HANG, "run", LIMIT_SECONDS)
        late = _milliseconds(lambda: hosts.run(hanging, print, _no_subscripts), 10)
        _print("slot free after the time limit", [taken - LIMIT_SECONDS * 1_000 for taken in late])
        _memory(hosts, echo)
        _libraries(hosts, "20 libraries, 80 KB", _with_libraries(echo, 20, FUNCTIONS), 200)
        _libraries(hosts, "100 libraries, 4 MB", _with_libraries(echo, 100, FUNCTIONS * 10), 5)
    finally:
        hosts.stop()


if __name__ == "__main__":
    main()
