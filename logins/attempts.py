"""The limits of log-in attempts, counted in the database: for the whole fleet, and also while Redis is down.

An attempt is counted before its password is checked, so simultaneous guesses cannot exceed a limit; a right password
takes its attempt back.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from logins.models import AttemptCounter
from web.client_address import client_network


class LogInRefusedError(Exception):
    """No password was checked; `retry_after` is in whole seconds."""

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after


class LockedError(LogInRefusedError):
    """Too many attempts have failed."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(_("Too many failed log-in attempts, try again later."), retry_after)


class BusyError(LogInRefusedError):
    """All log-in slots are taken."""

    def __init__(self) -> None:
        super().__init__(_("Too many log-ins at the same time, try again in a moment."), 1)


# Failed attempts with one user name from one address, and from one address with any name: many people may share it.
MOST_BY_USER: Final = 10
MOST_BY_ADDRESS: Final = 100
# Attempts count this long from the first one; a limit that is reached locks this long.
WINDOW: Final = timedelta(minutes=15)

_KEPT: Final = timedelta(days=1)
_CLEARED_AT_ONCE: Final = 1_000


@dataclass(frozen=True)
class Attempt:
    """A client at `address` claims to be the user `name`."""

    name: str
    address: str

    @property
    def user_key(self) -> str:
        """The counter of this user name from this address."""
        return _key("user", self.name, client_network(self.address))

    @property
    def address_key(self) -> str:
        return _key("address", client_network(self.address))

    @property
    def limits(self) -> Mapping[str, int]:
        """Key of a counter → the number of attempts it allows."""
        return {self.user_key: MOST_BY_USER, self.address_key: MOST_BY_ADDRESS}


def refuse_locked(attempt: Attempt) -> None:
    """Look without counting: a locked client must cost neither a write nor a log-in slot.

    Raises:
        LockedError: one of the limits is reached.
    """
    _refuse_locked(AttemptCounter.objects.filter(key__in=attempt.limits), attempt.limits, timezone.now())


def count(attempt: Attempt) -> None:
    """Count the attempt.

    Raises:
        LockedError: one of the limits is reached; nothing was counted.
    """
    now = timezone.now()
    with transaction.atomic():
        # In one order, so that two attempts never deadlock.
        counters = [_held(key, now) for key in sorted(attempt.limits)]
        _refuse_locked(counters, attempt.limits, now)
        for counter in counters:
            _add(counter, attempt.limits[counter.key], now)


def forgive(attempt: Attempt) -> None:
    """After a right password, reset the user's counter and take this attempt from the address' counter."""
    AttemptCounter.objects.filter(key=attempt.user_key).update(count=0)
    AttemptCounter.objects.filter(key=attempt.address_key, count__gt=0).update(count=F("count") - 1)


def _key(*parts: str) -> str:
    text = "\0".join(parts).encode(errors="surrogatepass")
    return salted_hmac("logins.attempts", text, algorithm="sha256").hexdigest()


def _held(key: str, now: datetime) -> AttemptCounter:
    """The counter, its row locked until the end of the transaction."""
    rows = AttemptCounter.objects.select_for_update()
    counter, is_new = rows.get_or_create(key=key, defaults={"ends_at": now + WINDOW})
    if is_new:
        _clear(now - _KEPT)
    return counter


def _clear(ended_before: datetime) -> None:
    """Delete some old counters, except those that another attempt's transaction is deleting."""
    old = AttemptCounter.objects.filter(ends_at__lt=ended_before).select_for_update(skip_locked=True)
    keys = list(old.values_list("key", flat=True)[:_CLEARED_AT_ONCE])
    AttemptCounter.objects.filter(key__in=keys).delete()


def _refuse_locked(counters: Iterable[AttemptCounter], limits: Mapping[str, int], now: datetime) -> None:
    ends = [counter.ends_at for counter in counters if counter.count >= limits[counter.key] and counter.ends_at > now]
    if ends:
        raise LockedError(math.ceil((max(ends) - now).total_seconds()))


def _add(counter: AttemptCounter, most: int, now: datetime) -> None:
    if counter.ends_at <= now:
        counter.count, counter.ends_at = 0, now + WINDOW
    counter.count += 1
    if counter.count >= most:
        counter.ends_at = now + WINDOW
    counter.save()
