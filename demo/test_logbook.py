"""An existing script, tested as it is. `exit_fail` raises `ScriptExit`."""

from pathlib import Path

import logbook
import pytest

from automation.sdk import Engine, ScriptExit


def test_an_entry_is_one_line_of_the_logbook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    logbook.run(Engine({"author": "Jane", "text": "all\nquiet"}))
    assert (tmp_path / "demo-logbook.txt").read_text().endswith(" Jane: all quiet\n")
    assert capsys.readouterr().out == "an entry by Jane\n"


def test_an_entry_without_text_fails() -> None:
    with pytest.raises(ScriptExit, match="needs an author") as ended:
        logbook.run(Engine({"author": "Jane", "text": " "}))
    assert ended.value.failed
