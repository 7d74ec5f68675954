"""The records of what a worker node runs."""

from collections.abc import Callable, Sequence

import msgspec

from fleet import kept_bodies, records, run_metrics
from fleet.answer import Answer, answer_of
from fleet.live_runs import LiveRun, LiveRuns
from fleet.record_buffer import RecordBuffer
from fleet.records import Authority, Kept, RunExtras, RunRecord, RunStatus
from foundation.times import now_milliseconds
from foundation.value_masks import ValueMasks
from hosts.cancel_signal import CancelSignal
from hosts.jobs import Assignment, HostResult, Job, Origin, RunKind

MOST_HELD = 50
"""How many records of subscripts go to Redis together with the answer to their caller."""

_FAILURES, _EVERYTHING = "Failures", "Everything"

Frames = list[tuple[bytes, bytes]]


class RunRecorder:
    """Makes the records of a node's runs; safe for its threads."""

    def __init__(self, node_id: int, live: LiveRuns, buffer: RecordBuffer) -> None:
        self._node_id, self._live, self._buffer = node_id, live, buffer

    def beginning(self, job: Job, waited: int, signal: CancelSignal) -> LiveRun:
        """The run of a job that waited in the queue for so many milliseconds."""
        record = records.of_job(job, Authority.SEEN_RUNNING, RunStatus.RUNNING)
        record.node, record.queue_milliseconds = self._node_id, waited
        return LiveRun(record, signal, leaves_record=job.origin is not None)

    def ended(self, run: LiveRun, job: Job, answer: Answer) -> Frames:
        """The frames of the record of a run, and of the subscripts that it waited for."""
        if job.origin is None:
            return []
        kept = [*run.done, _kept(run, answer, job.origin)]
        return [self._buffer.numbered(each) for each in kept]

    def run_waited(self, caller: Assignment, assignment: Assignment, run: Callable[[], HostResult]) -> HostResult:
        """Run a subscript that is waited for; its record goes with that of its caller."""
        around = self._live.find(caller.run_id)
        if around is None:
            return run()
        record = RunRecord(
            id=assignment.run_id,
            authority=Authority.SEEN_RUNNING,
            status=RunStatus.RUNNING,
            kind=RunKind.SUBSCRIPT,
            parent_id=caller.run_id,
            user=around.record.user,
            node=self._node_id,
        )
        records.name_script(record, assignment.script)
        waited = LiveRun(record, around.signal, leaves_record=around.leaves_record, masks=around.masks)
        with self._live.running(waited) as inner:
            result = inner.told(run())
        if around.leaves_record:
            kept = _kept(inner, answer_of(result, self._node_id), Origin(RunKind.SUBSCRIPT))
            self._keep_waited(around, inner, kept)
        return result

    def _keep_waited(self, around: LiveRun, inner: LiveRun, kept: Kept) -> None:
        if inner.is_lasting:
            # Others have seen it run: that it is over must not wait for the end of its caller.
            self._buffer.add(*inner.done, kept)
        else:
            self._hold(around, [*inner.done, kept])

    def _hold(self, run: LiveRun, done: Sequence[Kept]) -> None:
        """Hold the records of subscripts until their caller ends, but not any number of them."""
        run.done += done
        if len(run.done) >= MOST_HELD:
            self._buffer.add(*run.done)
            run.done.clear()
            # At once: when the caller is answered, its node may be killed.
            self._buffer.flush()


def _kept(run: LiveRun, answer: Answer, origin: Origin) -> Kept:
    record = msgspec.structs.replace(run.record, authority=Authority.ENDED)
    waited = record.queue_milliseconds
    records.note_answer(record, answer)
    record.queue_milliseconds, record.ended_at = waited, now_milliseconds()
    run_metrics.ended(record, answer)
    record.not_kept_warm = run.not_kept_warm
    if record.kind is RunKind.SUBSCRIPT:
        record.response_code = None
    log = run.log.text()
    record.has_log, record.log_truncated = bool(log), run.log.is_truncated
    request, response = _bodies(origin, record, answer, run.masks)
    record.has_bodies = bool(request)
    return record, RunExtras(id=record.id, log=log, request=request, response=response) if log or request else None


def _bodies(origin: Origin, record: RunRecord, answer: Answer, masks: ValueMasks) -> tuple[bytes, bytes]:
    """What is kept of request and response, without the values of the run's credentials."""
    has_failed = record.status is not RunStatus.SUCCEEDED
    if origin.keep_bodies != _EVERYTHING and not (origin.keep_bodies == _FAILURES and has_failed):
        return b"", b""
    request = kept_bodies.masked_kept_request(origin.request, masks)
    if answer.reason is not None:
        return request, b""
    response = kept_bodies.keep_response(answer.code, answer.headers, answer.body, answer.is_text, masks)
    return request, msgspec.json.encode(response)
