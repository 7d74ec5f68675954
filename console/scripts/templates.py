"""Scripts to start from: those of the demo."""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from automation.source import Contents, contents_of


@dataclass(frozen=True)
class Template:
    """A script to start from."""

    name: str
    source: str
    contents: Contents

    @property
    def text(self) -> str:
        """What it shows, in a line."""
        return next(iter(self.contents.docstring.splitlines()), "")

    @property
    def parameters(self) -> list[str]:
        """The script parameters that it asks for."""
        return list(self.contents.parameters)


def templates() -> list[Template]:
    """Every script of the demo, by name; its tests are none."""
    sources = {file.stem: file.read_text("utf-8") for file in sorted(_files()) if file.is_file()}
    return [Template(*one) for one in zip(sources, sources.values(), contents_of(list(sources.values())), strict=True)]


def template(name: str) -> Template | None:
    """The one of this name."""
    return next((each for each in templates() if each.name == name), None)


def _files() -> list[Path]:
    directory: Path = settings.BASE_DIR / "demo"
    return [file for file in directory.glob("*.py") if not file.name.startswith(("test_", "_"))]
