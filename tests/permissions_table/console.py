"""The console: every page needs UI available as well."""

from typing import Any

from django.urls import reverse

from automation.models import AutomationScript
from testbed.publisher import ECHO
from tests.console.conftest import filled_in, page
from tests.permissions_table.table import (
    C_EDIT,
    C_VIEW,
    CREDENTIAL,
    D_EDIT,
    D_VIEW,
    DEFINITION,
    EXECUTE,
    FLAGS,
    KINDS,
    NODE,
    RUNNABLE,
    S_EDIT,
    S_VIEW,
    SCRIPT,
    T_EDIT,
    T_VIEW,
    TOKEN,
    Caller,
    Do,
    World,
    action,
)
from tokens.models import ApiToken


def _form(world: World, caller: Caller, address: str, **values: Any) -> Any:
    """Send the form. Users who do not get to see it send what a superuser would."""
    opened = caller.console.get(address)
    if opened.status_code != 200 or "adminform" not in opened.context_data:
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
    CREDENTIAL: lambda world: {"name": "new", "value": "new"},
}
CONSOLE_CHANGED = {
    DEFINITION: {"name": "changed"},
    TOKEN: {"name": "changed"},
    SCRIPT: {"description": "changed"},
    CREDENTIAL: {"value": "changed"},
}

for _, model, view, edit, delete in KINDS:

    def opening(world: World, caller: Caller, model: str = model) -> Any:
        return caller.console.get(page(model, "changelist"))

    def choosing_columns(world: World, caller: Caller, model: str = model) -> Any:
        return caller.console.post(f"{page(model, 'changelist')}look/", {"size": "25"})

    def looking(world: World, caller: Caller, model: str = model) -> Any:
        return caller.console.get(page(model, "change", world.objects[model].pk))

    def history(world: World, caller: Caller, model: str = model) -> Any:
        return caller.console.get(page(model, "history", world.objects[model].pk))

    def reading(world: World, caller: Caller, model: str = model) -> Any:
        return caller.console.get(page(model, "view", world.objects[model].pk))

    def reading_raw(world: World, caller: Caller, model: str = model) -> Any:
        return caller.console.get(page(model, "raw", world.objects[model].pk))

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

    action(f"console columns of {model}", *view, covers=f"{model}_look")(choosing_columns)
    action(f"console list {model}", *view, covers=f"{model}_changelist")(opening)
    action(f"console show {model}", *view, covers=f"{model}_change")(looking)
    action(f"console readable page of {model}", *view, covers=f"{model}_view")(reading)
    action(f"console raw page of {model}", *view, covers=f"{model}_raw")(reading_raw)
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
    return caller.console.post(page(TOKEN, "rotate", world.token.pk), {"seen_revision": world.token.revision})


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


@action("console add a callable script", S_VIEW, S_EDIT, EXECUTE, changes=True)
def console_add_callable(world: World, caller: Caller) -> Any:
    return _form(world, caller, page(SCRIPT, "add"), name="new", source=RUNNABLE)


@action("console make a free script callable", S_VIEW, S_EDIT, EXECUTE, changes=True)
def console_make_callable(world: World, caller: Caller) -> Any:
    return _form(world, caller, page(SCRIPT, "change", world.free_script.pk), source=RUNNABLE)


@action("console rename a callable script", S_VIEW, S_EDIT, EXECUTE, changes=True)
def console_rename_callable(world: World, caller: Caller) -> Any:
    return _form(world, caller, page(SCRIPT, "change", world.callable_script.pk), name="other")


@action("console change a callable script's source", S_VIEW, S_EDIT, EXECUTE, changes=True)
def console_change_callable(world: World, caller: Caller) -> Any:
    return _form(world, caller, page(SCRIPT, "change", world.callable_script.pk), source=ECHO)


