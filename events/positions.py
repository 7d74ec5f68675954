"""Positions: the cursor of subscribers, in the order in which changes become visible.

Numbers drawn inside a change's own transaction become visible in another order than they were drawn, and a
reader that has seen 8 never comes back for a 7 that is committed later. A counter whose row is locked by every
change would prevent that, but it would queue all changes behind one another and dead-lock with the row
locks they hold. So a position is given after the commit, by whoever reads: only events that can be seen get
one, all under one lock, held until the positions can be seen themselves.
"""

from django.db import transaction

from events.models import InformationEvent, LastPosition

_BATCH = 500
_THE_ROW = 1


def give() -> int:
    """Give every committed event its position; returns the last position that was given, ever."""
    while _give_batch():
        pass
    return last()


def last() -> int:
    """The last position that was given, ever."""
    return LastPosition.objects.filter(pk=_THE_ROW).values_list("position", flat=True).first() or 0


def _give_batch() -> bool:
    waiting = InformationEvent.objects.filter(position=None)
    if not waiting.exists():
        return False
    with transaction.atomic():
        counter, _ = LastPosition.objects.select_for_update().get_or_create(pk=_THE_ROW)
        # Read again, now that nobody else gives any. The numbers order what came one after the other.
        events = list(waiting.order_by("number").only("number")[:_BATCH])
        for event in events:
            counter.position += 1
            event.position = counter.position
        InformationEvent._base_manager.bulk_update(events, ["position"])
        counter.save()
    return len(events) == _BATCH
