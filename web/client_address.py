"""The addresses of clients."""

from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

_CLIENT_PREFIX = 64
"""One IPv6 client has a network of this size to itself."""


def client_address(request: HttpRequest) -> str:
    """Where the request comes from. What a proxy says is believed of trusted proxies only, nearest first."""
    address = str(request.META.get("REMOTE_ADDR", ""))
    before = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    while before and _is_trusted(address) and _is_address(before[-1]):
        address = before.pop()
    # A Unix socket has no address.
    return address if _is_address(address) else "0.0.0.0"  # noqa: S104


def client_network(address: str) -> str:
    """What a limit by address counts: the IPv4 address, or the /64 network of the IPv6 address."""
    parsed = ip_address(address)
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((int(parsed), _CLIENT_PREFIX), strict=False))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_trusted(address: str) -> bool:
    if not _is_address(address):
        return False
    return any(ip_address(address) in ip_network(proxy) for proxy in settings.UDAPI_TRUSTED_PROXIES)
