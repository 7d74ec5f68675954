"""Files to import, the commands, and what is stored afterwards."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from automation.models import AutomationScript, Credential, CredentialGrant, ScriptKind, ScriptVersion
from definitions.models import AllowedToken, ApiDefinition
from events.models import InformationEvent
from objects.changes import save_checked
from testbed.publisher import ECHO, Publisher
from tokens.models import ApiToken

GOOD = """\
scripts:
  - name: status
    source: status.py
    parameters: [area]
tokens:
  - name: monitoring
    rateLimit: {limit: 60, windowSeconds: 60}
  - name: other
definitions:
  - route: encoders/{id}/status
    script: status
    allowedTokens: [monitoring, other]
"""

Files = Callable[..., Path]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Writes files into a directory and returns the YAML file: `files("…yaml…", **{"a.py": "…"})`."""

    def write(text: str | bytes = GOOD, **others: str | bytes) -> Path:
        for name, content in {"apis.yaml": text, "status.py": ECHO, **others}.items():
            path = tmp_path / "files" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return tmp_path / "files" / "apis.yaml"

    return write


def run(command: str, *arguments: Any, **options: Any) -> str:
    """The output of a command."""
    out = io.StringIO()
    call_command(command, *map(str, arguments), stdout=out, **options)
    return out.getvalue()


def import_apis(*arguments: Any) -> str:
    return run("import_apis", *arguments)


def refused(*arguments: Any) -> str:
    """The message of an import that is refused and changes nothing."""
    before = state()
    with pytest.raises(CommandError) as caught:
        import_apis(*arguments)
    assert state() == before
    return str(caught.value)


def export(directory: Path, *arguments: Any) -> dict[str, str]:
    """The files of `manage.py export_apis`, by path."""
    run("export_apis", directory, *arguments)
    found = [path for path in directory.rglob("*") if path.is_file()]
    return {path.relative_to(directory).as_posix(): path.read_bytes().decode() for path in found}


def state() -> list[Any]:
    """Everything that an import could change, events included."""
    models = (ApiDefinition, ApiToken, AutomationScript, Credential)
    rows: list[Any] = [sorted(model._base_manager.values_list("pk", "revision")) for model in models]
    rows.append(sorted(ScriptVersion.objects.values_list("script", "number", "content_hash")))
    rows.append(sorted(CredentialGrant.objects.values_list("credential", "script")))
    rows.append(sorted(AllowedToken._base_manager.values_list("definition", "token")))
    return [*rows, InformationEvent.objects.count()]


def add_library(name: str, source: str) -> AutomationScript:
    return Publisher().script(source, name=name, kind=ScriptKind.LIBRARY)


def using(*names: str) -> str:
    return "".join(f"from scripts.{name} import x as x_of_{name}\n" for name in names) + ECHO


def change(script: AutomationScript, **columns: Any) -> None:
    for column, value in columns.items():
        setattr(script, column, value)
    save_checked(script, "system")


def version_of(script: AutomationScript, number: int | None = None) -> ScriptVersion:
    """A version of a script, by default the current one."""
    return ScriptVersion.objects.get(script=script, number=number or script.current_version or 0)
