"""`manage.py unlock`."""

from typing import Any

from logins.models import AttemptCounter
from objects.commands import DatabaseCommand


class Command(DatabaseCommand):
    """It unlocks everybody at once, because the counters do not tell whose they are."""

    help = "Forget all failed log-in attempts, so that nobody is locked."

    def handle(self, *args: Any, **options: Any) -> None:
        AttemptCounter.objects.all().delete()
        self.stdout.write("Failed log-in attempts are forgotten; nobody is locked.")
