"""Why a log-in is refused before its password is checked."""

from django.utils.translation import gettext as _


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
