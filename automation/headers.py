"""Which response headers a script may set: pure functions."""

import re
from collections.abc import Mapping, Sequence

_BLOCKED = frozenset(
    {
        "vary",
        "content-length",
        "set-cookie",
        "www-authenticate",
        "proxy-authenticate",
        "transfer-encoding",
        "connection",
        "upgrade",
        "trailer",
        "te",
        "via",
        "server",
        "date",
        "strict-transport-security",
        # What a proxy would act upon.
        "x-sendfile",
        # What a browser would keep for every other answer of this host.
        "alt-svc",
        "clear-site-data",
        "nel",
        "report-to",
        "reporting-endpoints",
        "x-trigger-id",
    }
)
_BLOCKED_PREFIXES = ("access-control-", "x-accel-")

# RFC 9110: a token, and what a field value may hold of Latin-1.
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*\Z")


def malformed(headers: Mapping[str, Sequence[str]]) -> str | None:
    """The first name that is no HTTP token, or whose value has control or non-Latin-1 characters."""
    for name, values in headers.items():
        if not _TOKEN.match(name) or not all(_VALUE.match(value) for value in values):
            return name
    return None


def blocked(headers: Mapping[str, Sequence[str]]) -> str | None:
    """The first name that only the server may set."""
    for name in headers:
        if name.lower() in _BLOCKED or name.lower().startswith(_BLOCKED_PREFIXES):
            return name
    return None
