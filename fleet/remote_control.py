"""Commands to worker nodes by Celery's remote control."""

from celery import current_app
from kombu.exceptions import OperationalError
from redis.exceptions import ConnectionError as BrokerConnectionError

from fleet import overview

ANSWER_SECONDS = 2.0
"""How long each node has to answer."""


def cancel_running(run_id: str, by: str) -> bool:
    """Kill a running script with everything that it has started, for the user `by`; returns whether it ran.

    Raises:
        redis.RedisError: the broker is not reachable.
    """
    workers = [living.node.worker for living in overview.look(with_leaving=True).nodes if living.node.worker]
    if not workers:
        return False
    asked = {"run_id": run_id, "by": by}
    try:
        replies = current_app.control.broadcast(
            "cancel_run", asked, destination=workers, reply=True, timeout=ANSWER_SECONDS, limit=len(workers)
        )
    except OperationalError as error:
        raise BrokerConnectionError(str(error)) from error
    return any(told == {"ok": True} for reply in replies or () for told in reply.values())
