"""A Django project in one file, with views that echo directly, over a Redis list, through Celery and through Dramatiq.

None of them has an admission: no token, no definition, no rate limit. gunicorn serves it with our number of processes.
"""

import os
import uuid
from typing import Any

import celery
import dramatiq
import redis
from django.core.wsgi import get_wsgi_application
from django.urls import path
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

URL = os.environ["BENCHMARK_REDIS_URL"]
TIMEOUT_SECONDS = 30

connection = redis.Redis.from_url(URL, max_connections=1_000, socket_timeout=None)
celery_app = celery.Celery("plain", broker=URL, backend=URL)
broker: Any = RedisBroker(url=URL)  # type: ignore[no-untyped-call]
broker.add_middleware(Results(backend=RedisBackend(url=URL)))  # type: ignore[no-untyped-call]
dramatiq.set_broker(broker)


@celery_app.task(name="echo")
def echo(body: str) -> str:
    return body


@dramatiq.actor(actor_name="dramatiq_echo", store_results=True)
def dramatiq_echo(body: str) -> str:
    return body


class EchoView(APIView):
    """The floor: answers with the body of the request."""

    def post(self, request: Request) -> Response:
        return Response(self.answer(request._request.body.decode()))

    def answer(self, body: str) -> str:
        return body


class HandOverView(EchoView):
    """The limit: one Redis list for the job and one for the answer, served by `rivals/loop.py`."""

    def answer(self, body: str) -> str:
        reply = f"reply:{uuid.uuid4()}"
        connection.lpush("jobs", f"{reply}\n{body}")
        popped: Any = connection.blpop([reply], timeout=TIMEOUT_SECONDS)
        return str(popped[1].decode())


class CeleryView(EchoView):
    """The baseline: `delay` and `get`."""

    def answer(self, body: str) -> str:
        return str(echo.delay(body).get(timeout=TIMEOUT_SECONDS))


class DramatiqView(EchoView):
    """A peer: `send` and `get_result`."""

    def answer(self, body: str) -> str:
        message = dramatiq_echo.send(body)
        return str(message.get_result(block=True, timeout=TIMEOUT_SECONDS * 1_000))


urlpatterns = [
    path("floor", EchoView.as_view()),
    path("limit", HandOverView.as_view()),
    path("baseline", CeleryView.as_view()),
    path("dramatiq", DramatiqView.as_view()),
]
application = get_wsgi_application()
