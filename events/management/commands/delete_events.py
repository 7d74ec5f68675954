"""`manage.py delete_events --older-than DAYS`: the only way to delete events. Nothing calls it by itself."""

import argparse
import logging
from datetime import timedelta
from typing import Any

from django.utils import timezone

from events.models import InformationEvent
from objects.commands import DatabaseCommand

LONGEST_DAYS = 100_000

_log = logging.getLogger(__name__)


class Command(DatabaseCommand):
    help = "Delete the information events that are older than a number of days."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--older-than", type=_days, required=True, metavar="DAYS", dest="older_than")

    def handle(self, *args: Any, older_than: int, **options: Any) -> None:
        limit = timezone.now() - timedelta(days=older_than)
        old = InformationEvent._base_manager.filter(time__lt=limit)
        count = old._raw_delete(old.db)
        _log.warning("Deleted %d event(s) from before %s.", count, limit.isoformat())
        self.stdout.write(f"Deleted {count} event(s) from before {limit:%Y-%m-%d %H:%M} UTC.")


def _days(text: str) -> int:
    days = int(text)
    if not 1 <= days <= LONGEST_DAYS:
        raise argparse.ArgumentTypeError(f"1 to {LONGEST_DAYS} days")
    return days
