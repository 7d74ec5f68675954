"""Broken files: a clear message each, with file and line, and nothing changed."""

import json
import os
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from as_code.actors import Actor
from as_code.faults import Fault, RefusedImportError
from as_code.importing import import_files
from tests.as_code.conftest import GOOD, import_apis, refused
from tests.publishing import ECHO, Publisher
from tests.stack import ROOT

pytestmark = pytest.mark.django_db

T = "tokens:\n  - name: a\n"
S = "scripts:\n  - name: s\n    source: status.py\n"
D = S + "definitions:\n  - route: r\n    script: s\n"
ID = "2faa728c-218d-4139-8aa1-8f033c60dd07"

# name: (file, line, what the message says, whether the editor's schema refuses it too)
BROKEN: dict[str, tuple[str | bytes, int, str, bool]] = {
    "empty file": ("", 1, "is empty", True),
    "only a comment": ("# nothing\n", 1, "is empty", True),
    "no mapping": ("- a\n", 1, "must be a mapping", True),
    "a text": ("hello\n", 1, "must be a mapping", True),
    "syntax": ("tokens:\n  - name: a\n   b: c\n", 3, "no valid YAML", True),
    "open bracket": ("tokens: [\n", 2, "no valid YAML", True),
    "tab for indent": ("tokens:\n\t- name: a\n", 2, "no valid YAML", True),
    "unknown section": (T + "token: []\n", 3, "unknown section 'token'", True),
    "section twice": (T + "tokens: []\n", 3, "there twice, first in line 1", False),
    "section no list": ("tokens:\n  name: a\n", 2, "tokens must be a list", True),
    "section null": ("tokens:\n", 1, "tokens must be a list", True),
    "entry no mapping": ("tokens:\n  - a\n", 2, "must be a mapping", True),
    "entry null": ("tokens:\n  -\n", 2, "must be a mapping", True),
    "unknown property": (T + "    rout: x\n", 3, "unknown property 'rout'", True),
    "a secret": (T + "    secret: x\n", 3, "unknown property 'secret'", True),
    "property twice": (T + "    name: b\n", 3, "there twice, first in line 2", False),
    "name is a number": ("tokens:\n  - name: 12\n", 2, "name must be text: put it in quotes", True),
    "name is a flag": ("tokens:\n  - name: yes\n", 2, "name must be text: put it in quotes", True),
    "name is a date": ("tokens:\n  - name: 2026-01-01\n", 2, "name must be text", False),
    "name is null": ("tokens:\n  - name:\n", 2, "name must be text", True),
    "name is a list": ("tokens:\n  - name: [a]\n", 2, "name must be text", True),
    "key is no text": ("tokens:\n  - 1: a\n    name: b\n", 2, "a name must be text", False),
    "no name": ("tokens:\n  - isDisabled: true\n", 2, "the token has no name", True),
    "blank name": ("tokens:\n  - name: ' '\n", 2, "A name of 1 to 200", True),
    "long name": (f"tokens:\n  - name: {'x' * 201}\n", 2, "A name of 1 to 200", True),
    "flag is text": (T + "    isDisabled: 'true'\n", 3, "isDisabled must be true or false", True),
    "flag in YAML 1.1": (T + "    isDisabled: on\n", 3, "isDisabled must be true or false", False),
    "half a rate limit": (T + "    rateLimit: {limit: 1}\n", 3, "must have exactly limit, windowSeconds", True),
    "rate limit too high": (T + "    rateLimit: {limit: 101, windowSeconds: 1}\n", 3, "rate limit needs", True),
    "rate limit is a number": (T + "    rateLimit: 5\n", 3, "rateLimit must be a mapping", True),
    "id is none": (T + "    id: 17\n", 3, "id must be text", True),
    "id in other form": (T + f"    id: {ID.upper()}\n", 3, f"must be written as {ID}", True),
    "id twice": (f"{T}    id: {ID}\n  - name: b\n    id: {ID}\n", 5, "the same id as the token at", False),
    "key twice": (T + "  - name: a\n", 3, "the same key as the token at", False),
    "anchor": ("tokens:\n  - &x\n    name: a\n", 2, "anchors and aliases", False),
    "tag": ("tokens:\n  - name: !!python/object/apply:os.system [ls]\n", 2, "tags", True),
    "local tag": ("tokens:\n  - name: !x a\n", 2, "tags", True),
    "second document": (T + "---\n" + T, 3, "a second document", True),
    "too deep": ("tokens: " + "[" * 100_000 + "\n", 1, "nested deeper", True),
    "no UTF-8": (T.encode() + b"    key: \xff\n", 1, "is not UTF-8", True),
    "UTF-16": (T.encode("utf-16"), 1, "is not UTF-8", True),
    "control character": (T + "    key: a\x07\n", 3, "U+0007", True),
    "NUL": (T + "    key: \0\n", 3, "U+0000", True),
    "half a character": (T + '    key: "\\ud800"\n', 3, "no valid YAML", False),
    "huge file": ("#" + "x" * 10 * 1024 * 1024 + "\n", 1, "is larger than", True),
    "no source": ("scripts:\n  - name: s\n", 2, "the script has no source", True),
    "source missing": (S.replace("status", "gone"), 3, "No such file", False),
    "source is a directory": (S.replace("status.py", "folder.py"), 3, "Is a directory", False),
    "source outside": (S.replace("status", "../status"), 3, "leads outside", True),
    "source far outside": (S.replace("status", "a/../../status"), 3, "leads outside", True),
    "source absolute": (S.replace("status.py", "/etc/passwd.py"), 3, "leads outside", True),
    "source is no script": (S.replace("status.py", "apis.yaml"), 3, "is no .py file", True),
    "source is a link": (S.replace("status", "link"), 3, "symbolic link", False),
    "source below a link": (S.replace("status", "linked/status"), 3, "symbolic link", False),
    "source is a pipe": (S.replace("status", "pipe"), 3, "is no regular file", False),
    "source with a NUL": (S.replace("status.py", '"a\\0.py"'), 3, "leads outside", False),
    "time-out zero": (S + "    timeoutSeconds: 0\n", 4, "A time-out is", True),
    "time-out is octal": (S + "    timeoutSeconds: 017\n", 4, "must be a whole number", False),
    "time-out of 5,000 digits": (S + f"    timeoutSeconds: {'9' * 5000}\n", 4, "must be a whole number", True),
    "time-out is a fraction": (S + "    timeoutSeconds: 1.5\n", 4, "whole number", True),
    "unknown reuse": (S + "    reuse: never\n", 4, "Reuse is one of", True),
    "parameter twice": (S + "    parameters: [a, a]\n", 4, "none empty or given twice", True),
    "parameters is text": (S + "    parameters: a\n", 4, "parameters must be a list", True),
    "script name twice": (S + "  - name: s\n    source: status.py\n", 4, "the same name as the script at", False),
    "no route": (S + "definitions:\n  - script: s\n", 5, "the definition has no route", True),
    "invalid route": (D.replace("route: r", "route: /r"), 5, "invalid route '/r'", True),
    "empty route": (D.replace("route: r", "route: ''"), 5, "The route is empty", True),
    "route with a dot": (D.replace("route: r", "route: a/../b"), 5, "segment . or ..", False),
    "two placeholders alike": (D.replace("route: r", "route: '{a}/{a}'"), 5, "same name", False),
    "route twice": (D.replace("  - route: r", "  - route: R\n    script: s\n  - route: r"), 7, "same route as", False),
    "unknown script": (D.replace("script: s", "script: x"), 6, "unknown script 'x'", False),
    "unknown token": (D + "    allowedTokens: [nobody]\n", 7, "unknown token 'nobody'", False),
    "unknown action type": (D + "    actionType: Shell\n", 7, "The action type is unknown", True),
    "unknown input type": (D + "    inputType: Xml\n", 6, "input type does not fit", True),
    "no such entry point": (D + "    actionType: AutomationScriptNoEntryPoint\n", 6, "has no function run", False),
}  # fmt: skip


