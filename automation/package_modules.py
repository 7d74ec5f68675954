"""What the packages of a source let it import, as far as nodes have installed them."""

from automation.builds import Build
from automation.requirements import Requirements


def known_modules(requirements: Requirements) -> list[str] | None:
    """The dotted names of modules of these packages in their newest lock; None if no node has installed one."""
    return modules_of(requirements.digest) if requirements.dependencies else []


def modules_of(digest: str) -> list[str] | None:
    """The same for the requirements with this digest."""
    resolved = Build.objects.filter(requirements_digest=digest, lock__modules__isnull=False)
    found: list[str] | None = resolved.order_by("-pk").values_list("lock__modules", flat=True).first()
    return found
