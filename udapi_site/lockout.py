"""Log-in attempts: from where they come, and the answer to too many. django-axes counts them."""

from ipaddress import ip_address, ip_network
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

COOL_OFF_SECONDS = 15 * 60


def client_address(request: HttpRequest) -> str:
    """Where the request comes from. What a proxy says is believed of trusted proxies only, nearest first."""
    address = str(request.META.get("REMOTE_ADDR", ""))
    before = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    while before and _is_trusted(address) and _is_address(before[-1]):
        address = before.pop()
    # A Unix socket has no address.
    return address if _is_address(address) else "0.0.0.0"  # noqa: S104


def refuse(request: HttpRequest, response: HttpResponse, credentials: dict[str, Any] | None) -> HttpResponse:
    """429; the management API has rendered its own already."""
    if response.status_code == 429:
        return response
    detail = "Too many failed log-in attempts, try again later."
    return HttpResponse(
        detail, status=429, content_type="text/plain; charset=utf-8", headers={"Retry-After": str(COOL_OFF_SECONDS)}
    )


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
