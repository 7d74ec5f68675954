"""Everything that needs the attention of a user, the worst first."""

from collections.abc import Iterator, Sequence

from access.policy import CREDENTIAL, DEFINITION, NODE, RUN, SCRIPT, TOKEN, AnyUser, allows, manages_people
from console.attention import objects, operation
from console.attention.concern import BAD, Concern
from console.health_summary import HealthSummary


def concerns(user: AnyUser, health: HealthSummary | None) -> Sequence[Concern]:
    """The concerns about what `user` may view, and for superusers the warnings about the settings."""
    return sorted(_found(user, health), key=lambda concern: concern.tone != BAD)


def _found(user: AnyUser, health: HealthSummary | None) -> Iterator[Concern]:
    """Within a severity, callers come first."""
    if health:
        yield from operation.of_health(health, user)
    if allows(user, RUN, "view"):
        yield from operation.of_failing(user)
    if allows(user, NODE, "view"):
        yield from operation.of_nodes(user)
    if allows(user, SCRIPT, "view"):
        yield from objects.of_scripts()
    if allows(user, CREDENTIAL, "view"):
        yield from objects.of_credentials()
    if allows(user, RUN, "view"):
        yield from operation.of_runs_not_kept()
    if allows(user, DEFINITION, "view"):
        yield from objects.of_definitions(user)
    if allows(user, TOKEN, "view"):
        yield from objects.of_tokens()
    if manages_people(user):
        yield from operation.of_settings()
