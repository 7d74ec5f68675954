"""The page of environments: the packages that each node has installed, for which scripts, and the room they take."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import redis
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Case, F, TextField, Value, When
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from access.policy import NODE, SCRIPT, allows
from automation.builds import Build, BuildState, NodeEnvironment
from automation.models import AutomationScript, WorkerNode
from automation.requirements import Requirements, names
from console.scripts.package_groups import Package, packages_in
from fleet import overview

PACKAGES_SHOWN: Final = 4
SCRIPTS_SHOWN: Final = 6
_MEGABYTE: Final = 1024 * 1024


@dataclass(frozen=True)
class EnvironmentRow:
    """An environment of a node, the scripts with a version that needs it, and the names that these ask for."""

    environment: NodeEnvironment
    scripts: Sequence[AutomationScript]
    asked: frozenset[str] = frozenset()

    @property
    def packages(self) -> Sequence[Package]:
        return self._packages[:PACKAGES_SHOWN]

    @property
    def more_packages(self) -> Sequence[Package]:
        return self._packages[PACKAGES_SHOWN:]

    @property
    def _packages(self) -> list[Package]:
        """Those that scripts ask for come first."""
        return sorted(packages_in(self.environment.lock), key=lambda package: package[0] not in self.asked)

    @property
    def shown_scripts(self) -> Sequence[AutomationScript]:
        return self.scripts[:SCRIPTS_SHOWN]

    @property
    def more_scripts(self) -> int:
        return max(0, len(self.scripts) - SCRIPTS_SHOWN)


@dataclass
class NodeRows:
    """A node with its environments. `is_alive` is None if Redis cannot say."""

    node_id: int
    host: str
    is_alive: bool | None
    rows: list[EnvironmentRow] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        return sum(row.environment.size_bytes for row in self.rows)


def environments_page(request: HttpRequest) -> HttpResponse:
    """The page.

    Raises:
        PermissionDenied: the user may not view nodes.
    """
    if not allows(request.user, NODE, "view"):
        raise PermissionDenied
    sees_scripts = allows(request.user, SCRIPT, "view")
    # The logs of those that are ready may be large, and are on the pages of versions.
    log = Case(When(state=BuildState.READY, then=Value("")), default="log", output_field=TextField())
    rows = NodeEnvironment.objects.select_related("lock").annotate(shown_log=log)
    found = list(rows.defer("log", "lock__text", "lock__modules").order_by("node_id", "-pk"))
    locks = {each.lock_id for each in found} if sees_scripts else set()
    context = {
        "title": _("Environments"),
        "nodes": _by_node(found, _scripts(locks), _asked(locks)),
        "sees_scripts": sees_scripts,
        "limit_bytes": settings.UDAPI_ENVIRONMENTS_MAX_MB * _MEGABYTE,
    }
    return TemplateResponse(request, "console/environments.html", admin.site.each_context(request) | context)


def _by_node(
    found: Sequence[NodeEnvironment],
    scripts: Mapping[int, Sequence[AutomationScript]],
    asked: Mapping[int, frozenset[str]],
) -> list[NodeRows]:
    hosts = dict(WorkerNode.objects.filter(pk__in={each.node_id for each in found}).values_list("pk", "host"))
    alive = _alive()
    nodes: dict[int, NodeRows] = {}
    for each in found:
        number = each.node_id
        is_alive = None if alive is None else number in alive
        node = nodes.setdefault(number, NodeRows(number, hosts.get(number, ""), is_alive))
        node.rows.append(EnvironmentRow(each, scripts.get(each.lock_id, []), asked.get(each.lock_id, frozenset())))
    return list(nodes.values())


def _scripts(locks: Iterable[int]) -> dict[int, list[AutomationScript]]:
    """The scripts with a version that needs each lock, by name."""
    builds = Build.objects.filter(lock__in=locks).exclude(version=None)
    pairs = builds.annotate(script=F("version__script")).values_list("lock", "script").distinct()
    found: dict[int, list[Any]] = {}
    for lock, script in pairs:
        found.setdefault(lock, []).append(script)
    named = AutomationScript.objects.only("id", "name").in_bulk({each for ids in found.values() for each in ids})
    return {
        lock: sorted((named[each] for each in ids if each in named), key=lambda script: script.name)
        for lock, ids in found.items()
    }


def _asked(locks: Iterable[int]) -> dict[int, frozenset[str]]:
    """The names of packages that blocks ask for, by lock."""
    found: dict[int, frozenset[str]] = {}
    for lock, requirements in Build.objects.filter(lock__in=locks).values_list("lock", "requirements").distinct():
        found[lock] = found.get(lock, frozenset()) | names(Requirements.from_json(requirements))
    return found


def _alive() -> set[int] | None:
    with suppress(redis.RedisError):
        return {beat.node.id for beat in overview.look(with_leaving=True).nodes}
    return None
