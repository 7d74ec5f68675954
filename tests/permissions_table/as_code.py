"""Definitions as code: an import shows what is stored, so it needs UI available of each kind with a section."""

import tempfile
from pathlib import Path
from typing import Any

from as_code.entries import RefusedImportError
from as_code.exporter import ExportError, export_files
from as_code.importer import SecretValues, import_files
from as_code.permissions import Actor
from automation.models import AutomationScript
from automation.versions import ScriptVersion
from testbed.publisher import ECHO
from tests.permissions_table.table import (
    C_DELETE,
    C_EDIT,
    C_VIEW,
    D_DELETE,
    D_EDIT,
    D_VIEW,
    EXECUTE,
    IMPORTING,
    RUNNABLE,
    S_DELETE,
    S_EDIT,
    S_VIEW,
    T_DELETE,
    T_EDIT,
    T_VIEW,
    Caller,
    World,
    action,
)

READ_ALL = (D_VIEW, T_VIEW, S_VIEW)
PACKED = f'# /// script\n# dependencies = ["six"]\n# ///\n{ECHO}'
CREDENTIAL = "credentials:\n  - name: smtp\n"


def _import(
    caller: Caller,
    text: str,
    *,
    source: str = ECHO,
    lock: str = "",
    prune: bool = False,
    dry_run: bool = False,
    values: SecretValues | None = None,
) -> bool:
    """Whether it was let in; that a refused one changes nothing, the table sees."""
    with tempfile.TemporaryDirectory() as directory:
        main = Path(directory) / "apis.yaml"
        main.write_text(text)
        main.with_name("s.py").write_text(source)
        main.with_name("s.lock").write_text(lock)
        try:
            import_files([main], Actor(caller.user), prune=prune, dry_run=dry_run, values=values)
        except RefusedImportError:
            return False
    return True


def _export(caller: Caller, *, with_digests: bool = False) -> bool:
    try:
        return bool(export_files(Actor(caller.user), with_digests=with_digests))
    except ExportError:
        return False


def _script(world: World, more: str = "") -> str:
    return f"scripts:\n  - name: {world.script.name}\n    source: s.py\n{more}"


def _definition(world: World, more: str = "") -> str:
    return f"definitions:\n  - route: used/route\n    script: {world.script.name}\n{more}"


@action("export", *READ_ALL, C_VIEW)
def exporting(world: World, caller: Caller) -> Any:
    return _export(caller)


@action("export digests", *READ_ALL, C_VIEW, T_EDIT)
def exporting_digests(world: World, caller: Caller) -> Any:
    return _export(caller, with_digests=True)


@action("import, compare tokens", T_VIEW)
def comparing_tokens(world: World, caller: Caller) -> Any:
    return _import(caller, f"tokens:\n  - name: {world.token.name}\n", dry_run=True)


@action("import, compare scripts", S_VIEW)
def comparing_scripts(world: World, caller: Caller) -> Any:
    return _import(caller, _script(world), dry_run=True)


@action("import, compare definitions", *READ_ALL)
def comparing_definitions(world: World, caller: Caller) -> Any:
    return _import(caller, _definition(world, f"    allowedTokens: [{world.token.name}]\n"), dry_run=True)


@action("import, compare credentials", C_VIEW, S_VIEW)
def comparing_credentials(world: World, caller: Caller) -> Any:
    return _import(caller, f"{CREDENTIAL}    allowedScripts: [free]\n", dry_run=True)


@action("import a new credential", C_VIEW, S_VIEW, C_EDIT, changes=True)
def adding_credential(world: World, caller: Caller) -> Any:
    return _import(caller, "credentials:\n  - name: new\n", values=SecretValues("values.json", {"new": "new"}))


@action("import a grant of a credential", C_VIEW, S_VIEW, C_EDIT, changes=True)
def granting(world: World, caller: Caller) -> Any:
    return _import(caller, f"{CREDENTIAL}    allowedScripts: [free, {world.script.name}]\n")


@action("import another value of a credential", C_VIEW, S_VIEW, C_EDIT, changes=True)
def changing_value(world: World, caller: Caller) -> Any:
    values = SecretValues("values.json", {"smtp": "another"})
    return _import(caller, f"{CREDENTIAL}    allowedScripts: [free]\n", values=values)


@action("import a new token", T_VIEW, T_EDIT, changes=True)
def adding_token(world: World, caller: Caller) -> Any:
    return _import(caller, "tokens:\n  - name: new\n")


@action("import a changed token", T_VIEW, T_EDIT, changes=True)
def changing_token(world: World, caller: Caller) -> Any:
    return _import(caller, f"tokens:\n  - name: {world.token.name}\n    isDisabled: true\n")


@action("import a new script", S_VIEW, S_EDIT, changes=True)
def adding_script(world: World, caller: Caller) -> Any:
    return _import(caller, "scripts:\n  - name: new\n    source: s.py\n")


@action("import a used script's description", S_VIEW, S_EDIT, changes=True)
def changing_description(world: World, caller: Caller) -> Any:
    return _import(caller, _script(world, "    description: changed\n"))


@action("import a used script's source", S_VIEW, S_EDIT, EXECUTE, changes=True)
def changing_used_source(world: World, caller: Caller) -> Any:
    return _import(caller, _script(world), source=f"{ECHO}\n")


@action("import a free script's source", S_VIEW, S_EDIT, changes=True)
def changing_free_source(world: World, caller: Caller) -> Any:
    return _import(caller, "scripts:\n  - name: free\n    source: s.py\n", source=f"{ECHO}\n")


