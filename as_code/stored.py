"""What is stored: all objects at one moment, and which libraries the scripts were saved with."""

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Coalesce

from as_code.kinds import CREDENTIALS, DEFINITIONS, SCRIPTS, TOKENS, DocumentKind, LibraryVersion
from automation.builds import Build, PackageLock
from automation.credential_keys import CredentialKeyMissingError, decrypt
from automation.models import AutomationScript, Credential, CredentialGrant
from automation.versions import LibraryUse, ScriptKind, ScriptVersion
from definitions.models import AllowedToken, ApiDefinition
from tokens.models import ApiToken

SHORT = 8


class RecordedLibrary(NamedTuple):
    """A library that a version was saved with: the name that the source imports, and its version."""

    name: str
    number: int
    version_id: int
    script_id: UUID
    content_hash: str


class Stored:
    """All objects at one moment."""

    def __init__(self) -> None:
        """Read everything, and hold it against other writers until the caller's transaction ends.

        Definitions and credentials are held first: while they are, neither their tokens nor their scripts can go. A
        single save takes its locks in the same order.
        """
        definitions = sorted(_held(ApiDefinition), key=lambda definition: definition.route)
        self.allowed: dict[UUID, set[UUID]] = {}
        for definition_id, token_id in AllowedToken.objects.order_by().values_list("definition", "token"):
            self.allowed.setdefault(definition_id, set()).add(token_id)
        credentials = sorted(_held(Credential), key=lambda credential: credential.name)
        self.granted: dict[UUID, set[UUID]] = {}
        for credential_id, script_id in CredentialGrant.objects.values_list("credential", "script"):
            self.granted.setdefault(credential_id, set()).add(script_id)
        scripts = sorted(_held(AutomationScript), key=lambda script: script.name)
        tokens = sorted(_held(ApiToken), key=lambda token: (token.name, str(token.pk)))
        self.objects = {SCRIPTS: scripts, TOKENS: tokens, CREDENTIALS: credentials, DEFINITIONS: definitions}
        self.token_keys = token_keys(tokens)
        self._all_scripts = scripts
        self._script_names = {script.pk: script.name for script in scripts}
        own = {
            "version__number": Coalesce(F("version__script__pending_version"), F("version__script__current_version"))
        }
        self.uses = dict(_uses_by("version__script", own))
        """The libraries of the version whose content each script has, by the name that it imports."""
        self.locks = _locks_by("version__script", own)
        """The text of its lock, for scripts with packages that are resolved."""
        libraries = ScriptVersion.objects.filter(number=F("script__current_version"), kind=ScriptKind.LIBRARY)
        self.library_hashes = dict(libraries.order_by().values_list("script", "content_hash"))
        """The content hash of each library as it is now."""

    def keep_only(self, definition_ids: Set[UUID]) -> None:
        """Leave the definitions with these ids, and the scripts and tokens that they need."""
        definitions = [one for one in self.objects[DEFINITIONS] if one.pk in definition_ids]
        tokens = set().union(*(self.allowed.get(one.pk, ()) for one in definitions))
        self.objects[DEFINITIONS] = definitions
        self.objects[TOKENS] = [token for token in self.objects[TOKENS] if token.pk in tokens]
        self.objects[SCRIPTS] = []
        self.add_scripts({one.script_id for one in definitions if one.script_id})

    def add_scripts(self, script_ids: Set[UUID]) -> None:
        """Add these scripts again, and the libraries that they use."""
        needed = {script.pk for script in self.objects[SCRIPTS]}
        new = script_ids - needed
        while new:
            needed |= new
            new = {use.script_id for key in new for use in self.uses.get(key, {}).values()} - needed
        self.objects[SCRIPTS] = [script for script in self._all_scripts if script.pk in needed]

    def content(self, kind: DocumentKind, instance: Any) -> dict[str, Any]:
        """The plain properties of an object; for a definition also its script and its tokens by key, for a credential
        the scripts that may read it, for a script its lock, and the libraries that it does not use in their current
        version.
        """
        content = kind.content(instance)
        if kind is SCRIPTS:
            content["libraries"] = self.library_versions(self.outdated(instance.pk))
            content["lock"] = self.locks.get(instance.pk)
        if kind is CREDENTIALS:
            content["allowedScripts"] = sorted(self._script_names[pk] for pk in self.granted.get(instance.pk, ()))
        if kind is DEFINITIONS:
            allowed = self.allowed.get(instance.pk, ())
            content["allowedTokens"] = sorted(self.token_keys[token] for token in allowed)
            if instance.script_id in self._script_names:
                content["script"] = self._script_names[instance.script_id]
        return content

    def has_other_value(self, credential: Credential, value: str | None) -> bool:
        """Whether `value` is one that a credential does not have yet."""
        if value is None or credential._state.adding:
            return value is not None
        (ciphertext,) = Credential._base_manager.filter(pk=credential.pk).values_list("ciphertext", flat=True)
        try:
            return decrypt(ciphertext) != value
        except CredentialKeyMissingError:
            return True

    def outdated(self, script_id: UUID) -> list[RecordedLibrary]:
        """The libraries that a script uses in a version with another content than their current one."""
        uses = self.uses.get(script_id, {}).values()
        return [use for use in uses if self.library_hashes.get(use.script_id) != use.content_hash]

    def library_versions(self, uses: Iterable[RecordedLibrary]) -> dict[str, LibraryVersion]:
        """How files name the versions of libraries: by number; a library that has been renamed also by its name."""
        names = self._script_names
        return {
            use.name: use.number if names[use.script_id] == use.name else f"{names[use.script_id]}@{use.number}"
            for use in uses
        }

    def users_first(self, scripts: Iterable[AutomationScript]) -> list[AutomationScript]:
        """The scripts in the order in which they can be deleted: before the libraries that they use."""
        waiting = {script.pk: script for script in scripts}
        found: list[AutomationScript] = []
        while waiting:
            used = {use.script_id for pk in waiting for use in self.uses.get(pk, {}).values()}
            # Where earlier versions use each other, none can be deleted, which the refusal will say.
            free = [script for script in waiting.values() if script.pk not in used] or list(waiting.values())
            found += free
            waiting = {pk: script for pk, script in waiting.items() if script not in free}
        return found


