"""What blocks may ask for, and what they ask for together."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from automation.requirements import RequirementError, Requirements, check, combined, names
from automation.source import Block
from foundation.python_specifiers import lowest


def block(*dependencies: str, python: str = "") -> Block:
    return Block(1, python, tuple(enumerate(dependencies, start=3)))


def refused(block: Block, allowed: frozenset[str] | None = None) -> tuple[int | None, str]:
    with pytest.raises(RequirementError) as error:
        check(block, allowed)
    return error.value.line, error.value.message


@pytest.mark.parametrize(
    "text",
    [
        "six",
        "httpx[http2,socks] >= 0.27, < 1",
        "ruamel.yaml~=0.18.0",
        "tzdata; sys_platform == 'win32' and python_version < '3.13'",
        "six==1.*",
        "six (>=1.16)",
        "six==1!2.0+local.1",
    ],
)
def test_names_versions_extras_and_markers_are_accepted(text):
    check(block(text, python=">=3.11"), None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("six @ file:///etc/passwd", "not a file or an address"),
        ("six @ https://u:hidden@example.org/six.whl", "not a file or an address"),
        ("six@https://u:hidden@example.org/six.whl ; python_version > '3'", "not a file or an address"),
        ("https://u:hidden@example.org/six-1-py3-none-any.whl", "not a file or an address"),
        ("git+ssh://git@example.org/hidden", "not a file or an address"),
        ("file:hidden", "not a file or an address"),
        ("./hidden", "not a file or an address"),
        ("hidden/six.whl", "not a file or an address"),
        ("C:\\hidden", "not a file or an address"),
        (".", "not a file or an address"),
        ("~hidden", "not a file or an address"),
        ("-r requirements.txt", "not an option: -r requirements.txt."),
        ("--index-url=x", "not an option: --index-url=x."),
        (" -e x", "not an option: "),
        ("six\n--index-url x", "cannot be printed"),
        ("six\x00", "cannot be printed"),
        ("six\u202e", "cannot be printed"),
        ("", "“” is not a dependency"),
        ("six lxml", "“six lxml” is not a dependency, such as httpx>=0.27: "),
        ("six=1", "“six=1” is not a dependency"),
        ("six>=one", "“six>=one” is not a dependency"),
        ("six===any", "“six===any” is not a dependency"),
        ("six==" + "9" * 5_000, "9…” is not a dependency"),
        ("six; os_name", "“six; os_name” is not a dependency"),
        ("six; " + "(" * 7_000, "(…” is not a dependency"),
        ("six_", "“six_” is not a dependency"),
        ("six[a_]", "“six[a_]” is not a dependency"),
        ("_six", "“_six” is not a dependency"),
    ],
    ids=lambda text: repr(text[:12]),
)
def test_anything_else_is_refused_with_its_line(text, says):
    line, message = refused(block("lxml", text))
    assert line == 4
    assert says in message
    assert "hidden" not in message
    assert len(message) < 400


def test_only_allowed_names_are_accepted_however_they_are_spelled():
    allowed = frozenset({"pyyaml", "ruamel-yaml"})
    check(block("PyYAML>=6", "ruamel.yaml", "ruamel_yaml"), allowed)
    assert refused(block("PyYAML", "Six[a]>1"), allowed) == (
        4,
        "The package six is not one of those that scripts may have.",
    )


@pytest.mark.parametrize(
    "python", ["3.11", ">=three", ">=3.11;", "===3.11.x", ">=3." + "9" * 5_000, "\x00", "@ x", "*"]
)
def test_a_version_of_python_that_cannot_be_read_is_refused(python):
    line, message = refused(block(python=python))
    assert line == 1
    assert message.startswith(("requires-python is one or more versions", "No version of Python from 3.11 on is"))


@pytest.mark.parametrize(
    "python", ["<3.11", "==3.10.*", ">=3.12,<3.12", ">=4", "!=3.*", "==3.11.1,!=3.11.1", ">=3.100"]
)
def test_versions_that_no_python_has_are_refused(python):
    line, message = refused(block(python=python))
    assert line == 1
    assert message.startswith("No version of Python from 3.11 on is ")


@pytest.mark.parametrize(
    ("python", "expected"),
    [
        ("", "3.11"),
        (">=3.8", "3.11"),
        (">3", "3.11"),
        ("<4", "3.11"),
        (">=3.11", "3.11"),
        (">=3.12", "3.12"),
        ("~=3.12", "3.12"),
        ("==3.13.*", "3.13"),
        (">=3.12.4", "3.12.4"),
        ("~=3.12.4", "3.12.4"),
        (">3.11.4,<3.12", "3.11.5"),
        ("!=3.11.*", "3.12"),
        (">=3.11,!=3.11.0,!=3.11.1", "3.11.2"),
        ("!=3.11.*,!=3.12.*,!=3.13.0", "3.13.1"),
        ("==3.14.2", "3.14.2"),
        (">=3.13.0rc1", "3.13"),
    ],
)
def test_the_lowest_python_is_that_of_all_specifiers(python, expected):
    check(block(python=python), None)
    assert lowest(SpecifierSet(combined([block(python=python)]).requires_python)) == expected


def test_what_several_blocks_ask_for_is_joined_and_normalised():
    script = block("HTTPX [socks,http2]>=0.27, <1", "six", python=">=3.12, <4")
    library = block("six", "Six>1", "tzdata;sys_platform=='win32'", python="<4")
    together = combined([script, library])
    assert together == Requirements(
        "<4,>=3.12", ("httpx[http2,socks]<1,>=0.27", "six", "six>1", 'tzdata; sys_platform == "win32"')
    )
    assert names(together) == {"httpx", "six", "tzdata"}
    assert combined([library, script]) == together
    assert Requirements.from_json(together.to_json()) == together
    assert combined([library, script]).digest == together.digest != combined([script]).digest


def test_blocks_that_each_hold_may_not_hold_together():
    with pytest.raises(RequirementError) as error:
        combined([block(python="<3.12"), block(python=">=3.12")])
    assert error.value.line is None
    assert error.value.message == "No version of Python from 3.11 on is <3.12,>=3.12, as requires-python says."


def test_the_specifiers_of_python_are_limited():
    long = ",".join(f"!=3.12.{number}" for number in range(99))
    assert refused(block(python=long)) == (
        1,
        "requires-python has at most 200 characters, together with that of libraries.",
    )


def test_blocks_that_ask_for_nothing_are_no_requirements():
    assert not combined([])
    assert not combined([block(), block()])
    assert combined([block(python=">=3.11")])
    assert combined([block("six")])


PIECES = [
    "six",
    "Six.a",
    "[",
    "]",
    "x",
    ",",
    ">=",
    "==",
    "~=",
    "===",
    "1",
    "1.*",
    ";",
    "os_name",
    "'a'",
    "(",
    "and",
    "@",
]
TEXTS = st.one_of(
    st.text(max_size=30), st.lists(st.sampled_from([*PIECES, " ", "/", "-", "\n"]), max_size=12).map("".join)
)


@given(TEXTS, TEXTS)
@example("six===x", "===x")
def test_no_text_of_a_block_is_more_than_refused(dependency, python):
    tried = Block(1, python, ((2, dependency),))
    try:
        check(tried, None)
    except RequirementError:
        return
    together = combined([tried])
    assert combined([Block(1, together.requires_python, tuple(enumerate(together.dependencies)))]) == together
    assert names(together)
