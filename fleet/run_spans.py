"""The spans of a run on its node: the time in the queue, the run, and the subscripts that it waits for."""

import time
from dataclasses import replace

from fleet.answer import Answer
from fleet.claims import Claim
from fleet.records import RunRecord, status_of
from foundation.traceparent import TraceContext
from foundation.tracer import NO_SPAN, TraceSpan, tracer
from hosts.jobs import HostResult, Job, Outcome, Script

_SUCCEEDED = frozenset({Outcome.SUCCEEDED, Outcome.RETURNED})
_NANOSECONDS = 1_000_000_000


def place_of(job: Job) -> TraceContext:
    return TraceContext(job.traceparent, job.tracestate)


def placed(job: Job, context: TraceContext) -> Job:
    """The job at this place in a trace."""
    return replace(job, traceparent=context.traceparent, tracestate=context.tracestate) if context else job


def of_run(job: Job, claim: Claim, node: int) -> TraceSpan:
    """The span of a run that begins now. The one of its time in the queue, which Redis has measured, is over."""
    if not job.traceparent:
        return NO_SPAN
    around = place_of(job)
    span = tracer.part("run", around, {"udapi.trigger_id": job.id, "udapi.node": node})
    if span.is_recorded:
        claimed_at = time.time_ns() - round((time.monotonic() - claim.asked_at) * _NANOSECONDS)
        waited = max(0, claim.milliseconds_waited) * 1_000_000
        values = {"udapi.trigger_id": job.id}
        tracer.part("queue", around, values, begun_at=claimed_at - waited).end(claimed_at)
    return span


def note_run(span: TraceSpan, record: RunRecord, answer: Answer) -> None:
    """Note what ran and how it ended, before the span ends."""
    if not span.is_recorded:
        return
    _note_script(span, record.script_name, record.script_version)
    span.note({"udapi.status": status_of(answer).value})
    if answer.reason is not None:
        span.fail(answer.reason)
    else:
        span.note({"udapi.response_code": answer.code})


def of_subscript(caller: Job, script: Script) -> TraceSpan:
    """The span of a subscript that its caller waits for."""
    if not caller.traceparent:
        return NO_SPAN
    span = tracer.part("subscript", place_of(caller), {"udapi.trigger_id": caller.id})
    _note_script(span, script.name, script.version)
    return span


def note_subscript(span: TraceSpan, result: HostResult) -> None:
    if result.outcome not in _SUCCEEDED:
        span.fail(result.outcome)


def _note_script(span: TraceSpan, name: str, version: int) -> None:
    span.note({"udapi.script.name": name, "udapi.script.version": version})
