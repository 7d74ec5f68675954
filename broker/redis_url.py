"""The address of Redis in a form that its client and Celery, which parse it differently, understand in the same way."""

from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from django.core.exceptions import ImproperlyConfigured

# No message shows a part of the address or a cause that would, because it may hold a password.
_FORM = "REDIS_URL must be a redis://, rediss:// or unix:// address, such as rediss://:secret@redis.example.com:6379/0."
_OPTIONS = (
    "REDIS_URL takes no option but db and, with rediss://, ssl_certfile and ssl_keyfile: "
    "the server's certificate is always verified (REDIS_CA_FILE names its authority)."
)
_CLUSTER = (
    "REDIS_URL names several servers or a Redis Cluster: name one server, because all keys of a trigger must lie on it."
)
_CLIENT_CERTIFICATE = "REDIS_URL needs a certificate and its key, in PEM form, as ssl_certfile and ssl_keyfile."

_PORT = 6379


def checked(value: str) -> str:
    """`value` with explicit host, port and database; empty if it is empty.

    Raises:
        ImproperlyConfigured: it is not an address of Redis, names several servers, or has options, which could turn
            verification off.
    """
    if not value:
        return ""
    try:
        parts = urlsplit(value)
        _refuse_cluster(parts)
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
        database = options.pop("db", None) or ("" if parts.scheme == "unix" else parts.path.removeprefix("/")) or "0"
        address = _address(parts, int(database))
    except ValueError:
        raise ImproperlyConfigured(_FORM) from None
    return address + _certificate(parts.scheme, options)


def _refuse_cluster(parts: SplitResult) -> None:
    if "cluster" in parts.scheme or (parts.scheme != "unix" and "," in parts.netloc.rpartition("@")[2]):
        raise ImproperlyConfigured(_CLUSTER)


def _address(parts: SplitResult, database: int) -> str:
    user, password = (quote(unquote(part or ""), safe="") for part in (parts.username, parts.password))
    login = f"{user}:{password}@" if user or password else ""
    if parts.scheme == "unix" and parts.path and not parts.hostname:
        return f"unix://{login}{quote(unquote(parts.path))}?db={database}"
    if parts.scheme not in {"redis", "rediss"} or parts.port == 0 or database < 0:
        raise ValueError(parts.scheme)
    host = parts.hostname or "localhost"
    host = f"[{host}]" if ":" in host else quote(unquote(host), safe="")
    return f"{parts.scheme}://{login}{host}:{parts.port or _PORT}/{database}"


def _certificate(scheme: str, options: dict[str, str]) -> str:
    """The options for a server that asks its clients for a certificate."""
    if not options:
        return ""
    if scheme != "rediss" or options.keys() - {"ssl_certfile", "ssl_keyfile"}:
        raise ImproperlyConfigured(_OPTIONS)
    try:
        SSLContext(PROTOCOL_TLS_CLIENT).load_cert_chain(options["ssl_certfile"], options.get("ssl_keyfile"))
    except (OSError, KeyError) as error:
        raise ImproperlyConfigured(_CLIENT_CERTIFICATE) from error
    return f"?{urlencode(options)}"
