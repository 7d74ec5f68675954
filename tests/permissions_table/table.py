"""How the table is made: the flags, whom to try, what there is to act on, and one thing to do on one interface."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any

from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test import Client
from rest_framework.test import APIClient

from automation.builds import Build, BuildState
from automation.models import AutomationScript, Credential, CredentialGrant, ScriptVersion
from definitions.models import AllowedToken, ApiDefinition
from events.models import InformationEvent
from keys.changes import create_key
from keys.models import PersonalKey
from objects.changes import save_checked
from runs.bodies import bodies_of
from runs.store import store_records
from testbed.publisher import ECHO, Publisher
from testbed.run_rows import add_run_with_bodies
from tests.automation.stored_credentials import stored_credential
from tests.runs.records import ended
from tokens.models import ApiToken

# The flags, as short as a table needs them.
D_VIEW, D_EDIT, D_DELETE = "definitions.ui_available", "definitions.add_edit", "definitions.delete"
T_VIEW, T_EDIT, T_DELETE = "tokens.ui_available", "tokens.add_edit", "tokens.delete"
S_VIEW, S_EDIT, S_DELETE = "automation.ui_available", "automation.add_edit", "automation.delete"
EXECUTE = "automation.execute"
C_VIEW, C_EDIT, C_DELETE = (f"automation.credentials_{name}" for name in ("ui_available", "add_edit", "delete"))
R_VIEW, R_BODIES, R_CANCEL = "runs.ui_available", "runs.bodies", "runs.cancel"
FLAGS = frozenset({D_VIEW, D_EDIT, D_DELETE, T_VIEW, T_EDIT, T_DELETE, S_VIEW, S_EDIT, S_DELETE, EXECUTE})
FLAGS |= {C_VIEW, C_EDIT, C_DELETE, R_VIEW, R_BODIES, R_CANCEL}

DEFINITION, TOKEN, SCRIPT = "definitions_apidefinition", "tokens_apitoken", "automation_automationscript"
CREDENTIAL, RUN = "automation_credential", "runs_run"
NODE, EVENT, KEYS = "automation_workernode", "events_informationevent", "keys_personalkey"
API = "/api/management"

RUNNABLE = "def run(engine): pass\n"
IMPORTING = "from scripts.shared_code import NAME\n"

_numbers = itertools.count(1)


class World:
    """What there is to act on."""

    def __init__(self) -> None:
        publish = Publisher()
        self.used = publish(route="used/route")
        self.definition, self.token = self.used.definition, self.used.token
        self.script: Any = self.definition.script
        self.free_script = publish.script(name="free")
        self.callable_script = publish.script(RUNNABLE, name="callable")
        self._make_versions(self.script)
        self._make_versions(self.free_script)
        publish.script("NAME = 1\n", name="shared_code", kind="Library")
        publish.script(IMPORTING, name="middle_code", kind="Library")
        publish.script("NAME = 1\n", name="spare_code", kind="Library")
        publish.script(f"import scripts.spare_code\n{ECHO}", name="importing")
        for name in ("shared_code", "spare_code"):
            library = AutomationScript.objects.get(name=name)
            library.source = "NAME = 2\n"
            save_checked(library, "system")
        self.free_token = publish.token(name="free")[0]
        self.run = add_run_with_bodies(token_id=self.token.pk, token_name=self.token.name)
        bodies_of(self.run, "system")
        said = [(0, "hello")]
        store_records([ended(script_id=str(self.callable_script.pk), script_version=1, said=said)])
        self.credential = stored_credential(scripts=[self.free_script])
        self.objects = {DEFINITION: self.definition, TOKEN: self.free_token, SCRIPT: self.free_script, RUN: self.run}
        self.objects[CREDENTIAL] = self.credential
        self.root = Client()
        root = User.objects.create_superuser("root of the world")
        self.root.force_login(root)
        self.key = create_key(root, "of root", 1)[0]
        self.forms: dict[str, Any] = {}
        self._callers: dict[Any, Caller] = {}
        self._unchanged: list[object] | None = None

    @staticmethod
    def _make_versions(script: Any) -> None:
        """Version 2, and back: an import finds what it brings, and version 1 can become the current one."""
        for source in (script.source + "\n", script.source):
            script.source = source
            save_checked(script, "system")

    def caller(self, *flags: str, **fields: Any) -> "Caller":
        """The user who has exactly these, made once: what a user does is taken back."""
        key = (frozenset(flags), *sorted(fields.items()))
        if key not in self._callers:
            self._callers[key] = Caller(*flags, **fields)
            self._unchanged = None
        return self._callers[key]

    def event(self, object_id: Any) -> InformationEvent:
        """The newest event of an object."""
        return InformationEvent.objects.filter(object_id=object_id).latest("number")

    def form(self, address: str) -> Any:
        """The page with a form, as a superuser sees it."""
        if address not in self.forms:
            self.forms[address] = self.root.get(address)
        return self.forms[address]

    def unchanged(self) -> list[object]:
        """What `state` is as long as whatever is done is taken back."""
        if self._unchanged is None:
            self._unchanged = self.state()
        return self._unchanged

    @staticmethod
    def state() -> list[object]:
        """Everything that an action could change."""
        models = (ApiDefinition, ApiToken, AutomationScript, Credential)
        rows: list[object] = [
            sorted(model._base_manager.values_list("pk", "revision", "last_modified_by")) for model in models
        ]
        rows.append(sorted(CredentialGrant.objects.values_list("credential", "script")))
        rows.append(sorted(ScriptVersion.objects.values_list("pk", "number")))
        rows.append(sorted(Build.objects.exclude(state=BuildState.FAILED).values_list("version", "state")))
        rows.append(sorted(PersonalKey.objects.values_list("pk", "name")))
        return [*rows, sorted(AllowedToken._base_manager.values_list("definition", "token"))]


class Caller:
    """A user on every interface at once."""

    def __init__(self, *flags: str, **fields: Any) -> None:
        self.user = User.objects.create_user(f"caller {next(_numbers)}", **fields)
        self.user.user_permissions.set(flag for flag in Permission.objects.all() if _flag(flag) in flags)
        self.key = create_key(self.user, "own", 1)[0]
        self.api = APIClient()
        self.api.default_format = "json"
        self.api.force_authenticate(self.user)
        client = Client()
        client.force_login(self.user)
        self._cookies = client.cookies

    @property
    def console(self) -> Any:
        """A browser that knows nothing but that the user has logged in."""
        client = Client()
        client.cookies = SimpleCookie(self._cookies)
        return client


def _flag(permission: Permission) -> str:
    # Kept by Django, so no query.
    content_type = ContentType.objects.get_for_id(permission.content_type_id)
    return f"{content_type.app_label}.{permission.codename}"


Do = Callable[[World, Caller], Any]


@dataclass(frozen=True)
class Action:
    """One thing to do on one interface; `needs` are alternatives, of one of which every flag is needed."""

    name: str
    needs: tuple[frozenset[str], ...]
    do: Do
    changes: bool = False
    covers: str = ""
    """The pattern of the address, to show that none was forgotten."""


ACTIONS: list[Action] = []


def action(name: str, *flags: str, either: bool = False, changes: bool = False, covers: str = "") -> Callable[[Do], Do]:
    """Put an action into the table."""
    needs = tuple(frozenset({flag}) for flag in flags) if either else (frozenset(flags),)

    def add(do: Do) -> Do:
        ACTIONS.append(Action(name, needs, do, changes, covers))
        return do

    return add


KINDS = [
    ("definitions", DEFINITION, (D_VIEW,), (D_EDIT, EXECUTE), (D_DELETE,)),
    ("tokens", TOKEN, (T_VIEW,), (T_EDIT,), (T_DELETE,)),
    ("scripts", SCRIPT, (S_VIEW,), (S_EDIT,), (S_DELETE,)),
    ("credentials", CREDENTIAL, (C_VIEW,), (C_EDIT,), (C_DELETE,)),
]


def cells(needs: tuple[frozenset[str], ...]) -> Iterator[tuple[str, frozenset[str], bool]]:
    """Whom to try: a name, the flags, and whether they are enough.

    A flag only ever adds to what a user may do, so every other set of flags lies between two of these.
    """
    needed = frozenset().union(*needs)
    tried = {"nothing": frozenset(), "every flag": FLAGS, "every flag that is not needed": FLAGS - needed}
    tried |= {f"all but {flag}": FLAGS - {flag} for flag in sorted(needed)}
    tried |= {f"exactly {' + '.join(sorted(need))}": need for need in needs}
    for need in needs:
        tried |= {f"{' + '.join(sorted(need))} but {flag}": need - {flag} for flag in sorted(need)}
    once = {flags: name for name, flags in reversed(tried.items())}
    for flags, name in once.items():
        yield name, flags, any(need <= flags for need in needs)


def _rows_written() -> int:
    """How many rows SQLite has written so far, taken back or not: where it wrote none, nothing has changed."""
    return int(connection.connection.total_changes)


def is_granted(one: Action, world: World, caller: Caller) -> bool:
    """Do it, take it back, and say whether it was let happen. A refused one must not have changed anything."""
    before, written = world.unchanged(), _rows_written()
    savepoint = transaction.savepoint()
    try:
        response = one.do(world, caller)
        changed = _rows_written() > written and World.state() != before
    finally:
        transaction.savepoint_rollback(savepoint)
    assert one.changes or not changed, f"{one.name} changes something"
    if one.changes:
        return changed
    if isinstance(response, bool):
        return response
    if response.status_code == 302:
        return not response["Location"].startswith("/console/login/")
    # To cancel a run that is over is a conflict, for those who may cancel.
    return bool(response.status_code in (200, 409))
