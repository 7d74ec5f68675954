"""`python -m tests.broker.clients`: connects to Redis in every way that the product does, and prints the results."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django
import redis
from celery import Celery
from kombu.exceptions import OperationalError


def _outcome(connect: Callable[[], Any]) -> str:
    try:
        connect()
    except (redis.RedisError, OperationalError) as error:
        return f"{type(error).__name__}: {error}"
    return "connected"


def _send_event(app: Celery[Any]) -> None:
    with app.events.default_dispatcher() as dispatcher:
        dispatcher.send("test-event")


def main() -> None:
    """One JSON object: the client → "connected", or its error."""
    django.setup()
    from broker.client import brief_client, client
    from broker.connections import HeldConnection
    from udapi_site.celery import app

    ways: dict[str, Callable[[], Any]] = {
        "client": client().ping,
        "brief client": brief_client().ping,
        "held connection": HeldConnection(client()).__enter__,
        "Celery's consumer": app.connection_for_read().connect,
        "Celery's publisher": app.connection_for_write().connect,
        "Celery's remote control": lambda: app.control.ping(timeout=0.1),
        "Celery's events": lambda: _send_event(app),
    }
    # At once, because Celery tries for seconds.
    with ThreadPoolExecutor(len(ways)) as connecting:
        outcomes = dict(zip(ways, connecting.map(_outcome, ways.values()), strict=True))
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main()
