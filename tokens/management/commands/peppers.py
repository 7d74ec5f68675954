"""`manage.py peppers`: what is left on which pepper."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Count

from tokens import peppers
from tokens.models import ApiToken


class Command(BaseCommand):
    """Shows for each pepper how many tokens are kept under it, so that an old one can go when none is left."""

    help = "Show how many tokens are kept under each pepper; fails when tokens are left on one that is not active."

    def handle(self, *args: Any, **options: Any) -> None:
        """One line a pepper, the current one first."""
        counts = dict(ApiToken.objects.order_by().values_list("pepper_id").annotate(Count("pk")))
        for number in settings.UDAPI_PEPPERS:
            state = "current" if number == peppers.current_id() else _advice(counts.get(number, 0))
            self.stdout.write(f"pepper {number}: {counts.get(number, 0)} token(s), {state}")
        lost = sorted(set(counts) - set(settings.UDAPI_PEPPERS))
        for number in lost:
            self.stdout.write(f"pepper {number}: {counts[number]} token(s), NOT ACTIVE: their secrets open nothing")
        if lost:
            raise CommandError("Put the missing peppers back, or rotate these tokens' secrets.")


def _advice(tokens: int) -> str:
    return "old: rotate these tokens' secrets" if tokens else "old: can be removed"