@action("import a new callable script", S_VIEW, S_EDIT, EXECUTE, changes=True)
def adding_callable(world: World, caller: Caller) -> Any:
    return _import(caller, "scripts:\n  - name: new\n    source: s.py\n", source=RUNNABLE)


@action("import a callable script's source", S_VIEW, S_EDIT, EXECUTE, changes=True)
def changing_callable_source(world: World, caller: Caller) -> Any:
    return _import(caller, "scripts:\n  - name: callable\n    source: s.py\n")


@action("import a callable script under another name", S_VIEW, S_EDIT, EXECUTE, changes=True)
def renaming_callable(world: World, caller: Caller) -> Any:
    renamed = f"scripts:\n  - id: {world.callable_script.pk}\n    name: other\n    source: s.py\n"
    return _import(caller, renamed, source=RUNNABLE)


@action("import a new library", S_VIEW, S_EDIT, EXECUTE, changes=True)
def adding_library(world: World, caller: Caller) -> Any:
    return _import(caller, "scripts:\n  - {name: new, source: s.py, kind: Library}\n", source="NAME = 1\n")


@action("import a library's source", S_VIEW, S_EDIT, EXECUTE, changes=True)
def changing_library(world: World, caller: Caller) -> Any:
    return _import(caller, "scripts:\n  - {name: spare_code, source: s.py, kind: Library}\n", source="NAME = 3\n")


@action("import a library, which renews it", S_VIEW, S_EDIT, EXECUTE, changes=True)
def renewing_library(world: World, caller: Caller) -> Any:
    return _import(caller, "scripts:\n  - {name: middle_code, source: s.py, kind: Library}\n", source=IMPORTING)


@action("import a free script, which renews it", S_VIEW, S_EDIT, changes=True)
def renewing_free_script(world: World, caller: Caller) -> Any:
    source = f"import scripts.spare_code\n{ECHO}"
    return _import(caller, "scripts:\n  - {name: importing, source: s.py}\n", source=source)


@action("import a library with the libraries that it has", S_VIEW)
def keeping_libraries(world: World, caller: Caller) -> Any:
    entry = "{name: middle_code, source: s.py, kind: Library, libraries: {shared_code: 1}}"
    return _import(caller, f"scripts:\n  - {entry}\n", source=IMPORTING)


_OLD_VERSION = "    versions: [{number: 9, source: s.py, timeoutSeconds: 9}]\n"


@action("import a version of a used script", S_VIEW, S_EDIT, EXECUTE, changes=True)
def adding_used_version(world: World, caller: Caller) -> Any:
    return _import(caller, _script(world, _OLD_VERSION))


@action("import a version of a free script", S_VIEW, S_EDIT, changes=True)
def adding_free_version(world: World, caller: Caller) -> Any:
    return _import(caller, f"scripts:\n  - name: free\n    source: s.py\n{_OLD_VERSION}")


@action("import a pin", *READ_ALL, D_EDIT, EXECUTE, changes=True)
def pinning(world: World, caller: Caller) -> Any:
    return _import(caller, _definition(world, f"    scriptVersion: 1\n    allowedTokens: [{world.token.name}]\n"))


@action("import a disabled definition", *READ_ALL, D_EDIT, EXECUTE, changes=True)
def disabling(world: World, caller: Caller) -> Any:
    return _import(caller, _definition(world, f"    isDisabled: true\n    allowedTokens: [{world.token.name}]\n"))


@action("import a new definition", *READ_ALL, D_EDIT, EXECUTE, changes=True)
def adding_definition(world: World, caller: Caller) -> Any:
    return _import(caller, "definitions:\n  - route: new/route\n    script: free\n")


@action("import a changed definition", *READ_ALL, D_EDIT, EXECUTE, changes=True)
def changing_definition(world: World, caller: Caller) -> Any:
    return _import(caller, _definition(world, f"    name: changed\n    allowedTokens: [{world.token.name}]\n"))


@action("import an allowed token", *READ_ALL, D_EDIT, EXECUTE, changes=True)
def allowing(world: World, caller: Caller) -> Any:
    return _import(caller, _definition(world, f"    allowedTokens: [{world.token.name}, free]\n"))


@action("import --prune definitions", D_VIEW, D_DELETE, changes=True)
def pruning_definitions(world: World, caller: Caller) -> Any:
    return _import(caller, "definitions: []\n", prune=True)


@action("import --prune tokens", T_VIEW, T_DELETE, changes=True)
def pruning_tokens(world: World, caller: Caller) -> Any:
    return _import(caller, f"tokens:\n  - name: {world.token.name}\n", prune=True)


@action("import --prune scripts", S_VIEW, S_DELETE, changes=True)
def pruning_scripts(world: World, caller: Caller) -> Any:
    return _import(caller, _script(world), prune=True)


@action("import --prune credentials", C_VIEW, C_DELETE, changes=True)
def pruning_credentials(world: World, caller: Caller) -> Any:
    return _import(caller, "credentials: []\n", prune=True)


@action("import another lock of a used script", S_VIEW, S_EDIT, EXECUTE, changes=True)
def changing_lock(world: World, caller: Caller) -> Any:
    AutomationScript._base_manager.filter(pk=world.script.pk).update(source=PACKED)
    ScriptVersion._base_manager.filter(script=world.script).update(source=PACKED)
    lock = f"six==1.17.0 --hash=sha256:{'a' * 64}\n"
    return _import(caller, _script(world, "    lock: s.lock\n"), source=PACKED, lock=lock)
