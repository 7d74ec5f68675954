"""Positions: the cursor of subscribers, in the order in which changes become visible.

Numbers drawn inside the transaction of a change become visible in a different order: a reader that has seen 8 would
miss a 7 that is committed later. A counter that every change locks would prevent this, but changes would queue up
behind each other, and deadlock with the other rows that they lock. So readers assign positions after the commit: only
to events that can be seen, all under one lock, which is held until the positions can be seen, too.
"""

from django.db import transaction

from events.models import InformationEvent, LastPosition

_BATCH = 500
_THE_ROW = 1


def give() -> int:
    """Assign a position to every committed event; returns the last position ever assigned."""
    while _give_batch():
        pass
    return last()


def last() -> int:
    """The last position ever assigned."""
    return LastPosition.objects.filter(pk=_THE_ROW).values_list("position", flat=True).first() or 0


def _give_batch() -> bool:
    """Returns whether there may be more events without a position."""
    waiting = InformationEvent.objects.filter(position=None)
    if not waiting.exists():
        return False
    with transaction.atomic():
        counter, _ = LastPosition.objects.select_for_update().get_or_create(pk=_THE_ROW)
        # Read again under the lock. Changes of one object wait for each other, so their numbers are in order.
        events = list(waiting.order_by("number").only("number")[:_BATCH])
        for event in events:
            counter.position += 1
            event.position = counter.position
        InformationEvent._base_manager.bulk_update(events, ["position"])
        counter.save()
    return len(events) == _BATCH
