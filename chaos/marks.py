"""A script that leaves a mark for each run, so that a run too many is noticed."""

import json
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path

_SOURCE = """
import json, os, time
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    file = os.open({file!r}, os.O_WRONLY | os.O_APPEND)
    os.write(file, (json.dumps([request.raw_body, time.time()]) + "\\n").encode())
    os.close(file)
    time.sleep(float(request.query_parameters.get("seconds", "0")))
    return ApiTriggerOutput(response_body=request.raw_body)
"""


class Marks:
    """A file that a script of any account may append to; deleted at the end of the `with` block.

    It is below `state_dir`, the only directory of the stack that scripts may write to.
    """

    def __init__(self, state_dir: Path) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="marks-", dir=state_dir))
        self._directory.chmod(0o755)
        self._file = self._directory / "marks"
        self._file.touch()
        self._file.chmod(0o666)

    def __enter__(self) -> "Marks":
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def source(self) -> str:
        """A script that records its body as a marker, sleeps for the `seconds` of the query, and echoes the body."""
        return _SOURCE.format(file=os.fspath(self._file))

    def runs(self) -> Counter[str]:
        """How often each marker has run."""
        return Counter(marker for marker, _ in self._lines())

    def begun(self) -> dict[str, float]:
        """The time of day at which each marker's last run began."""
        return dict(self._lines())

    def twice(self) -> list[str]:
        """The markers that ran more than once."""
        return [marker for marker, times in self.runs().items() if times > 1]

    def _lines(self) -> list[tuple[str, float]]:
        return [(marker, begun) for marker, begun in map(json.loads, self._file.read_text().splitlines())]
