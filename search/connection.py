"""The client of Elasticsearch, and what can go wrong with it, sorted by what is to be done about it."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from ssl import SSLContext, create_default_context
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from django.conf import settings
from elastic_transport import ApiError, TlsError, TransportError
from elasticsearch import Elasticsearch

READ_SECONDS = 2.0
WRITE_SECONDS = 60.0

_GONE = ("index_not_found_exception", "index_closed_exception", "no_shard_available_action_exception")

# It tells of every request, and of every failure what we tell anyway.
logging.getLogger("elastic_transport").setLevel(logging.ERROR)


class MirrorError(Exception):
    """Elasticsearch does not do what is asked; later it may. The message names no password."""


class IndexFaultError(MirrorError):
    """An index is missing, closed or otherwise not as it was made: it takes a repair."""


@cache
def client() -> Elasticsearch:
    """The client of this process."""
    urls = [urlsplit(url) for url in settings.ELASTICSEARCH_URL]
    hosts = [urlunsplit((url.scheme, _host(url), url.path, "", "")) for url in urls]
    options: dict[str, Any] = {"request_timeout": WRITE_SECONDS, "max_retries": 0, "retry_on_timeout": False}
    if settings.ELASTICSEARCH_API_KEY:
        options["api_key"] = settings.ELASTICSEARCH_API_KEY
    elif credentials := _credentials(urls[0].username, urls[0].password):
        options["basic_auth"] = credentials
    if urls[0].scheme == "https":
        options["ssl_context"] = _tls()
    return Elasticsearch(hosts, **options)


def ping() -> None:
    """Ask for no more than an answer.

    Raises:
        MirrorError: there is none, or it is a refusal.
    """
    with asking():
        client().cluster.health()


def _host(url: Any) -> str:
    name = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    return f"{name}:{url.port or (443 if url.scheme == 'https' else 9200)}"


def _credentials(user: str | None, password: str | None) -> tuple[str, str] | None:
    found = (
        settings.ELASTICSEARCH_USER or unquote(user or ""),
        settings.ELASTICSEARCH_PASSWORD or unquote(password or ""),
    )
    return found if all(found) else None


def _tls() -> SSLContext:
    return create_default_context(cadata=settings.ELASTICSEARCH_CA or None)


@contextmanager
def asking() -> Iterator[None]:
    """What Elasticsearch or the way to it raises becomes one of the errors here.

    Raises:
        IndexFaultError, MirrorError
    """
    try:
        yield
    except ApiError as error:
        raise failure(error.meta.status, _type(error.body), str(error)) from error
    except TlsError as error:
        raise MirrorError(f"Elasticsearch is not trusted, see ELASTICSEARCH_CA_FILE: {_tls_fault(error)}") from error
    except TransportError as error:
        raise MirrorError(f"Elasticsearch cannot be reached: {type(error).__name__}") from error


def _tls_fault(error: TlsError) -> str:
    """What OpenSSL says, out of the words of three libraries around it."""
    found = re.search(r"\[SSL: \w+\] ([^(]+)", str(error))
    return found[1].strip() if found else type(error).__name__


def failure(status: int, kind: str, text: str) -> MirrorError:
    """The error for an answer with this status and type of error."""
    fault = kind in _GONE
    return (IndexFaultError if fault else MirrorError)(f"Elasticsearch answers {status} {kind}: {text}"[:500])


def is_documents_fault(status: int, kind: str) -> bool:
    """Whether the document itself is refused, and would be again."""
    return status in {400, 413} and kind not in _GONE


def _type(body: Any) -> str:
    error = body.get("error", {}) if isinstance(body, dict) else {}
    return str(error.get("type", "")) if isinstance(error, dict) else str(error)
