"""One log line for each log-in and each refused one; it names a user only if that user exists."""

import logging
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from foundation.texts import is_storable
from logins.attempts import Attempt
from web.client_address import client_address

_log = logging.getLogger("udapi.audit.logins")
# Below the logger for strangers, so that their lines displace no others.
_refused = logging.getLogger("udapi.refused.logins")


def logged_in(user: Any, address: str, way: str) -> None:
    """The password of `user` was right; `way` says where they entered it."""
    _log.info("log-in of '%s' from %s: %s", user.get_username(), address, way)


def refused(attempt: Attempt, why: str) -> None:
    """The attempt failed, or was refused before its password was checked."""
    # Some people type their password into the field for the name, so only names of users are logged.
    is_user = is_storable(attempt.name) and User.objects.filter(username=attempt.name).exists()
    name = f"'{attempt.name}'" if is_user else "an unknown user"
    _refused.warning("log-in of %s from %s refused: %s", name, attempt.address, why)


def key_refused(address: str, why: str) -> None:
    _refused.warning("personal key from %s refused: %s", address, why)


def key_expired(owner: str) -> None:
    _log.info("personal key of '%s' has expired", owner)


@receiver(user_logged_in, sender=User)
def record_log_in(request: HttpRequest, user: User, **kwargs: object) -> None:
    logged_in(user, client_address(request), "console")


@receiver(user_logged_out, sender=User)
def record_log_out(request: HttpRequest, user: User | None, **kwargs: object) -> None:
    if user is not None:
        _log.info("log-out of '%s' from %s", user.get_username(), client_address(request))
