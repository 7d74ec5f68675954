"""Personal keys in the console and over the API: one's own for everybody who may log in, others' for superusers."""

from collections.abc import Callable
from typing import Any

from tests.console.conftest import page
from tests.permissions_table.table import API, FLAGS, KEYS, Caller, Do, World, action


def own_key(name: str, page_name: str, changes: bool = False) -> Callable[[Do], Do]:
    """Put something to do with an own key into the table."""
    return action(f"console {name}", *FLAGS, either=True, changes=changes, covers=f"{KEYS}{page_name}")


@own_key("list own keys", "_changelist")
def console_keys(world: World, caller: Caller) -> Any:
    return caller.console.get(page(KEYS, "changelist"))


@own_key("choose columns of keys", "_look")
def console_columns_of_keys(world: World, caller: Caller) -> Any:
    return caller.console.post(f"{page(KEYS, 'changelist')}look/", {"size": "25"})


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


# --- Keys of others: for superusers, and no flag will do ---


@action("console show another's key", either=True)
def console_others_key(world: World, caller: Caller) -> Any:
    return caller.console.get(page(KEYS, "change", world.key.pk))


@action("console delete another's key", either=True, changes=True)
def console_delete_others_key(world: World, caller: Caller) -> Any:
    return caller.console.post(page(KEYS, "delete", world.key.pk), {"post": "yes"})


@action("console bulk delete another's keys", either=True, changes=True)
def console_delete_others_keys(world: World, caller: Caller) -> Any:
    chosen = {"action": "delete_selected", "_selected_action": str(world.key.pk), "post": "yes"}
    return caller.console.post(page(KEYS, "changelist"), chosen)


@action("list another's keys over the API", either=True)
def api_others_keys(world: World, caller: Caller) -> Any:
    return str(world.key.pk) in caller.api.get(f"{API}/keys/").content.decode()


@action("delete another's key over the API", either=True, changes=True)
def api_delete_others_key(world: World, caller: Caller) -> Any:
    return caller.api.delete(f"{API}/keys/{world.key.pk}/")