for shown, numbers in (("versions", ()), ("version", (1,)), ("difference", ())):

    def reading_versions(world: World, caller: Caller, kind: str = shown, numbers: tuple[int, ...] = numbers) -> Any:
        return caller.console.get(page(SCRIPT, kind, world.free_script.pk, *numbers))

    action(f"console {shown} of a script", S_VIEW, covers=f"{SCRIPT}_{shown}")(reading_versions)


def _script_named(world: World, name: str) -> AutomationScript:
    """The script of that name; without one, the script that an API runs."""
    return AutomationScript.objects.get(name=name or world.script.name)


for which, chosen, flags in (
    ("a free script", "free", (S_VIEW, S_EDIT)),
    ("a used script", "", (S_VIEW, S_EDIT, EXECUTE)),
    ("a library", "shared_code", (S_VIEW, S_EDIT, EXECUTE)),
):

    def asking_to_activate(world: World, caller: Caller, chosen: str = chosen) -> Any:
        return caller.console.get(page(SCRIPT, "activate", _script_named(world, chosen).pk, 1))

    def activating(world: World, caller: Caller, chosen: str = chosen) -> Any:
        script = _script_named(world, chosen)
        return caller.console.post(page(SCRIPT, "activate", script.pk, 1), {"seen_revision": script.revision})

    action(f"console ask to make a version of {which} current", *flags, covers=f"{SCRIPT}_activate")(asking_to_activate)
    action(f"console make a version of {which} current", *flags, changes=True)(activating)

for kind, chosen, flags in (
    ("renew", "importing", (S_VIEW, S_EDIT)),
    ("renew", "middle_code", (S_VIEW, S_EDIT, EXECUTE)),
    ("renewal", "spare_code", (S_VIEW, S_EDIT)),
    ("renewal", "shared_code", (S_VIEW, S_EDIT, EXECUTE)),
):

    def asking_to_renew(world: World, caller: Caller, kind: str = kind, chosen: str = chosen) -> Any:
        return caller.console.get(page(SCRIPT, kind, _script_named(world, chosen).pk))

    def renewing(world: World, caller: Caller, kind: str = kind, chosen: str = chosen) -> Any:
        script = _script_named(world, chosen)
        return caller.console.post(page(SCRIPT, kind, script.pk), {"seen_revision": script.revision})

    action(f"console ask for the {kind} of {chosen}", *flags, covers=f"{SCRIPT}_{kind}")(asking_to_renew)
    action(f"console {kind} of {chosen}", *flags, changes=True)(renewing)


@action("console charts of nodes", D_VIEW, T_VIEW, either=True, covers=f"{NODE}_charts")
def console_node_charts(world: World, caller: Caller) -> Any:
    return caller.console.get(page(NODE, "charts"))


@action("console list nodes", D_VIEW, T_VIEW, either=True, covers=f"{NODE}_changelist")
def console_nodes(world: World, caller: Caller) -> Any:
    return caller.console.get(page(NODE, "changelist"))


@action("console try an API", D_VIEW, EXECUTE, covers=f"{DEFINITION}_try")
def console_try(world: World, caller: Caller) -> Any:
    return caller.console.get(page(DEFINITION, "try", world.definition.pk))


@action("console names in reasons", D_VIEW, EXECUTE, covers="trigger_names")
def console_trigger_names(world: World, caller: Caller) -> Any:
    return caller.console.get(reverse("admin:trigger_names"), {"id": str(world.token.pk)})


@action("console open the trigger page", D_VIEW, EXECUTE, covers="trigger")
def console_trigger(world: World, caller: Caller) -> Any:
    return caller.console.get("/console/trigger/")


@action("console choose a definition to trigger", D_VIEW, EXECUTE, covers="trigger_definitions")
def console_trigger_definitions(world: World, caller: Caller) -> Any:
    return caller.console.get("/console/trigger/definitions/")


