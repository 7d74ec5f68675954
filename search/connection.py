"""The client of Elasticsearch, and its errors, sorted by what to do about them.

Whatever asks Elasticsearch may raise `MirrorError`; docstrings mention it only where it means something special.
"""

import logging
import re
from functools import cache
from ssl import create_default_context
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from elastic_transport import ApiError, NodeConfig, TlsError, TransportError
from elasticsearch import Elasticsearch

READ_SECONDS = 2.0
WRITE_SECONDS = 60.0

_PORTS = {"http": 9200, "https": 443}
_INDEX_FAULTS = (
    "index_not_found_exception",
    "index_closed_exception",
    "no_shard_available_action_exception",
    # The index lacks a property: the release before has created it.
    "strict_dynamic_mapping_exception",
)

# It logs every request, and failures that we log ourselves.
logging.getLogger("elastic_transport").setLevel(logging.ERROR)


class MirrorError(Exception):
    """Elasticsearch cannot do it now, but may later. The message contains no password."""


class IndexFaultError(MirrorError):
    """An index is missing, closed, or from a release with fewer properties, and needs a repair."""


class _Client(Elasticsearch):
    def perform_request(self, *args: Any, **kwargs: Any) -> Any:
        """Translate the exceptions of the library.

        Raises:
            IndexFaultError, MirrorError
        """
        try:
            return super().perform_request(*args, **kwargs)
        except ApiError as error:
            raise failure(error.meta.status, _type(error.body), str(error)) from error
        except TlsError as error:
            message = f"Elasticsearch is not trusted, see ELASTICSEARCH_CA_FILE: {_tls_fault(error)}"
            raise MirrorError(message) from error
        except TransportError as error:
            raise MirrorError(f"Elasticsearch cannot be reached: {type(error).__name__}") from error


@cache
def client() -> Elasticsearch:
    urls = [urlsplit(url) for url in settings.ELASTICSEARCH_URL]
    nodes = [
        NodeConfig(url.scheme, str(url.hostname), url.port or _PORTS[url.scheme], path_prefix=url.path.rstrip("/"))
        for url in urls
    ]
    user = settings.ELASTICSEARCH_USER or unquote(urls[0].username or "")
    password = settings.ELASTICSEARCH_PASSWORD or unquote(urls[0].password or "")
    options: dict[str, Any] = {"request_timeout": WRITE_SECONDS, "max_retries": 0, "retry_on_timeout": False}
    if settings.ELASTICSEARCH_API_KEY:
        options["api_key"] = settings.ELASTICSEARCH_API_KEY
    elif user and password:
        options["basic_auth"] = (user, password)
    if urls[0].scheme == "https":
        options["ssl_context"] = create_default_context(cadata=settings.ELASTICSEARCH_CA or None)
    return _Client(nodes, **options)


def _tls_fault(error: TlsError) -> str:
    """The message of OpenSSL, which three libraries have wrapped."""
    found = re.search(r"\[SSL: \w+\] ([^(]+)", str(error))
    return found[1].strip() if found else type(error).__name__


def failure(status: int, kind: str, text: str) -> MirrorError:
    """The exception for an answer with this HTTP status and Elasticsearch error type."""
    error = IndexFaultError if kind in _INDEX_FAULTS else MirrorError
    return error(f"Elasticsearch answers {status} {kind}: {text}"[:500])


def is_documents_fault(status: int, kind: str) -> bool:
    """Whether Elasticsearch refuses the document itself, and would again."""
    return status in {400, 413} and kind not in _INDEX_FAULTS


def _type(body: Any) -> str:
    error = body.get("error", {}) if isinstance(body, dict) else {}
    return str(error.get("type", "")) if isinstance(error, dict) else str(error)
