"""The periodic tasks that keep versions of scripts, and delete old ones."""

import logging

from celery import shared_task
from django.conf import settings
from django.db import Error as DatabaseError

from automation import retention, trial_builds, unversioned

_log = logging.getLogger("udapi.manager")


@shared_task
def keep_missing_versions() -> None:
    """Keep versions of the scripts that the release before has saved."""
    try:
        count = unversioned.keep_missing()
    except DatabaseError as error:
        _log.warning("scripts that the release before has saved wait for their versions: %s", error)
        return
    if count:
        _log.info("%d script(s) that the release before has saved now have their versions", count)


@shared_task
def prune_versions() -> None:
    """Delete versions beyond `UDAPI_VERSIONS_KEEP`, and builds and locks that nothing needs any more."""
    try:
        count = retention.prune(settings.UDAPI_VERSIONS_KEEP)
        trial_builds.prune()
    except DatabaseError as error:
        _log.warning("old versions of scripts stay in the database for another hour: %s", error)
        return
    if count:
        _log.info("%d old version(s) of scripts were deleted", count)
