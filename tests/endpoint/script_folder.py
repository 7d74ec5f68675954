"""A directory with scripts as files, and `manage.py run_script` for them."""

import io
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

HEAD = "from automation.sdk import *\n\ndef on_api_trigger(engine, request):\n"


@dataclass
class ScriptFolder:
    folder: Path
    progress: str = ""
    """What the last run has written to standard error."""

    def write(self, body: str, name: str = "tried", head: str = HEAD) -> Path:
        file = self.folder / f"{name}.py"
        file.write_text(head + "".join(f"    {line}\n" for line in body.splitlines()))
        return file

    def run(self, file: Path, *arguments: object) -> str:
        output, progress = io.StringIO(), io.StringIO()
        try:
            call_command("run_script", str(file), *map(str, arguments), stdout=output, stderr=progress)
        finally:
            self.progress = progress.getvalue()
        return output.getvalue()

    def answer(self, body: str, *arguments: object) -> str:
        return self.run(self.write(body), *arguments)

    def fails(self, body: str, *arguments: object) -> str:
        return self.fails_with(self.write(body), *arguments)

    def fails_with(self, file: Path, *arguments: object) -> str:
        with pytest.raises(CommandError) as failed:
            self.run(file, *arguments)
        assert failed.value.returncode != 0
        return str(failed.value)