for own, what, needs in (
    ("check_route", {"route": "a/b"}, (D_VIEW, D_EDIT, EXECUTE)),
    ("pick_script", {}, (S_VIEW, D_VIEW, D_EDIT, EXECUTE)),
    ("pick_tokens", {}, (T_VIEW, D_VIEW, D_EDIT, EXECUTE)),
):

    def asking_the_form(world: World, caller: Caller, own: str = own, what: dict[str, str] = what) -> Any:
        return caller.console.get(reverse(f"admin:definitions_{own}"), what)

    action(f"console form: {own}", *needs, covers=f"definitions_{own}")(asking_the_form)


@action("console form: show_script", S_VIEW, D_VIEW, D_EDIT, EXECUTE, covers="definitions_show_script")
def console_show_script(world: World, caller: Caller) -> Any:
    return caller.console.get(reverse("admin:definitions_show_script"), {"id": str(world.script.pk)})


@action("console form: pick_scripts of a credential", C_VIEW, C_EDIT, S_VIEW, covers="credentials_pick_scripts")
def console_pick_granted(world: World, caller: Caller) -> Any:
    return caller.console.get(reverse("admin:credentials_pick_scripts"))


@action("console check a source", S_VIEW, S_EDIT, covers="scripts_check")
def console_check_source(world: World, caller: Caller) -> Any:
    return caller.console.post(reverse("admin:scripts_check"), {"source": ECHO})


@action("console outline of the SDK", S_VIEW, covers="scripts_sdk")
def console_sdk(world: World, caller: Caller) -> Any:
    return caller.console.get(reverse("admin:scripts_sdk"))


@action("console modules of packages", S_VIEW, covers="scripts_modules")
def console_modules(world: World, caller: Caller) -> Any:
    return caller.console.get(reverse("admin:scripts_modules"), {"packages": "0" * 64})


@action("console names in a library", S_VIEW, covers="scripts_library")
def console_library(world: World, caller: Caller) -> Any:
    return caller.console.get(reverse("admin:scripts_library"), {"name": "tools"})


@action("console form: show_versions", S_VIEW, D_VIEW, D_EDIT, EXECUTE, covers="definitions_show_versions")
def console_show_versions(world: World, caller: Caller) -> Any:
    return caller.console.get(reverse("admin:definitions_show_versions"), {"script": str(world.script.pk)})


@action("console pin an API to a version", D_VIEW, D_EDIT, EXECUTE, changes=True)
def console_pin(world: World, caller: Caller) -> Any:
    return _form(world, caller, page(DEFINITION, "change", world.definition.pk), script_version="1")


@action("console disable an API", D_VIEW, D_EDIT, EXECUTE, changes=True)
def console_disable_api(world: World, caller: Caller) -> Any:
    return _form(world, caller, page(DEFINITION, "change", world.definition.pk), is_disabled="on")


def switching(model: str) -> Do:
    """The switch in the row of an object, which is enabled."""

    def switch(world: World, caller: Caller) -> Any:
        name = f"admin:{model.partition('_')[0]}_switch"
        return caller.console.post(reverse(name, args=[world.objects[model].pk]), {"state": "off"})

    return switch


def switching_many(model: str, name: str) -> Do:
    """The bulk action `name` on an object, which is in the other state."""

    def switch(world: World, caller: Caller) -> Any:
        # Past the rules, and without an event: only the switch itself counts as a change.
        chosen: Any = world.objects[model]
        type(chosen)._base_manager.filter(pk=chosen.pk).update(is_disabled=name == "enable_selected")
        sent = {"action": name, "ids": str(chosen.pk), "post": "yes"}
        return caller.console.post(page(model, "changelist"), sent)

    return switch


for switched, flags in ((TOKEN, (T_VIEW, T_EDIT)), (DEFINITION, (D_VIEW, D_EDIT, EXECUTE))):
    action(f"console switch {switched}", *flags, changes=True, covers=f"{switched.partition('_')[0]}_switch")(
        switching(switched)
    )
    for bulk in ("enable_selected", "disable_selected"):
        action(f"console bulk {bulk} {switched}", *flags, changes=True, covers=f"{switched} {bulk}")(
            switching_many(switched, bulk)
        )


