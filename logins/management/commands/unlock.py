"""`manage.py unlock`."""

from typing import Any

from django.core.management.base import BaseCommand

from logins.models import AttemptCounter


class Command(BaseCommand):
    """Forgets the failed log-in attempts of everybody: the counters tell nobody's name."""

    help = "Forget all failed log-in attempts, so that nobody is locked."

    def handle(self, *args: Any, **options: Any) -> None:
        """Delete the counters."""
        AttemptCounter.objects.all().delete()
        self.stdout.write("Failed log-in attempts are forgotten; nobody is locked.")