@pytest.fixture
def broken(files):
    """Writes a file beside which lie a pipe, a directory and links."""
    main = files()
    place = main.parent
    (place.parent / "status.py").write_text(ECHO)
    (place / "link.py").symlink_to("status.py")
    (place / "linked").symlink_to(".")
    (place / "folder.py").mkdir()
    os.mkfifo(place / "pipe.py")
    return files


@pytest.mark.parametrize("name", BROKEN)
def test_each_fault_is_named_with_file_and_line(broken, name):
    text, line, says, _ = BROKEN[name]
    message = refused(broken(text))
    first = message.splitlines()[0]
    assert re.match(rf".*files/apis\.yaml:{line}: ", first), first
    assert says in first
    assert message.endswith(" fault(s), nothing was changed.")


SCHEMA: Any = json.loads((ROOT / "as_code" / "schema.json").read_text())


def _fits_schema(text: str) -> bool:
    return bool(Draft202012Validator(SCHEMA).is_valid(yaml.safe_load(text)))


def test_the_schema_is_one_and_takes_good_files():
    Draft202012Validator.check_schema(SCHEMA)
    for text in (GOOD, D, T, (ROOT / "demo" / "apis.yaml").read_text()):
        assert _fits_schema(text)


@pytest.mark.parametrize("name", [name for name, case in BROKEN.items() if case[3] and isinstance(case[0], str)])
def test_an_editor_refuses_it_too(name):
    text = BROKEN[name][0]
    assert isinstance(text, str)
    # What is no YAML at all, an editor notices anyway.
    with suppress(yaml.YAMLError, ValueError, RecursionError):
        assert not _fits_schema(text)


