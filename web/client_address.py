"""The addresses of clients."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

# One IPv6 client usually has a whole network of this size.
_CLIENT_PREFIX = 64


def client_address(request: HttpRequest) -> str:
    """Where the request comes from. `X-Forwarded-For` counts only as far as trusted proxies wrote it."""
    address = str(request.META.get("REMOTE_ADDR", ""))
    before = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    while before and _is_trusted(address) and _parsed(before[-1]):
        address = before.pop()
    # A Unix socket has no address.
    return address if _parsed(address) else "0.0.0.0"  # noqa: S104


def client_network(address: str) -> str:
    """What a limit per address counts: the IPv4 address, or the /64 network of the IPv6 address."""
    parsed = ip_address(address)
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((int(parsed), _CLIENT_PREFIX), strict=False))


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _is_trusted(text: str) -> bool:
    address = _parsed(text)
    return address is not None and any(address in ip_network(proxy) for proxy in settings.UDAPI_TRUSTED_PROXIES)
