"""Which site a browser's request comes from, by headers that no page can set."""

from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

_OWN_SITES: Final = frozenset({"same-origin", "none"})
_PORTS: Final = {"http": 80, "https": 443}


def is_from_another_site(request: HttpRequest) -> bool:
    """Whether a page of another origin sent the request. Programs send neither of the two headers."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site not in _OWN_SITES:
        return True
    origin = request.headers.get("Origin")
    return origin is not None and not _is_own(origin, request)


def is_from_own_page(request: HttpRequest) -> bool:
    """Whether a page of ours surely sent the request: a browser says so in at least one of the two headers."""
    says = {"Sec-Fetch-Site", "Origin"} & {name.title() for name in request.headers}
    return bool(says) and request.headers.get("Sec-Fetch-Site") != "none" and not is_from_another_site(request)


def _is_own(origin: str, request: HttpRequest) -> bool:
    parsed = _parsed(origin)
    own = (settings.UDAPI_PUBLIC_URL, f"{request.scheme}://{request.get_host()}")
    return parsed is not None and parsed in map(_parsed, own)


def _parsed(origin: str) -> tuple[str, str, int] | None:
    """Scheme, host and port; None if `origin` is not one, such as `null`."""
    try:
        parts = urlsplit(origin)
        return (parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme])
    except (ValueError, KeyError):
        return None
