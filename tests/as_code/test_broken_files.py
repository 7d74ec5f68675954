"""A broken file is refused with a clear message for each fault, with file and line, and changes nothing."""

import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from as_code.entries import Fault, RefusedImportError
from as_code.importer import import_files
from as_code.permissions import Actor
from automation.models import AutomationScript
from testbed.publisher import ECHO, Publisher
from testbed.stack import ROOT
from tests.as_code import schema
from tests.as_code.conftest import GOOD, import_apis, refused

pytestmark = pytest.mark.django_db

RUNNABLE = "def run(engine): pass\n"
T = "tokens:\n  - name: a\n"
S = "scripts:\n  - name: s\n    source: status.py\n"
D = S + "definitions:\n  - route: r\n    script: s\n"
ID = "2faa728c-218d-4139-8aa1-8f033c60dd07"


@dataclass(frozen=True)
class Broken:
    """A file, the line of its fault, a part of the message, and whether the schema for editors refuses it too."""

    text: str | bytes
    line: int
    says: str
    is_against_schema: bool = False


_ARROW = re.compile(r" *<(==|--) (.*)")


def _written_down() -> Iterator[tuple[str, Broken]]:
    _, *cases = (Path(__file__).parent / "broken.txt").read_text().split("=== ")
    for case in cases:
        name, text = case.rstrip().split("\n", 1)
        ((line, arrow),) = [(n, found) for n, one in enumerate(text.split("\n"), 1) if (found := _ARROW.search(one))]
        yield name, Broken(_ARROW.sub("", text) + "\n", line, arrow[2], arrow[1] == "==")


MADE = {
    "empty file": Broken("", 1, "is empty", True),
    "open bracket": Broken("tokens: [\n", 2, "not valid YAML", True),
    "too deep": Broken("tokens: " + "[" * 100_000 + "\n", 1, "nested deeper", True),
    "no UTF-8": Broken(T.encode() + b"    key: \xff\n", 1, "is not UTF-8"),
    "UTF-16": Broken(T.encode("utf-16"), 1, "is not UTF-8"),
    "control character": Broken(T + "    key: a\x07\n", 3, "U+0007", True),
    "NUL": Broken(T + "    key: \0\n", 3, "U+0000", True),
    "huge file": Broken("#" + "x" * 10 * 1024 * 1024 + "\n", 1, "is larger than", True),
    "time-out of 5,000 digits": Broken(S + f"    timeoutSeconds: {'9' * 5000}\n", 4, "must be a whole number", True),
}
BROKEN = MADE | dict(_written_down())


@pytest.fixture
def broken(files):
    """Writes a file beside a pipe, a directory and links."""
    main = files()
    place = main.parent
    (place.parent / "status.py").write_text(ECHO)
    (place / "link.py").symlink_to("status.py")
    (place / "linked").symlink_to(".")
    (place / "folder.py").mkdir()
    os.mkfifo(place / "pipe.py")
    sources = {"library.py": "x = 1\n", "imports.py": f"from scripts.text_tools import x\n{ECHO}", "runs.py": RUNNABLE}
    for name, source in sources.items():
        (place / name).write_text(source)
    return files


@pytest.mark.parametrize("name", BROKEN)
def test_each_fault_is_named_with_file_and_line(broken, name):
    case = BROKEN[name]
    message = refused(broken(case.text))
    first = message.splitlines()[0]
    assert re.match(rf".*files/apis\.yaml:{case.line}: ", first), first
    assert case.says in first
    assert message.endswith(" fault(s), nothing was changed.")


SCHEMA: Any = json.loads(schema.FILE.read_text())


def _fits_schema(text: str) -> bool:
    return bool(Draft202012Validator(SCHEMA).is_valid(yaml.safe_load(text)))


def test_the_schema_is_valid_and_accepts_good_files():
    Draft202012Validator.check_schema(SCHEMA)
    for text in (GOOD, D, T, (ROOT / "demo" / "apis.yaml").read_text()):
        assert _fits_schema(text)


def test_the_schema_describes_the_properties_as_they_are():
    assert schema.FILE.read_text() == schema.renewed(), schema.__doc__


@pytest.mark.parametrize("name", [name for name, case in BROKEN.items() if case.is_against_schema])
def test_the_schema_refuses_what_the_import_refuses(name):
    text = BROKEN[name].text
    assert isinstance(text, str)
    # Editors mark invalid YAML without a schema.
    with suppress(yaml.YAMLError, ValueError, RecursionError):
        assert not _fits_schema(text)


def test_faults_of_several_entries_are_listed_together(broken):
    message = refused(broken("tokens:\n  - name: 1\n  - nam: a\nscripts:\n  - name: s\n    source: gone.py\nx: 1\n"))
    assert re.findall(r"apis\.yaml:(\d+): ", message) == ["2", "3", "3", "6", "7"]


FAULTY = """\
scripts:
  - name: s
    source: status.py
    timeoutSeconds: 0
    memoryLimitMb: much
    parameters: [1, a, 2]
    colour: red
  - name: t
    source: broken.py
    reuse: never
tokens:
  - name: ' '
    isDisabled: maybe
    rateLimit: {limit: a, windowSeconds: b}
  - name: 1
    rateLimit: {limit: 101, windowSeconds: 1}
definitions:
  - route: r
    script: t
    allowedTokens: [nobody]
    name: ' '
    description: 1
  - route: R/
    script: nobody
    inputType: Xml
  - id: 2faa728c-218d-4139-8aa1-8f033c60dd07
    route: taken
    script: s
    name: ' '
    inputType: 1
"""


