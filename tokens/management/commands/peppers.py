"""`manage.py peppers`: how many tokens each pepper still has."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db.models import Count

from objects.commands import DatabaseCommand
from tokens import peppers
from tokens.models import ApiToken


class Command(DatabaseCommand):
    """An old pepper can be removed once no token is left on it."""

    help = "Show how many tokens each pepper has. Fails when tokens are left on a pepper that is not active."

    def handle(self, *args: Any, **options: Any) -> None:
        counts = dict(ApiToken.objects.order_by().values_list("pepper_id").annotate(Count("pk")))
        for number in settings.UDAPI_PEPPERS:
            tokens = counts.get(number, 0)
            advice = "old: rotate these tokens' secrets" if tokens else "old: can be removed"
            state = "current" if number == peppers.current_id() else advice
            self.stdout.write(f"pepper {number}: {tokens} token(s), {state}")
        lost = sorted(set(counts) - set(settings.UDAPI_PEPPERS))
        for number in lost:
            self.stdout.write(f"pepper {number}: {counts[number]} token(s), NOT ACTIVE: calls with them are refused")
        if lost:
            raise CommandError("Restore the missing peppers, or rotate these tokens' secrets.")