def uses_of(version_ids: Iterable[int]) -> dict[int, dict[str, RecordedLibrary]]:
    """The libraries of these versions, by the name that they import."""
    return dict(_uses_by("version", {"version__in": list(version_ids)}))


def _uses_by(key: str, which: Mapping[str, Any]) -> Iterable[tuple[Any, dict[str, RecordedLibrary]]]:
    found: dict[Any, dict[str, RecordedLibrary]] = {}
    columns = key, "name", "number", "library", "library__script", "library__content_hash"
    rows = LibraryUse.objects.filter(library__isnull=False, **which).order_by("name").values_list(*columns)
    for holder, *use in rows:
        found.setdefault(holder, {})[use[0]] = RecordedLibrary(*use)
    return found.items()


def locks_of(version_ids: Iterable[int]) -> dict[int, str]:
    """The text of the lock of each of these versions that has one."""
    return _locks_by("version", {"version__in": list(version_ids)})


def _locks_by(key: str, which: Mapping[str, Any]) -> dict[Any, str]:
    found = dict(Build.objects.filter(lock__isnull=False, **which).values_list(key, "lock"))
    # Each is read once, however many scripts have it.
    texts = dict(PackageLock.objects.filter(pk__in=set(found.values())).values_list("pk", "text"))
    return {holder: texts[lock] for holder, lock in found.items()}


def _held(model: type[Any]) -> list[Any]:
    return list(model.objects.select_for_update().order_by("pk"))


def token_keys(tokens: Iterable[ApiToken]) -> dict[UUID, str]:
    """What definitions in a file call each token: its name; where several share it, the name and a part of the id."""
    names = Counter(token.name for token in tokens)
    taken, keys = set(names), {}
    for token in sorted(tokens, key=lambda token: token.pk):
        key = token.name if names[token.name] == 1 else f"{token.name} #{token.pk.hex[:SHORT]}"
        if names[token.name] > 1 and key in taken:
            key = f"{token.name} #{token.pk.hex}"
            while key in taken:
                key += "#"
        keys[token.pk] = key
        taken.add(key)
    return keys
