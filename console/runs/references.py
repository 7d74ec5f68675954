"""The objects that runs name, as far as they still exist and a user may view them: their names and their pages."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Model
from django.urls import reverse

from access.policy import DEFINITION, SCRIPT, TOKEN, AnyUser, allows
from automation.models import AutomationScript
from definitions.models import ApiDefinition
from runs.models import Run
from tokens.models import ApiToken


@dataclass(frozen=True)
class References:
    """Names by id. `names_tokens`: the user may view tokens, also the names of deleted ones."""

    definitions: Mapping[UUID, str]
    tokens: Mapping[UUID, str]
    scripts: Mapping[UUID, str]
    libraries: Mapping[str, UUID]
    names_tokens: bool

    @classmethod
    def of(cls, runs: Collection[Run], user: AnyUser) -> "References":
        """What these runs name, in a number of queries that does not grow with them."""
        libraries = {name for run in runs for name in run.used_libraries()}
        sees_scripts = allows(user, SCRIPT, "view")
        known = AutomationScript._base_manager.filter(name__in=libraries) if libraries and sees_scripts else None
        return cls(
            _names(ApiDefinition, "route", DEFINITION, user, (run.definition_id for run in runs)),
            _names(ApiToken, "name", TOKEN, user, (run.token_id for run in runs)),
            _names(AutomationScript, "name", SCRIPT, user, (run.script_id for run in runs)),
            {} if known is None else dict(known.values_list("name", "pk")),
            allows(user, TOKEN, "view"),
        )

    def definition_page(self, run: Run) -> str:
        return _page("definitions_apidefinition_view", run.definition_id, self.definitions)

    def token_page(self, run: Run) -> str:
        return _page("tokens_apitoken_view", run.token_id, self.tokens)

    def token_name(self, run: Run) -> str:
        """The name for users who may view tokens, the id for others; empty without a token."""
        if run.token_id is None:
            return ""
        name = (self.tokens.get(run.token_id) or run.token_name) if self.names_tokens else ""
        return name or str(run.token_id)

    def version_page(self, run: Run) -> str:
        """The page of the version of the script that ran."""
        if run.script_id not in self.scripts or not run.script_version:
            return ""
        return _version(run.script_id, run.script_version)

    def libraries_of(self, run: Run) -> list[tuple[str, int, str]]:
        """The libraries that the run has used: name, version, and the page of the version if there is one."""
        uses = sorted(run.used_libraries().items())
        return [(name, number, self.page_of_source(run, name)) for name, number in uses]

    def page_of_source(self, run: Run, name: str) -> str:
        """The page of a source that the run's traceback names: its script, or one of its libraries."""
        if name == run.script_name:
            return self.version_page(run)
        version, library = run.used_libraries().get(name), self.libraries.get(name)
        return _version(library, version) if version and library else ""


def _names(model: type[Model], name: str, label: str, user: AnyUser, ids: Iterable[UUID | None]) -> dict[UUID, str]:
    wanted = {each for each in ids if each is not None}
    if not wanted or not allows(user, label, "view"):
        return {}
    found: Any = model._base_manager.filter(pk__in=wanted).values_list("pk", name)
    return dict(found)


def _page(page: str, key: UUID | None, known: Mapping[UUID, str]) -> str:
    return reverse(f"admin:{page}", args=[key]) if key in known else ""


def _version(script_id: UUID | None, number: int) -> str:
    return reverse("admin:automation_automationscript_version", args=[script_id, number])