for switched, flags in ((TOKEN, (T_VIEW, T_EDIT)), (DEFINITION, (D_VIEW, D_EDIT, EXECUTE))):

    def switching_from_its_head(world: World, caller: Caller, model: str = switched) -> Any:
        return caller.console.post(page(model, "state", world.objects[model].pk), {"state": "off"})

    action(f"console disable {switched} from its head", *flags, changes=True, covers=f"{switched}_state")(
        switching_from_its_head
    )

for tab, shown_of, flag in (
    ("access", DEFINITION, D_VIEW),
    ("settings", DEFINITION, D_VIEW),
    ("limits", TOKEN, T_VIEW),
):

    def reading_a_tab(world: World, caller: Caller, kind: str = tab, model: str = shown_of) -> Any:
        return caller.console.get(page(model, kind, world.objects[model].pk))

    action(f"console {tab} of {shown_of}", flag, covers=f"{shown_of}_{tab}")(reading_a_tab)


@action("console remove a token from an API", D_VIEW, D_EDIT, EXECUTE, T_VIEW, changes=True)
def console_remove_token(world: World, caller: Caller) -> Any:
    return caller.console.post(page(DEFINITION, "access", world.definition.pk), {"remove": str(world.token.pk)})


@action("console remove an API from a token", D_VIEW, D_EDIT, EXECUTE, T_VIEW, changes=True, covers=f"{TOKEN}_apis")
def console_remove_api(world: World, caller: Caller) -> Any:
    return caller.console.post(page(TOKEN, "apis", world.token.pk), {"remove": str(world.definition.pk)})


@action("console choose APIs for a token", D_VIEW, D_EDIT, EXECUTE, T_VIEW, covers="tokens_pick_apis")
def console_pick_apis(world: World, caller: Caller) -> Any:
    return caller.console.get(reverse("admin:tokens_pick_apis"))


@action(
    "console bulk allow", D_VIEW, D_EDIT, EXECUTE, T_VIEW, changes=True, covers=f"{DEFINITION} allow_token_selected"
)
def console_bulk_allow(world: World, caller: Caller) -> Any:
    return _of_tokens(world, caller, "allow_token_selected", world.free_token)


@action(
    "console bulk remove", D_VIEW, D_EDIT, EXECUTE, T_VIEW, changes=True, covers=f"{DEFINITION} remove_token_selected"
)
def console_bulk_remove(world: World, caller: Caller) -> Any:
    return _of_tokens(world, caller, "remove_token_selected", world.token)


def _of_tokens(world: World, caller: Caller, name: str, token: ApiToken) -> Any:
    sent = {"action": name, "ids": str(world.definition.pk), "tokens": str(token.pk), "post": "yes"}
    return caller.console.post(page(DEFINITION, "changelist"), sent)


@action("console export", D_VIEW, S_VIEW, T_VIEW, covers=f"{DEFINITION} export_selected")
def console_export(world: World, caller: Caller) -> Any:
    return caller.console.post(reverse("export_selected"), {"ids": str(world.definition.pk)})


@action("console choose a script", S_VIEW, covers="autocomplete")
def console_choose_script(world: World, caller: Caller) -> Any:
    return _choose(caller, "script")


@action("console choose a token", T_VIEW, covers="autocomplete")
def console_choose_token(world: World, caller: Caller) -> Any:
    return _choose(caller, "allowed_tokens")


def _choose(caller: Caller, field: str) -> Any:
    query = {"app_label": "definitions", "model_name": "apidefinition", "field_name": field, "term": ""}
    return caller.console.get("/console/autocomplete/", query)


@action("console log in", *FLAGS, either=True, covers="index")
def console_index(world: World, caller: Caller) -> Any:
    return caller.console.get("/console/")