def test_every_fault_of_every_entry_is_named(broken):
    other = Publisher()(route="taken").definition
    *found, _ = refused(broken(FAULTY, **{"broken.py": "def run(engine:\n    pass\n"})).splitlines()
    short = [re.sub(r" \(\S+:(\d+)\)", r" (\1)", line) for line in found]
    assert [re.sub(r".*files/(\w+)\.\w+:(\d+): (.{30}).*", r"\1:\2 \3", line) for line in short] == [
        "apis:4 script 's': A time-out is 1 to",
        "apis:5 memoryLimitMb must be a whole ",
        "apis:6 parameters must be a string: p",
        "apis:6 parameters must be a string: p",
        "apis:7 unknown property 'colour' of a",
        "apis:10 script 't': Reuse is one of: w",
        "apis:12 token ' ': A name of 1 to 200 ",
        "apis:13 isDisabled must be true or fal",
        "apis:14 rateLimit must be a whole numb",
        "apis:14 rateLimit must be a whole numb",
        "apis:15 name must be a string: put it ",
        "apis:16 the token: A rate limit needs ",
        # Token 15 may be the one that is meant here, so that "nobody" is not called unknown.
        "apis:21 definition 'r': A name is not ",
        "apis:22 description must be a string: ",
        "apis:23 invalid route 'R/': The route ",
        "apis:24 unknown script 'nobody': it is",
        "apis:24 definition 'R/': The input typ",
        "apis:27 definition 'taken': The API de",
        "apis:29 definition 'taken': A name is ",
        "apis:30 inputType must be a string: pu",
        "broken:1 script 't' (8): '(' was never ",
    ]
    assert f"The API definition {other.pk} matches the same paths" in str(found)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        # The broken entry may be the one that the definition names, or the stored object that would be pruned.
        (f"{S}  - nam: x\n    source: status.py\ndefinitions:\n  - route: r\n    script: x\n", [4, 4]),
        ("tokens:\n  - name: 1\ndefinitions: []\n", [2]),
        # One script takes the name that the other, broken one gives up.
        (
            f"scripts:\n  - id: {ID}\n    name: new\n    source: 1\n{S.removeprefix('scripts:')[1:]}definitions: []\n",
            [4],
        ),
    ],
    ids=["reference", "prune", "exchange"],
)
def test_a_fault_is_not_followed_by_its_consequences(broken, text, lines):
    AutomationScript.objects.create(id=ID, name="s", source=ECHO)
    Publisher()(route="stored", token=Publisher().token(name="1"))
    message = refused(broken(text), "--prune")
    assert re.findall(r"apis\.yaml:(\d+): ", message) == [str(line) for line in lines]


def test_a_refused_digest_hides_no_other_fault(broken):
    text = "tokens:\n  - name: ' '\n    secretDigest: {pepperId: 1, pepperCheck: '0', value: '0'}\n"
    name, digest, _ = refused(broken(text)).splitlines()
    assert "apis.yaml:2: token ' ': A name of 1 to 200" in name
    assert "apis.yaml:3: token ' ': the digest was made with a pepper that is not active here" in digest


def test_a_script_that_does_not_compile_is_named_with_its_own_line(broken):
    message = refused(broken(D, **{"status.py": "import os\ndef run(engine:\n    pass\n"}))
    assert re.match(r".*files/status\.py:2: script 's' \(\S+apis\.yaml:2\): '\(' was never closed", message)
    message = refused(broken(D, **{"status.py": "x = 1\n"}))
    assert re.match(r".*files/status\.py:1: script 's' \(\S+apis\.yaml:2\): A script needs a function", message)


def test_a_route_in_use_names_the_other_definition(broken):
    other = Publisher()(route="R").definition
    text = D + f"    id: {ID}\n"
    assert f"apis.yaml:5: definition 'r': The API definition {other.pk} matches the same paths" in refused(broken(text))


def test_a_name_that_several_stored_tokens_have_is_refused(broken):
    twins = [Publisher().token(name="a")[0] for _ in range(2)]
    message = refused(broken(T))
    assert "apis.yaml:2: several tokens have the name 'a'" in message
    assert all(str(twin.pk) in message for twin in twins)


def test_nested_aliases_are_refused_at_once(broken):
    bomb = "a: &a [x,x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)},*{chr(97 + n)}]\n" for n in range(24)
    )
    begun = time.monotonic()
    assert "anchors and aliases" in refused(broken(bomb))
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize("path", ["gone.yaml", ".", "/dev/zero", "pipe.py"])
def test_a_path_that_is_not_a_readable_file_is_refused(broken, path):
    assert f"{path}:1: the file" in refused(broken().parent / path) or path == "."
    assert "nothing was changed" in refused(broken().parent / path)


def test_two_files_are_checked_as_one_set(files, tmp_path):
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
def test_a_damaged_file_is_imported_or_refused_with_a_sentence(files, changes):
    text = GOOD
    for start, length, piece in changes:
        text = text[:start] + piece + text[start + length :]
    main: Path = files(text)
    faults = _faults(main)
    assert faults is None or (faults and all(fault.position.line >= 1 and fault.message for fault in faults))


def _faults(main: Path) -> tuple[Fault, ...] | None:
    try:
        import_files([main], Actor(), dry_run=True, prune=True)
    except RefusedImportError as error:
        return error.faults
    return None


def test_a_good_file_is_imported(files):
    assert "definitions: 1 added" in import_apis(files())
