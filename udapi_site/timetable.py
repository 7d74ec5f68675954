"""The periodic tasks and their intervals; `fleet/schedule.py` sends them."""

from datetime import timedelta
from typing import Any, Final

from django.conf import settings

_INTERVALS: Final = {
    "access.tasks.clear_sessions": timedelta(days=1),
    "automation.tasks.keep_missing_versions": timedelta(minutes=1),
    "automation.tasks.prune_versions": timedelta(hours=1),
    "health.tasks.probe_public_url": timedelta(minutes=1),
    "runs.tasks.prune_runs": timedelta(minutes=10),
    "runs.tasks.prune_statistics": timedelta(minutes=10),
    "runs.tasks.sample_fleet": timedelta(seconds=10),
    "runs.tasks.store_runs": timedelta(seconds=1),
    "tokens.tasks.move_last_use": timedelta(minutes=1),
}
# Only with a mirror, as the client of Elasticsearch takes 20 MB.
_MIRROR_INTERVALS: Final = {
    "search.tasks.bring_changes": timedelta(seconds=1),
    # It does nothing until a check is due: ELASTICSEARCH_CHECK_MINUTES after the last one, or on demand.
    "search.tasks.repair_when_due": timedelta(seconds=5),
}

_EXPIRY: Final = timedelta(minutes=1)
"""After this long, a message of a task that is due more often is worth nothing."""


def task_modules() -> list[str]:
    """The modules with the tasks of the background program: the product's and the operator's."""
    mirror = ["search.tasks"] if settings.ELASTICSEARCH_URL else []
    return [
        "automation.tasks",
        "health.tasks",
        "logins.tasks",
        "runs.tasks",
        "tokens.tasks",
        *mirror,
        *settings.UDAPI_TASK_MODULES,
    ]


def entries() -> dict[str, dict[str, Any]]:
    """Celery's `beat_schedule`; its entries are named after their tasks."""
    intervals = _INTERVALS | (_MIRROR_INTERVALS if settings.ELASTICSEARCH_URL else {})
    return {
        # While the database does not answer, frequent tasks take longer than their interval.
        task: {
            "task": task,
            "schedule": interval,
            "options": {"expires": _EXPIRY.total_seconds()} if interval < _EXPIRY else {},
        }
        for task, interval in intervals.items()
    }
