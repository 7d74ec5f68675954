"""Runs as text, for the terminal."""

from collections.abc import Iterator, Sequence

from endpoint.trigger_message import TriggerAnswer
from foundation.times import iso_utc
from runs.explanations import explain
from runs.models import Run
from runs.selection import LogLine, lines_of

_MILLISECONDS_PER_SECOND = 1_000


def as_line(run: Run) -> str:
    """The run in one line."""
    code = run.error_code or run.response_code or ""
    what = f"{run.method} {run.called_route}".strip() or "-"
    told = (iso_utc(run.accepted_at, "milliseconds"), f"{run.status:<12}", f"{code:>4}", f"{_took(run):>10}")
    return "  ".join((str(run.pk), *told, f"{run.kind:<9}", what, _script(run)))


def as_text(run: Run, children: Sequence[Run], *, with_token_name: bool) -> Iterator[str]:
    """Everything about the run but its log, line by line."""
    said = explain(run)
    yield f"{run.status}: {' '.join(str(part) for part in (said.title, said.meaning, said.next_step) if part)}"
    token = f"{run.token_name} ({run.token_id})" if with_token_name and run.token_name else run.token_id
    for name, value in {
        "run": f"{run.pk} ({run.kind})",
        "part of": run.parent_id,
        "API": run.definition_id and f"{run.route} ({run.definition_id})",
        "called": f"{run.method} {run.called_route}".strip(),
        "script": _script(run),
        "libraries": run.libraries,
        "token": token,
        "user": run.user,
        "address": run.client_address,
        "node": run.node,
        "accepted": iso_utc(run.accepted_at, "milliseconds"),
        "waited": _milliseconds(run.queue_milliseconds),
        "ran": _milliseconds(run.run_milliseconds),
        "took": _milliseconds(run.total_milliseconds),
        "response": run.response_code,
        "error": run.error_code and f"{run.error_code} {run.reason}",
        "not kept warm": run.not_kept_warm,
        "later": run.later,
    }.items():
        if value not in (None, ""):
            yield f"  {name + ':':<14} {value}"
    for child in children:
        yield f"  {'subscript:':<14} {as_line(child)}"
    if run.message:
        yield from ("", *run.message.rstrip("\n").split("\n"))


def log_line(line: LogLine) -> str:
    """A line of a log, with the seconds since the start."""
    return f"{line.milliseconds / _MILLISECONDS_PER_SECOND:10.3f}  {line.text}"


def as_answer(told: TriggerAnswer) -> Iterator[str]:
    """What came of a run, without its error."""
    statistics = told.statistics
    yield f"run {statistics.trigger_id}: {statistics.total_milliseconds:.0f} ms, node {statistics.node or '-'}"
    yield from map(log_line, lines_of(told.log))
    if (answer := told.answer) is not None:
        yield f"response {answer.code}"
        yield answer.body.decode() if answer.is_text else f"{len(answer.body)} bytes"


def _took(run: Run) -> str:
    return _milliseconds(run.total_milliseconds) or "-"


def _milliseconds(value: int | None) -> str:
    return "" if value is None else f"{value:,} ms"


def _script(run: Run) -> str:
    return f"{run.script_name}@{run.script_version}" if run.script_version else run.script_name
