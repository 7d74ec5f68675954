"""A Python that records the environment of each process at its start, even if the process hides it later."""

import sysconfig
import venv
from pathlib import Path

_MODULE = """
import os
from contextlib import suppress

with suppress(OSError), open("/proc/self/environ", "rb") as given, open(f"{notes}/{{os.getpid()}}", "ab") as note:
    note.write(given.read())
"""


class Witness:
    """`python` is this interpreter with these packages, in an environment of its own below `directory`."""

    def __init__(self, directory: Path) -> None:
        self._notes = directory / "notes"
        self._notes.mkdir(parents=True)
        builder = venv.EnvBuilder(symlinks=True)
        builder.create(directory / "venv")
        self.python = str(directory / "venv" / "bin" / "python")
        (lib,) = (directory / "venv" / "lib").glob("python*/site-packages")
        (lib / "witness.py").write_text(_MODULE.format(notes=self._notes))
        packages = sysconfig.get_path("purelib")
        (lib / "witness.pth").write_text(f"import witness\nimport site; site.addsitedir({packages!r})\n")

    def environments(self) -> dict[int, str]:
        """The environments by process id, one after the other where a process became another program."""
        return {int(note.name): note.read_text(errors="replace") for note in self._notes.iterdir()}
