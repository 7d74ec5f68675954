"""An existing script, tested as it is: it ends by `exit_fail`, which is `ScriptExit` to a test."""

from pathlib import Path

import logbook
import pytest

from automation.sdk import Engine, ScriptExit


def test_an_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    logbook.run(Engine({"author": "Jane", "text": "all\nquiet"}))
    assert (tmp_path / "demo-logbook.txt").read_text().endswith(" Jane: all quiet\n")
    assert capsys.readouterr().out == "an entry by Jane\n"


def test_an_empty_entry_fails() -> None:
    with pytest.raises(ScriptExit, match="needs an author") as ended:
        logbook.run(Engine({"author": "Jane", "text": " "}))
    assert ended.value.failed
