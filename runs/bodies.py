"""What is kept of requests and responses. Every look leaves an event, in the same transaction."""

from dataclasses import dataclass

import msgspec
from django.db import transaction

from access.policy import RUN
from fleet.kept_bodies import KeptRequest, KeptResponse
from objects.changes import bodies_read
from runs.models import Run, RunBodies


@dataclass(frozen=True)
class KeptBodies:
    """Masked, and cut to 64 KB. There is no response if the run ended without one."""

    request: KeptRequest
    response: KeptResponse | None


@transaction.atomic
def bodies_of(run: Run, reader: str) -> KeptBodies | None:
    """What is kept of the run, for the user named `reader`; None if nothing is kept, which leaves no event."""
    found = RunBodies.objects.filter(pk=run.pk).first()
    if found is None:
        return None
    bodies_read.send(sender=RUN, run_id=run.pk, by=reader)
    response = msgspec.json.decode(found.response, type=KeptResponse) if found.response else None
    return KeptBodies(msgspec.json.decode(found.request, type=KeptRequest), response)
