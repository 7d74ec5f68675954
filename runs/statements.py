"""What scripts say with `engine.information`: each statement is an information event of the script."""

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID, uuid5

from automation.models import AutomationScript
from events.models import InformationEvent, ObjectType, Verb
from events.recorder import Subject, new_event
from fleet.records import Authority, RunRecord
from foundation.texts import CONTROL_CHARACTERS
from objects.authorship import SYSTEM
from runs.merge import moment_of, run_id_of, uuid_of


def record(found: Sequence[RunRecord]) -> None:
    """Write the events of the runs that have ended, in the transaction of the caller.

    The id of an event follows from its run and its place there, and the database takes an id once: records may come
    again, and from several processes at the same moment. Only scripts that are stored have events.

    Raises:
        ValueError: a record has no id of a run.
        django.db.Error
    """
    # Unsaved source has no version.
    telling = [each for each in found if each.said and each.authority is Authority.ENDED and each.script_version > 0]
    if not telling:
        return
    wanted = {key for each in telling if (key := uuid_of(each.script_id)) is not None}
    names = dict(AutomationScript.objects.filter(pk__in=wanted).values_list("pk", "name"))
    # In the order of runs, so that two processes do not wait for each other.
    events = [event for each in sorted(telling, key=lambda each: each.id) for event in _events(each, names)]
    InformationEvent._base_manager.bulk_create(events, ignore_conflicts=True)


def _events(record: RunRecord, names: Mapping[UUID, str]) -> Iterator[InformationEvent]:
    run_id, script_id = run_id_of(record.id), uuid_of(record.script_id)
    if script_id is None or script_id not in names:
        return
    name = names[script_id]
    subject = Subject(ObjectType.AUTOMATION_SCRIPT.value, script_id, f"'{name}'", {"name": name})
    for place, (milliseconds, text) in enumerate(record.said):
        if shown := _in_one_line(text):
            event = new_event(subject, Verb.SAID, SYSTEM, SYSTEM)
            event.event_id, event.time = uuid5(run_id, str(place)), moment_of(milliseconds, run_id)
            event.message = f"{subject.object_type} {subject.described} ({script_id}) says: {shown}"
            yield event


def _in_one_line(text: str) -> str:
    """The text as every database can hold it, without line ends and control characters."""
    return " ".join(text.encode(errors="replace").decode().split()).translate(CONTROL_CHARACTERS)
