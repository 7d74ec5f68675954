"""Renewing: saving scripts again with the current versions of their libraries."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce

from automation import history
from automation.models import AutomationScript
from automation.source import contents_of
from automation.versions import LibraryUse, ScriptKind
from objects.changes import save_checked


@dataclass(frozen=True)
class Renewal:
    """What has become of the users of a library."""

    renewed: list[AutomationScript] = field(default_factory=list)
    refused: list[tuple[AutomationScript, ValidationError]] = field(default_factory=list)


def renew(script: AutomationScript, by: str, *, with_packages: bool = False) -> bool:
    """Save `script`, whose row the caller has locked, with the current versions of its libraries, and say whether
    there were any to renew; otherwise nothing is saved. With `with_packages`, its packages are resolved anew, too.

    Raises:
        ValidationError: `InvalidScript`, a library or a name in one is no longer there.
    """
    AutomationScript.hold_for([script])
    script.renews_libraries, script.renews_packages = True, with_packages
    if not history.makes_version(script):
        script.renews_libraries = script.renews_packages = False
        return False
    save_checked(script, by)
    return True


def renew_users(library_id: UUID, by: str, check: Callable[[AutomationScript], None]) -> Renewal:
    """Renew every script whose current version, or the one that waits for its build, uses the library.

    Each has a transaction of its own. Libraries come before the scripts that import them, so that a script gets their
    new versions. `check` is asked about each script while its row is locked; a script is refused with the
    `ValidationError` that it raises.
    """
    done = Renewal()
    for script_id in _in_order(library_id):
        with transaction.atomic():
            script = AutomationScript._base_manager.select_for_update().filter(pk=script_id).first()
            # Since it was found, another writer may have deleted it, or removed the import.
            if script is None or not _uses(library_id).filter(version__script=script_id).exists():
                continue
            try:
                check(script)
                if renew(script, by):
                    done.renewed.append(script)
            except ValidationError as error:
                done.refused.append((script, error))
    return done


def _uses(library_id: UUID) -> "QuerySet[LibraryUse]":
    last = Coalesce(F("version__script__pending_version"), F("version__script__current_version"))
    return LibraryUse.objects.filter(library__script=library_id, version__number=last)


def _in_order(library_id: UUID) -> Sequence[UUID]:
    """The ids of the users: libraries, each after the ones that it imports, then scripts; by name otherwise."""
    users = AutomationScript.objects.filter(pk__in=_uses(library_id).values("version__script")).order_by("name")
    libraries = users.filter(kind=ScriptKind.LIBRARY)
    sources = dict(libraries.values_list("name", "source"))
    found = contents_of(list(sources.values()))
    imports = {name: [each[1] for each in read.libraries] for name, read in zip(sources, found, strict=True)}
    ids = dict(libraries.values_list("name", "pk"))
    scripts = users.exclude(kind=ScriptKind.LIBRARY).values_list("pk", flat=True)
    return [*(ids[name] for name in _after_their_imports(imports) if name in ids), *scripts]


def _after_their_imports(imports: Mapping[str, Iterable[str]]) -> list[str]:
    """The keys, each after the keys among its `imports`. Old versions that became current again may form a cycle."""
    ordered: dict[str, None] = {}
    entered: set[str] = set()

    def enter(name: str) -> None:
        if name in imports and name not in entered:
            entered.add(name)
            for imported in imports[name]:
                enter(imported)
            ordered[name] = None

    for name in imports:
        enter(name)
    return list(ordered)
