"""How this machine installs packages, by the settings."""

from django.conf import settings

from fleet import confinement
from hosts.package_builds import BuildOptions


def configured() -> BuildOptions:
    """The options of builds. Whatever builds can read, scripts can, but for index and cache."""
    return BuildOptions(
        paths=confinement.configured_paths(),
        index_url=settings.UDAPI_PACKAGE_INDEX_URL,
        wheelhouse=settings.UDAPI_WHEELHOUSE,
        timeout_seconds=settings.UDAPI_BUILD_TIMEOUT_SECONDS,
        user=settings.UDAPI_BUILD_USER or settings.UDAPI_SCRIPT_USER,
        most_total_bytes=settings.UDAPI_ENVIRONMENTS_MAX_MB * 1024**2,
    )
