"""Scripts to start from: those of the demo."""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from automation.source import docstring, parameters_asked_for


@dataclass(frozen=True)
class Template:
    """A script to start from."""

    name: str
    source: str

    @property
    def text(self) -> str:
        """What it shows, in a line."""
        return next(iter(docstring(self.source).splitlines()), "")

    @property
    def parameters(self) -> list[str]:
        """The script parameters that it asks for."""
        return parameters_asked_for(self.source)


def templates() -> list[Template]:
    """Every script of the demo, by name; its tests are none."""
    return [Template(file.stem, file.read_text("utf-8")) for file in sorted(_files()) if file.is_file()]


def template(name: str) -> Template | None:
    """The one of this name."""
    return next((each for each in templates() if each.name == name), None)


def _files() -> list[Path]:
    directory: Path = settings.BASE_DIR / "demo"
    return [file for file in directory.glob("*.py") if not file.name.startswith(("test_", "_"))]
