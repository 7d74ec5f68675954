"""Packages as if a node had installed them."""

from django.utils import timezone

from automation.models import Build, PackageLock
from automation.requirements import Requirements


def installed(dependency: str, modules: list[str] | None) -> str:
    """Keep that this dependency was built, and has these modules; returns the digest of the requirements."""
    needed = Requirements(dependencies=(dependency,))
    lock = PackageLock.objects.create(digest=f"{PackageLock.objects.count():064}", modules=modules, text="")
    Build.objects.create(
        requirements=needed.to_json(), requirements_digest=needed.digest, lock=lock, started_at=timezone.now()
    )
    return needed.digest
