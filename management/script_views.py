"""`scripts/`: scripts and libraries, their versions, and renewing."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar, Final

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.functional import Promise
from rest_framework.request import Request
from rest_framework.response import Response

from access.policy import DEFINITION, SCRIPT, allows
from automation.builds import Build, BuildState, build_of
from automation.filters import SCRIPT_FILTERS
from automation.history import go_back
from automation.models import AutomationScript
from automation.rebuilds import build_again
from automation.renewal import renew, renew_users
from automation.serializers import ScriptSerializer, VersionSerializer
from automation.versions import ScriptVersion
from definitions.models import ApiDefinition
from definitions.publication import Draft, refused_activation, refused_publishing, refused_renewal
from definitions.warnings import consequences
from foundation.texts import is_storable
from management.errors import NotFoundError, PermissionDeniedError
from management.lists import PAGE_NAMES, PAGE_PARAMETERS, only, page
from management.object_views import ObjectViewSet, compare_revision
from management.openapi import (
    BUILD_STATE,
    DRY_RUN,
    ETAG,
    IF_MATCH,
    NAME,
    NUMBER,
    Operation,
    operations,
    page_of,
)
from management.script_answers import (
    RenewalRequestSerializer,
    RenewalSerializer,
    SavedScriptSerializer,
    ScriptVersionSerializer,
    SingleScriptVersionSerializer,
    as_build,
    as_renewal,
    as_warnings,
    known_state,
)
from management.views import checked_values
from objects.changes import refusal, save_checked
from objects.serializers import AuthoredSerializer, StrictSerializer

_ON_SCRIPTS: Final = operations("scripts", ScriptSerializer, SCRIPT_FILTERS, key=NAME)
_TRIED: Final = {
    name: replace(_ON_SCRIPTS[name], answer=SavedScriptSerializer, parameters=(*_ON_SCRIPTS[name].parameters, DRY_RUN))
    for name in ("create", "update", "partial_update")
}
_ON_VERSIONS: Final = {
    "versions": Operation(
        "scripts_versions_list",
        "List the versions of a script",
        page_of(ScriptVersionSerializer),
        parameters=(NAME, BUILD_STATE, *PAGE_PARAMETERS),
    ),
    "version": Operation(
        "scripts_versions_retrieve",
        "Get a version of a script",
        SingleScriptVersionSerializer,
        parameters=(NAME, NUMBER),
    ),
    "build": Operation(
        "scripts_versions_build",
        "Build a version of a script again",
        SingleScriptVersionSerializer,
        parameters=(NAME, NUMBER, IF_MATCH, ETAG),
    ),
    "activate": Operation(
        "scripts_versions_activate",
        "Make a version of a script current",
        SavedScriptSerializer,
        parameters=(NAME, NUMBER, DRY_RUN, IF_MATCH, ETAG),
    ),
    "renew": Operation(
        "scripts_renew",
        "Renew a script",
        ScriptSerializer,
        RenewalRequestSerializer,
        parameters=(NAME, IF_MATCH, ETAG),
    ),
    "renew_users": Operation(
        "scripts_renew_users", "Renew the scripts that use a library", RenewalSerializer, parameters=(NAME, IF_MATCH)
    ),
}


class ScriptViewSet(ObjectViewSet[AutomationScript]):
    """Automation scripts. They run with the rights of the worker's system account: only trusted users may edit them."""

    model = AutomationScript
    label = SCRIPT
    serializer_class = ScriptSerializer
    filters = SCRIPT_FILTERS
    operations: ClassVar = _ON_SCRIPTS | _TRIED | _ON_VERSIONS

    def saved(self, serializer: AuthoredSerializer, status: int = 200) -> Response:
        """Save what was sent, and answer with the script.

        Raises:
            ValidationError: a rule refuses it.
            PermissionDeniedError: the change amounts to publishing code, which the user may not do.
        """
        instance = serializer.instance
        stored = instance and AutomationScript.objects.filter(pk=instance.pk).first()
        script: AutomationScript = serializer.fill()
        self._require(refused_publishing(self.request.user, stored, Draft.of(script)))
        return self._saved(script, status)

    def find(self, rows: "QuerySet[Any]", key: str) -> Any:
        """By name, or by id for a script whose name cannot be part of an address."""
        found = rows.filter(name=key).first() if is_storable(key) else None
        return found if found is not None else super().find(rows, key)

    def versions(self, request: Request, key: str) -> Response:
        """Newest first, without their sources."""
        wanted = only(request, (BUILD_STATE.name, *PAGE_NAMES)).get(BUILD_STATE.name)
        script = self.find(self.rows(), key)
        rows = _versions(script).defer("source", "build__log", "build__lock__text")
        answer = page(
            rows if wanted is None else rows.filter(_in_state(known_state(wanted))), request, VersionSerializer
        )
        self._add_pins(script, answer["results"])
        return Response(answer)

    def version(self, request: Request, key: str, number: str) -> Response:
        """The version with its source, and what its nodes have built of it."""
        script = self.find(self.rows(), key)
        return Response(self._single(script, _version(script, number)))

    def build(self, request: Request, key: str, number: str) -> Response:
        """With the packages that it has, if they were resolved before. One that is Ready or Building stays as it is."""
        checked_values(StrictSerializer, request)
        with self.changing(key) as script:
            version = _version(script, number)
            self._require(refused_activation(request.user, script, version))
            build_again(script, version, self.user_name)
            answer = self.answer(script)
        if allows(request.user, SCRIPT, "view"):
            answer.data = self._single(script, _version(script, number))
        return answer

    def activate(self, request: Request, key: str, number: str) -> Response:
        """APIs that are not pinned run it from the next trigger on. Name and description stay as they are.

        A version with packages becomes current as soon as all nodes have them; until then `pendingVersion` names it.
        """
        checked_values(StrictSerializer, request)
        with self.changing(key) as script:
            version = _version(script, number)
            self._require(refused_activation(self.request.user, script, version))
            go_back(script, version)
            return self._saved(script)

    def renew(self, request: Request, key: str) -> Response:
        """Save it as a new version with the current versions of its libraries; nothing if it has those already."""
        wanted = checked_values(RenewalRequestSerializer, request)
        with self.changing(key) as script:
            self._require(refused_renewal(self.request.user, script))
            renew(script, self.user_name, with_packages=wanted.get("packages", False))
        return self.answer(script)

    def renew_users(self, request: Request, key: str) -> Response:
        """Each on its own, libraries before the scripts that import them: one that is refused keeps what it has."""
        checked_values(StrictSerializer, request)
        library = self.find(self.rows(), key)
        compare_revision(library, request)
        done = renew_users(library.pk, self.user_name, self._check_user)
        return Response(as_renewal(done, is_visible=allows(request.user, SCRIPT, "view")))

    def _saved(self, script: AutomationScript, status: int = 200) -> Response:
        """The answer to a saved script, or to one that only a dry run has saved."""
        is_dry_run = self.request.query_params.get(DRY_RUN.name) == "true"
        found = consequences(script)
        with transaction.atomic():
            save_checked(script, self.user_name)
            dependencies = _dependencies(script) if allows(self.request.user, SCRIPT, "view") else []
            if is_dry_run:
                transaction.set_rollback(True)
        with_ids = allows(self.request.user, DEFINITION, "view")
        shown: dict[str, Any] = {"warnings": as_warnings(found, with_ids=with_ids)} if found else {}
        shown |= {"dependencies": dependencies} if dependencies else {}
        # Without ETag and Location: there is no such revision.
        return Response(self.visible(script) | shown) if is_dry_run else self.answer(script, status, **shown)

    def _single(self, script: AutomationScript, version: ScriptVersion) -> dict[str, Any]:
        answer = VersionSerializer().to_representation(version)
        answer |= {"source": version.source, "build": as_build(build_of(version))}
        self._add_pins(script, [answer])
        return answer

    def _require(self, refused: Promise | None) -> None:
        if refused is not None:
            raise PermissionDeniedError(str(refused))

    def _check_user(self, script: AutomationScript) -> None:
        """Let this user of a library be renewed, or refuse it without refusing the others."""
        refused = refused_renewal(self.request.user, script)
        if refused is not None:
            raise refusal("PermissionDenied", str(refused))

    def _add_pins(self, script: AutomationScript, versions: Iterable[dict[str, Any]]) -> None:
        if not allows(self.request.user, DEFINITION, "view"):
            return
        by_number = {version["number"]: version for version in versions}
        pinned = ApiDefinition.objects.filter(script=script, script_version__in=by_number).order_by("pk")
        for version in by_number.values():
            version["pinnedBy"] = []
        for number, definition_id in pinned.values_list("script_version", "pk"):
            by_number[number]["pinnedBy"].append(str(definition_id))


def _versions(script: AutomationScript) -> "QuerySet[ScriptVersion]":
    rows = ScriptVersion.objects.filter(script=script).order_by("-number")
    rows = rows.annotate(current_number=F("script__current_version"))
    return rows.select_related("build__lock").prefetch_related("library_uses")


def _in_state(state: str) -> Q:
    """The versions in this state; those without a build are ready."""
    return Q(build__state=state) | Q(build=None) if state == BuildState.READY else Q(build__state=state)


def _dependencies(script: AutomationScript) -> list[str]:
    """The packages that the script as it was saved asks for."""
    number = script.written_version or 0
    asked = Build.objects.filter(version__script=script.pk, version__number=number).values_list(
        "requirements", flat=True
    )
    return next((found["dependencies"] for found in asked), [])


def _version(script: AutomationScript, number: str) -> ScriptVersion:
    """The version with this number.

    Raises:
        NotFoundError: the script has none.
    """
    is_number = number.isascii() and number.isdigit() and len(number) <= 10
    found = _versions(script).filter(number=int(number)).first() if is_number else None
    if found is None or str(found.number) != number:
        raise NotFoundError
    return found
