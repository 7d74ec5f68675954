"""Which response headers a script may set."""

import re
from collections.abc import Mapping, Sequence

_BLOCKED = frozenset(
    (
        *("vary", "content-length", "set-cookie", "www-authenticate", "proxy-authenticate", "transfer-encoding"),
        *("connection", "upgrade", "trailer", "te", "via", "server", "date", "strict-transport-security"),
        "x-trigger-id",
        # A proxy would act upon it.
        "x-sendfile",
        # A browser would apply them to all other answers of this host.
        *("alt-svc", "clear-site-data", "nel", "report-to", "reporting-endpoints"),
    )
)
_BLOCKED_PREFIXES = ("access-control-", "x-accel-")

# RFC 9110: a token, and the Latin-1 characters that a field value may have.
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*\Z")


def malformed(headers: Mapping[str, Sequence[str]]) -> str | None:
    """The first name that is not an HTTP token, or whose value has control or non-Latin-1 characters."""
    for name, values in headers.items():
        if not (_TOKEN.match(name) and all(map(_VALUE.match, values))):
            return name
    return None


def blocked(headers: Mapping[str, Sequence[str]]) -> str | None:
    """The first name that only the server may set."""
    names = ((name, name.lower()) for name in headers)
    return next((name for name, low in names if low in _BLOCKED or low.startswith(_BLOCKED_PREFIXES)), None)
