"""Every flag, every action, every interface: who is let in and who is not, and that a refused one changes nothing.

What each action needs is written down here from the contract, not taken from the code. Each action is tried without a
flag, with each flag alone, with exactly what it needs, with all flags but each one, with all, and as a superuser.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.template.response import SimpleTemplateResponse
from django.test import Client, RequestFactory
from django.test.client import ClientHandler
from django.urls import URLPattern, get_resolver
from rest_framework.test import APIClient

from automation import nodes
from automation.models import AutomationScript
from definitions.models import AllowedToken, ApiDefinition
from events.models import InformationEvent
from events.readers import Reader
from keys.changes import create_key
from keys.models import PersonalKey
from tests.console.conftest import filled_in, page
from tests.publishing import ECHO, Publisher
from tokens.models import ApiToken

pytestmark = pytest.mark.django_db

# The flags, as short as a table needs them.
D_VIEW, D_EDIT, D_DELETE = "definitions.ui_available", "definitions.add_edit", "definitions.delete"
T_VIEW, T_EDIT, T_DELETE = "tokens.ui_available", "tokens.add_edit", "tokens.delete"
S_VIEW, S_EDIT, S_DELETE = "automation.ui_available", "automation.add_edit", "automation.delete"
EXECUTE = "automation.execute"
FLAGS = frozenset({D_VIEW, D_EDIT, D_DELETE, T_VIEW, T_EDIT, T_DELETE, S_VIEW, S_EDIT, S_DELETE, EXECUTE})

DEFINITION, TOKEN, SCRIPT = "definitions_apidefinition", "tokens_apitoken", "automation_automationscript"
NODE, EVENT, KEYS = "automation_workernode", "events_informationevent", "keys_personalkey"
API = "/api/management"

_numbers = itertools.count(1)


@cache
def _middleware() -> Any:
    handler: Any = ClientHandler()
    handler.load_middleware()
    return handler._middleware_chain


def _warm(client: Any) -> Any:
    """The client without looking for static files anew, which takes longer than all else."""
    client.handler._middleware_chain = _middleware()
    return client


class World:
    """What there is to act on."""

    def __init__(self) -> None:
        publish = Publisher()
        self.used = publish(route="used/route")
        self.definition, self.token = self.used.definition, self.used.token
        self.script: Any = self.definition.script
        self.free_script = publish.script(name="free")
        self.free_token = publish.token(name="free")[0]
        self.objects = {DEFINITION: self.definition, TOKEN: self.free_token, SCRIPT: self.free_script}
        self.root = _warm(Client())
        self.root.force_login(User.objects.create_superuser("root of the world"))
        self.forms: dict[str, Any] = {}

    def event(self, object_id: Any) -> InformationEvent:
        """The event of an object."""
        return InformationEvent.objects.get(object_id=object_id)

    def form(self, address: str) -> Any:
        """The page with a form, as a superuser sees it."""
        if address not in self.forms:
            self.forms[address] = self.root.get(address)
        return self.forms[address]

    @staticmethod
    def state() -> list[object]:
        """Everything that an action could change."""
        models = (ApiDefinition, ApiToken, AutomationScript)
        rows = [sorted(model._base_manager.values_list("pk", "version", "last_modified_by")) for model in models]
        rows.append(sorted(PersonalKey.objects.values_list("pk", "name")))
        return [*rows, sorted(AllowedToken._base_manager.values_list("definition", "token"))]


class Caller:
    """A user on every interface at once."""

    def __init__(self, *flags: str, **fields: Any) -> None:
        self.user = User.objects.create_user(f"caller {next(_numbers)}", **fields)
        self.user.user_permissions.set(flag for flag in Permission.objects.all() if _flag(flag) in flags)
        self.key = create_key(self.user, "own", 1)[0]
        self.api, self.console = _warm(APIClient()), _warm(Client())
        self.api.default_format = "json"
        self.api.force_authenticate(self.user)
        self.console.force_login(self.user)


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


# --- The management API: flags are independent, Add/Edit works without UI available ---


def _api(name: str, needs: tuple[str, ...], covers: str, do: Do, changes: bool = False) -> None:
    action(f"API {name}", *needs, changes=changes, covers=covers)(do)


KINDS = [
    ("definitions", DEFINITION, (D_VIEW,), (D_EDIT, EXECUTE), (D_DELETE,)),
    ("tokens", TOKEN, (T_VIEW,), (T_EDIT,), (T_DELETE,)),
    ("scripts", SCRIPT, (S_VIEW,), (S_EDIT,), (S_DELETE,)),
]
NEW = {
    "definitions": lambda world: {"route": "new/route", "actionMeta": {"scriptName": world.free_script.name}},
    "tokens": lambda world: {"name": "new"},
    "scripts": lambda world: {"name": "new", "source": ECHO},
}
CHANGED = {"definitions": {"name": "changed"}, "tokens": {"name": "changed"}, "scripts": {"description": "changed"}}
KEY = {"scripts": "name"}


def _address(world: World, kind: str, model: str) -> str:
    return f"{API}/{kind}/{getattr(world.objects[model], KEY.get(kind, 'pk'))}/"


for kind, model, view, edit, delete in KINDS:
    one = f"{kind}/<path:key>/" if kind == "scripts" else f"{kind}/<str:key>/"

    def listing(world: World, caller: Caller, kind: str = kind) -> Any:
        return caller.api.get(f"{API}/{kind}/")

    def counting(world: World, caller: Caller, kind: str = kind) -> Any:
        return caller.api.get(f"{API}/{kind}/count/")

    def searching(world: World, caller: Caller, kind: str = kind) -> Any:
        return caller.api.get(f"{API}/{kind}/?search=e")

    def reading(world: World, caller: Caller, kind: str = kind, model: str = model) -> Any:
        return caller.api.get(_address(world, kind, model))

    def creating(world: World, caller: Caller, kind: str = kind) -> Any:
        return caller.api.post(f"{API}/{kind}/", NEW[kind](world))

    def putting(world: World, caller: Caller, kind: str = kind, model: str = model) -> Any:
        return caller.api.put(_address(world, kind, model), NEW[kind](world))

    def patching(world: World, caller: Caller, kind: str = kind, model: str = model) -> Any:
        return caller.api.patch(_address(world, kind, model), CHANGED[kind])

    def deleting(world: World, caller: Caller, kind: str = kind, model: str = model) -> Any:
        return caller.api.delete(_address(world, kind, model))

    _api(f"list {kind}", view, f"{kind}/", listing)
    _api(f"count {kind}", view, f"{kind}/count/", counting)
    _api(f"search {kind}", view, f"{kind}/", searching)
    _api(f"read one of {kind}", view, one, reading)
    _api(f"create in {kind}", edit, f"{kind}/", creating, changes=True)
    _api(f"put one of {kind}", edit, one, putting, changes=True)
    _api(f"patch one of {kind}", edit, one, patching, changes=True)
    _api(f"delete one of {kind}", delete, one, deleting, changes=True)


@action("API rotate a token", T_EDIT, changes=True, covers="tokens/<str:key>/rotate/")
def api_rotate(world: World, caller: Caller) -> Any:
    return caller.api.post(f"{API}/tokens/{world.token.pk}/rotate/", {})


@action("API disable a token", T_EDIT, changes=True, covers="tokens/<str:key>/disable/")
def api_disable(world: World, caller: Caller) -> Any:
    return caller.api.post(f"{API}/tokens/{world.token.pk}/disable/", {})


@action("API enable a token", T_EDIT, changes=True, covers="tokens/<str:key>/enable/")
def api_enable(world: World, caller: Caller) -> Any:
    world.free_token.is_disabled = True
    ApiToken._base_manager.filter(pk=world.free_token.pk).update(is_disabled=True)
    return caller.api.post(f"{API}/tokens/{world.free_token.pk}/enable/", {})


@action("API allow a token", D_EDIT, EXECUTE, changes=True)
def api_allow(world: World, caller: Caller) -> Any:
    allowed = {"securitySettings": {"allowedTokens": [str(world.free_token.pk)]}}
    return caller.api.patch(f"{API}/definitions/{world.definition.pk}/", allowed)


@action("API change a used script's source", S_EDIT, EXECUTE, changes=True)
def api_used_source(world: World, caller: Caller) -> Any:
    return caller.api.patch(f"{API}/scripts/{world.script.name}/", {"source": ECHO + "\n"})


@action("API put a used script's source", S_EDIT, EXECUTE, changes=True)
def api_put_used_source(world: World, caller: Caller) -> Any:
    return caller.api.put(f"{API}/scripts/{world.script.name}/", {"name": world.script.name, "source": ECHO + "\n"})


@action("API change a used script's description", S_EDIT, changes=True)
def api_used_description(world: World, caller: Caller) -> Any:
    return caller.api.patch(f"{API}/scripts/{world.script.name}/", {"description": "changed"})


@action("API change a free script's source", S_EDIT, changes=True)
def api_free_source(world: World, caller: Caller) -> Any:
    return caller.api.patch(f"{API}/scripts/{world.free_script.name}/", {"source": ECHO + "\n"})


@action("API list nodes", D_VIEW, T_VIEW, either=True, covers="nodes/")
def api_nodes(world: World, caller: Caller) -> Any:
    return caller.api.get(f"{API}/nodes/")


@action("API trigger message", D_VIEW, T_VIEW, EXECUTE, covers="trigger/")
def api_trigger(world: World, caller: Caller) -> Any:
    return caller.api.post(f"{API}/trigger/", {})


# --- Events: those of each kind of object with the UI available flag of that kind ---

KINDS_OF_EVENTS = [
    ("ApiDefinition", DEFINITION, D_VIEW),
    ("ApiToken", TOKEN, T_VIEW),
    ("AutomationScript", SCRIPT, S_VIEW),
]

for object_type, model, flag in KINDS_OF_EVENTS:

    def seen(response, world: World, model: str = model) -> bool:
        """Whether the answer tells of the object."""
        if response.status_code != 200:
            return False
        if "cl" in (getattr(response, "context_data", None) or {}):
            return any(event.object_id == world.objects[model].pk for event in response.context_data["cl"].result_list)
        if "adminform" in (getattr(response, "context_data", None) or {}):
            return True
        content = b"".join(response.streaming_content) if response.streaming else response.content
        return str(world.objects[model].pk).encode() in content

    def listed(world: World, caller: Caller, object_type=object_type, seen=seen) -> Any:
        return seen(caller.api.get(f"{API}/events/?objectType={object_type}"), world)

    def unfiltered(world: World, caller: Caller, seen=seen) -> Any:
        return seen(caller.api.get(f"{API}/events/"), world)

    def searched(world: World, caller: Caller, seen=seen, model: str = model) -> Any:
        return seen(caller.api.get(f"{API}/events/?search={world.objects[model].pk}"), world)

    def counted(world: World, caller: Caller, object_type=object_type) -> Any:
        response = caller.api.get(f"{API}/events/count/?objectType={object_type}")
        return response.status_code == 200 and response.json()["count"] > 0

    def retrieved(world: World, caller: Caller, model: str = model, seen=seen) -> Any:
        return seen(caller.api.get(f"{API}/events/{world.event(world.objects[model].pk).event_id}/"), world)

    def exported_csv(world: World, caller: Caller, seen=seen) -> Any:
        return seen(caller.api.get(f"{API}/events/export/csv/"), world)

    def exported_lines(world: World, caller: Caller, seen=seen) -> Any:
        return seen(caller.api.get(f"{API}/events/export/jsonl/"), world)

    def live(world: World, caller: Caller, object_type=object_type) -> Any:
        return object_type in Reader(caller.user.pk, _AnyCredential()).readable()

    def console_list(world: World, caller: Caller, seen=seen) -> Any:
        return seen(caller.console.get(page(EVENT, "changelist")), world)

    def console_csv(world: World, caller: Caller, seen=seen) -> Any:
        return seen(caller.console.get(f"{page(EVENT, 'changelist')}export/csv/"), world)

    def console_lines(world: World, caller: Caller, seen=seen) -> Any:
        return seen(caller.console.get(f"{page(EVENT, 'changelist')}export/jsonl/"), world)

    def console_one(world: World, caller: Caller, model: str = model, seen=seen) -> Any:
        return seen(caller.console.get(page(EVENT, "change", world.event(world.objects[model].pk).pk)), world)

    action(f"API list events of {object_type}", flag, covers="events/")(listed)
    action(f"API list all events, {object_type} in it", flag)(unfiltered)
    action(f"API search events of {object_type}", flag)(searched)
    action(f"API count events of {object_type}", flag, covers="events/count/")(counted)
    action(f"API read an event of {object_type}", flag, covers="events/<str:key>/")(retrieved)
    action(f"API export events of {object_type} as CSV", flag, covers="events/export/csv/")(exported_csv)
    action(f"API export events of {object_type} as lines", flag, covers="events/export/jsonl/")(exported_lines)
    action(f"API live events of {object_type}", flag, covers="events/stream/")(live)
    action(f"console list events of {object_type}", flag, covers=f"{EVENT}_changelist")(console_list)
    action(f"console export events of {object_type} as CSV", flag, covers="events_export_csv")(console_csv)
    action(f"console export events of {object_type} as lines", flag, covers="events_export_jsonl")(console_lines)
    action(f"console show an event of {object_type}", flag, covers=f"{EVENT}_change")(console_one)


class _AnyCredential:
    def holds(self, user: object) -> bool:
        return True


# --- The console: every page needs UI available as well ---


def _form(world: World, caller: Caller, address: str, **values: Any) -> Any:
    """Send the form; who does not get to see it sends what a superuser would."""
    opened = caller.console.get(address)
    if opened.status_code != 200:
        opened = world.form(address)
    opened.context = opened.context_data  # nothing is rendered
    fields = opened.context["adminform"].form.fields
    if "script" in fields and "script" in values:
        script = values["script"]
        values["script"] = script.name if fields["script"].to_field_name == "name" else str(script.pk)
    return caller.console.post(address, filled_in(opened, **values))


CONSOLE_NEW = {
    DEFINITION: lambda world: {"route": "new/route", "script": world.free_script},
    TOKEN: lambda world: {"name": "new"},
    SCRIPT: lambda world: {"name": "new", "source": ECHO},
}
CONSOLE_CHANGED = {
    DEFINITION: {"name": "changed"},
    TOKEN: {"name": "changed"},
    SCRIPT: {"description": "changed"},
}

for _, model, view, edit, delete in KINDS:

    def opening(world: World, caller: Caller, model: str = model) -> Any:
        return caller.console.get(page(model, "changelist"))

    def looking(world: World, caller: Caller, model: str = model) -> Any:
        return caller.console.get(page(model, "change", world.objects[model].pk))

    def history(world: World, caller: Caller, model: str = model) -> Any:
        return caller.console.get(page(model, "history", world.objects[model].pk))

    def adding_page(world: World, caller: Caller, model: str = model) -> Any:
        return caller.console.get(page(model, "add"))

    def adding(world: World, caller: Caller, model: str = model) -> Any:
        return _form(world, caller, page(model, "add"), **CONSOLE_NEW[model](world))

    def changing(world: World, caller: Caller, model: str = model) -> Any:
        return _form(world, caller, page(model, "change", world.objects[model].pk), **CONSOLE_CHANGED[model])

    def asking(world: World, caller: Caller, model: str = model) -> Any:
        return caller.console.get(page(model, "delete", world.objects[model].pk))

    def removing(world: World, caller: Caller, model: str = model) -> Any:
        return caller.console.post(page(model, "delete", world.objects[model].pk), {"post": "yes"})

    def removing_many(world: World, caller: Caller, model: str = model) -> Any:
        chosen = {"action": "delete_selected", "_selected_action": str(world.objects[model].pk), "post": "yes"}
        return caller.console.post(page(model, "changelist"), chosen)

    action(f"console list {model}", *view, covers=f"{model}_changelist")(opening)
    action(f"console show {model}", *view, covers=f"{model}_change")(looking)
    action(f"console history of {model}", *view, covers=f"{model}_history")(history)
    action(f"console open the form of a new {model}", *view, *edit, covers=f"{model}_add")(adding_page)
    action(f"console add {model}", *view, *edit, changes=True, covers=f"{model}_add")(adding)
    action(f"console change {model}", *view, *edit, changes=True, covers=f"{model}_change")(changing)
    action(f"console ask to delete {model}", *view, *delete, covers=f"{model}_delete")(asking)
    action(f"console delete {model}", *view, *delete, changes=True, covers=f"{model}_delete")(removing)
    action(f"console bulk delete {model}", *view, *delete, changes=True, covers=f"{model} delete_selected")(
        removing_many
    )


@action("console open the page that rotates", T_VIEW, T_EDIT, covers="tokens_apitoken_rotate")
def console_rotating(world: World, caller: Caller) -> Any:
    return caller.console.get(page(TOKEN, "rotate", world.token.pk))


@action("console rotate a token", T_VIEW, T_EDIT, changes=True, covers="tokens_apitoken_rotate")
def console_rotate(world: World, caller: Caller) -> Any:
    return caller.console.post(page(TOKEN, "rotate", world.token.pk), {"secret": ""})


@action("console disable a token", T_VIEW, T_EDIT, changes=True)
def console_disable(world: World, caller: Caller) -> Any:
    return _form(world, caller, page(TOKEN, "change", world.token.pk), is_disabled="on")


@action("console change a used script's source", S_VIEW, S_EDIT, EXECUTE, changes=True)
def console_used_source(world: World, caller: Caller) -> Any:
    return _form(world, caller, page(SCRIPT, "change", world.script.pk), source=ECHO + "\n")


@action("console change a used script's description", S_VIEW, S_EDIT, changes=True)
def console_used_description(world: World, caller: Caller) -> Any:
    return _form(world, caller, page(SCRIPT, "change", world.script.pk), description="changed")


@action("console change a free script's source", S_VIEW, S_EDIT, changes=True)
def console_free_source(world: World, caller: Caller) -> Any:
    return _form(world, caller, page(SCRIPT, "change", world.free_script.pk), source=ECHO + "\n")


@action("console list nodes", D_VIEW, T_VIEW, either=True, covers=f"{NODE}_changelist")
def console_nodes(world: World, caller: Caller) -> Any:
    return caller.console.get(page(NODE, "changelist"))


@action("console choose a script", S_VIEW, covers="autocomplete")
def console_choose_script(world: World, caller: Caller) -> Any:
    return _choose(caller, "script")


@action("console choose a token", T_VIEW, covers="autocomplete")
def console_choose_token(world: World, caller: Caller) -> Any:
    return _choose(caller, "allowed_tokens")


def _choose(caller: Caller, field: str) -> Any:
    query = {"app_label": "definitions", "model_name": "apidefinition", "field_name": field, "term": ""}
    return caller.console.get("/console/autocomplete/", query)


# --- Own keys: for everybody who may log in ---


def own_key(name: str, page_name: str, changes: bool = False) -> Callable[[Do], Do]:
    """Put something to do with an own key into the table."""
    return action(f"console {name}", *FLAGS, either=True, changes=changes, covers=f"{KEYS}{page_name}")


@own_key("list own keys", "_changelist")
def console_keys(world: World, caller: Caller) -> Any:
    return caller.console.get(page(KEYS, "changelist"))


@own_key("show an own key", "_change")
def console_key(world: World, caller: Caller) -> Any:
    return caller.console.get(page(KEYS, "change", caller.key.pk))


@own_key("history of an own key", "_history")
def console_key_history(world: World, caller: Caller) -> Any:
    return caller.console.get(page(KEYS, "history", caller.key.pk))


@own_key("make an own key", "_add", changes=True)
def console_make_key(world: World, caller: Caller) -> Any:
    return caller.console.post(page(KEYS, "add"), {"name": "new", "days": 1})


@own_key("delete an own key", "_delete", changes=True)
def console_delete_key(world: World, caller: Caller) -> Any:
    return caller.console.post(page(KEYS, "delete", caller.key.pk), {"post": "yes"})


@own_key("bulk delete own keys", " delete_selected", changes=True)
def console_delete_keys(world: World, caller: Caller) -> Any:
    chosen = {"action": "delete_selected", "_selected_action": str(caller.key.pk), "post": "yes"}
    return caller.console.post(page(KEYS, "changelist"), chosen)


@action("console log in", *FLAGS, either=True, covers="index")
def console_index(world: World, caller: Caller) -> Any:
    return caller.console.get("/console/")


# --- Walking the table ---


@pytest.fixture
def world(monkeypatch):
    """What there is to act on. Worker nodes are asked of no broker, and pages, rendered by other tests, are not."""
    monkeypatch.setattr(nodes, "alive", list)
    monkeypatch.setattr(SimpleTemplateResponse, "rendered_content", "")
    return World()


def cells(needs: tuple[frozenset[str], ...]) -> Iterator[tuple[str, frozenset[str], bool]]:
    """Whom to try: a name, the flags, and whether they are enough."""
    tried = {"nothing": frozenset(), "every flag": FLAGS}
    tried |= {f"only {flag}": frozenset({flag}) for flag in FLAGS}
    tried |= {f"all but {flag}": FLAGS - {flag} for flag in FLAGS}
    tried |= {f"exactly {' + '.join(sorted(need))}": need for need in needs}
    for need in needs:
        tried |= {f"{' + '.join(sorted(need))} but {flag}": need - {flag} for flag in need}
    for name, flags in tried.items():
        yield name, flags, any(need <= flags for need in needs)


def is_granted(one: Action, world: World, caller: Caller) -> bool:
    """Do it, take it back, and say whether it was let happen. A refused one must not have changed anything."""
    before = World.state()
    savepoint = transaction.savepoint()
    response = one.do(world, caller)
    changed = World.state() != before
    transaction.savepoint_rollback(savepoint)
    assert one.changes or not changed, f"{one.name} changes something"
    if one.changes:
        return changed
    return response if isinstance(response, bool) else response.status_code == 200


@pytest.mark.parametrize("one", ACTIONS, ids=lambda one: one.name)
def test_every_cell(world, one):
    wrong = []
    for name, flags, is_enough in cells(one.needs):
        if is_granted(one, world, Caller(*flags)) is not is_enough:
            wrong.append(f"{name}: {'refused' if is_enough else 'granted'}")
    assert not wrong, f"{one.name}: {wrong}"
    assert is_granted(one, world, Caller(is_superuser=True)), "a superuser"
    assert not is_granted(one, world, Caller(is_staff=True)), "staff without a flag"


def test_what_is_refused_over_the_api_is_403(world):
    for one in ACTIONS:
        if one.name.startswith("API") and "events" not in one.name and "event of" not in one.name:
            response = one.do(world, Caller())
            assert response.status_code == 403, one.name
            assert response.json()["errors"][0]["reason"] == "PermissionDenied"


WRITES = [one for one in ACTIONS if one.changes and all(EXECUTE in need for need in one.needs)]


def test_without_execute_no_definition_is_made_or_changed_by_any_way(world):
    caller = Caller(*FLAGS - {EXECUTE})
    ways = [one.name for one in WRITES if not is_granted(one, world, caller)]
    assert ways == [one.name for one in WRITES]
    assert {
        "API create in definitions",
        "API put one of definitions",
        "API patch one of definitions",
        "API allow a token",
        "console add definitions_apidefinition",
        "console change definitions_apidefinition",
    } <= set(ways)


# --- Nobody is in the house who is not in the table ---

OF_EVERYBODY = {"keys/", "keys/<str:key>/", "schema/", "docs/", ""}


def test_every_address_of_the_management_api_is_in_the_table():
    management: Any
    (management,) = [one for one in get_resolver().url_patterns if str(one.pattern) == "api/management/"]
    known = {str(one.pattern) for one in management.url_patterns if isinstance(one, URLPattern)}
    assert known == {one.covers for one in ACTIONS if one.name.startswith("API") and one.covers} | OF_EVERYBODY


# Django's own pages for everybody who is logged in, and what leads elsewhere.
LOGGING_IN = {"login", "logout", "password_change", "password_change_done"}
FOR_THE_USER = LOGGING_IN | {"jsi18n", "search", "view_on_site", "app_list"}
REFUSED_TO_ALL = {f"{NODE}_{name}" for name in ("add", "change", "delete", "history")} | {
    f"{EVENT}_{name}" for name in ("add", "delete", "history")
}
FOR_SUPERUSERS = ("auth_user", "auth_group")


def test_every_page_of_the_console_is_in_the_table():
    covered = {one.covers for one in ACTIONS}
    for model, model_admin in admin.site._registry.items():
        prefix = f"{model._meta.app_label}_{model._meta.model_name}"
        if prefix in FOR_SUPERUSERS:
            continue
        named = {pattern.name for pattern in model_admin.get_urls() if pattern.name}
        assert named - covered - REFUSED_TO_ALL == set(), prefix


def test_every_other_page_of_the_console_is_known():
    of_models = ("_add", "_changelist", "_change", "_delete", "_history", "_rotate")
    named = {pattern.name for pattern in admin.site.get_urls() if isinstance(pattern, URLPattern) and pattern.name}
    others = {name for name in named if not name.endswith(of_models)}
    assert others - {one.covers for one in ACTIONS} <= FOR_THE_USER


def test_every_bulk_action_is_in_the_table():
    request = RequestFactory().get("/console/")
    request.user = User.objects.create_superuser("root")
    covered = {one.covers for one in ACTIONS}
    for model, model_admin in admin.site._registry.items():
        prefix = f"{model._meta.app_label}_{model._meta.model_name}"
        if prefix not in FOR_SUPERUSERS:
            assert {f"{prefix} {name}" for name in model_admin.get_actions(request)} <= covered


@pytest.mark.parametrize("name", ["add", "delete"])
def test_nobody_adds_or_deletes_what_records_itself(world, name):
    event: Any = InformationEvent.objects.first()
    root = Caller(is_superuser=True).console
    before = InformationEvent.objects.count()
    address = page(EVENT, name, *([event.pk] if name == "delete" else []))
    assert root.get(address).status_code == 403
    assert root.post(address, {"post": "yes"}).status_code == 403
    assert root.post(page(EVENT, "change", event.pk), {"message": "x"}).status_code == 403
    assert InformationEvent.objects.count() == before