def test_all_faults_at_once(broken):
    message = refused(broken("tokens:\n  - name: 1\n  - nam: a\nscripts:\n  - name: s\n    source: gone.py\nx: 1\n"))
    assert re.findall(r"apis\.yaml:(\d+): ", message) == ["2", "3", "3", "6", "7"]


def test_a_script_that_does_not_compile_is_named_with_its_own_line(broken):
    message = refused(broken(D, **{"status.py": "import os\ndef run(engine:\n    pass\n"}))
    assert re.match(r".*files/status\.py:2: the script does not compile", message)
    message = refused(broken(D, **{"status.py": "x = 1\n"}))
    assert re.match(r".*files/status\.py:1: script 's': A script needs a function", message)


def test_a_route_in_use_is_named(broken):
    other = Publisher()(route="R").definition
    text = D + f"    id: {ID}\n"
    assert f"apis.yaml:5: definition 'r': The API definition {other.pk} matches the same paths" in refused(broken(text))


def test_a_token_that_cannot_be_told_from_another(broken):
    twins = [Publisher().token(name="a")[0] for _ in range(2)]
    message = refused(broken(T))
    assert "apis.yaml:2: several tokens have the name 'a'" in message
    assert all(str(twin.pk) in message for twin in twins)


def test_a_bomb_of_aliases_ends_at_once(broken):
    bomb = "a: &a [x,x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)},*{chr(97 + n)}]\n" for n in range(24)
    )
    begun = time.monotonic()
    assert "anchors and aliases" in refused(broken(bomb))
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize("path", ["gone.yaml", ".", "/dev/zero", "pipe.py"])
def test_a_file_that_is_none(broken, path):
    assert f"{path}:1: the file" in refused(broken().parent / path) or path == "."
    assert "nothing was changed" in refused(broken().parent / path)


def test_two_files_are_one_set(files, tmp_path):
    main = files(T)
    more = tmp_path / "more.yaml"
    more.write_text(T)
    assert f"more.yaml:2: the same key as the token at {main}:2" in refused(main, more)


_PIECES = st.sampled_from(
    ["", "\n", " ", ":", "-", "[", "]", "{", "}", "&a ", "*a", "!!str ", "? ", "'", '"', "\0", "é", "null", "1", "true",
     "|\n", "%TAG ! x\n", "---\n", "<<: ", "../", "💣", "\t", "#", "~", "id: ", ID, "key: x", "route", "name: "]
)  # fmt: skip


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, len(GOOD)), st.integers(0, 12), _PIECES), min_size=1, max_size=4))
def test_whatever_is_changed_in_a_good_file_ends_in_a_sentence(files, changes):
    text = GOOD
    for start, length, piece in changes:
        text = text[:start] + piece + text[start + length :]
    main: Path = files(text)
    faults = _faults(main)
    assert faults is None or (faults and all(fault.place.line >= 1 and fault.message for fault in faults))


def _faults(main: Path) -> tuple[Fault, ...] | None:
    try:
        import_files([main], Actor(), dry_run=True, prune=True)
    except RefusedImportError as error:
        return error.faults
    return None


def test_the_good_file_is_good(files):
    assert "definitions: 1 added" in import_apis(files())
