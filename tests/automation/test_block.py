"""The block of PEP 723 in a source: where it is, what it says, and what is wrong with it."""

import re
import tomllib

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from automation import inspection
from automation.inspection import LARGEST_BLOCK, MOST_DEPENDENCIES
from automation.source import Block, compile_error, contents

RUN = "def run(engine): pass\n"

# As in PEP 723.
REFERENCE = re.compile(r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$")


def with_block(*lines: str) -> str:
    return "\n".join(["# /// script", *(f"# {line}" if line else "#" for line in lines), "# ///", RUN])


def block_of(source: str) -> Block | None:
    found = contents(source)
    assert found.error is None
    return found.block


def error_of(source: str) -> tuple[int | None, str]:
    error = compile_error(source)
    assert error is not None
    return error.line, error.message


def test_a_block_is_read_with_the_line_of_each_dependency():
    lines = [
        'requires-python = ">=3.11"  # as the product',
        "dependencies = [",
        '  # "six",',
        '  "httpx>=0.27",',
        "",
        '  \'lxml\', "six", """attrs""",',
        '  "h\\u0074tpx",',
        "]",
    ]
    source = "import os\n\n" + with_block(*lines)
    expected = [(7, "httpx>=0.27"), (9, "lxml"), (9, "six"), (9, "attrs"), (10, "httpx")]
    assert block_of(source) == Block(3, ">=3.11", tuple(expected))
    assert block_of(source.replace("\n", "\r\n")) == Block(3, ">=3.11", tuple(expected))
    assert block_of(source.replace("\n", "\r")) == Block(3, ">=3.11", tuple(expected))


@pytest.mark.parametrize(
    "lines",
    [
        ['dependencies = ["a", "b"]', 'requires-python = "a"'],
        ["'requires-python' = 'a'", '"dependencies" = ["a", "b"]'],
    ],
)
def test_keys_and_the_version_of_python_are_not_taken_for_dependencies(lines):
    line = 2 + next(number for number, text in enumerate(lines) if "dependencies" in text)
    assert block_of(with_block(*lines)) == Block(1, "a", ((line, "a"), (line, "b")))


def test_a_block_may_say_nothing():
    assert block_of(with_block("")) == Block(1, "", ())
    assert block_of(with_block("dependencies = []")) == Block(1, "", ())


@pytest.mark.parametrize(
    "source",
    [
        RUN,
        f"# /// script\n# dependencies = [1]\n{RUN}",
        f"# /// script\n# dependencies = [1]\n\n# ///\n{RUN}",
        f"# /// script\n# dependencies = [1]\n#closed?\n# ///\n{RUN}",
        f"# /// script\n# ///\n{RUN}",
        f"# ///\n# dependencies = [1]\n# ///\n{RUN}",
        f" # /// script\n# dependencies = [1]\n# ///\n{RUN}",
        f"# /// script \n# dependencies = [1]\n# ///\n{RUN}",
        f"# /// pyproject\n# [tool.uv]\n# ///\n{RUN}",
        f"# /// other\n# /// script\n# dependencies = [1]\n# ///\n{RUN}",
    ],
)
def test_what_is_no_block_is_a_comment(source):
    assert block_of(source) is None


def test_a_block_of_another_type_may_stand_beside_it():
    source = "# /// other\n# x\n# ///\n\n" + with_block('dependencies = ["six"]')
    assert block_of(source) == Block(5, "", ((6, "six"),))


@pytest.mark.parametrize(
    ("lines", "line", "says"),
    [
        (["dependencies = []", "", "[tool.uv]", 'index-url = "https://example.org"'], 4, "no table [tool]"),
        (["dependencies = []", "tool.uv.offline = true"], 3, "no table [tool]"),
        (["[[tool]]"], 2, "no table [tool]"),
        (['name = "x"'], 2, "only requires-python and dependencies"),
        (["", '"" = 1'], 1, "only requires-python and dependencies"),
        (["dependencies = [", '  "six"', '  "lxml"', "]"], 4, "not TOML: Unclosed array"),
        (["dependencies = ["], 2, "not TOML: "),
        (["dependencies"], 2, "not TOML: Expected '='"),
        (["dependencies = []", "dependencies = []"], 3, "not TOML: "),
        (["x = " + "[" * 4_000], 1, "not TOML: "),
        (["x = " + "9" * 5_000], 1, "not TOML: "),
        (["", "requires-python = 3.11"], 3, 'such as ">=3.11"'),
        (["dependencies = 'six'"], 2, 'such as ["httpx>=0.27"]'),
        (["", "dependencies = ['six', 1]"], 3, 'such as ["httpx>=0.27"]'),
        (["dependencies.six = '1'"], 2, 'such as ["httpx>=0.27"]'),
        ([f"dependencies = {['six'] * (MOST_DEPENDENCIES + 1)}"], 2, "at most 100 dependencies"),
        (["#" * LARGEST_BLOCK, ""], 1, "more than 8,192 bytes"),
    ],
)
def test_a_wrong_block_is_an_error_with_its_line(lines, line, says):
    found = error_of(with_block(*lines))
    assert found[0] == line
    assert says in found[1]
    assert "(at " not in found[1]


def test_two_blocks_are_an_error_at_the_second():
    block = with_block("dependencies = []")
    assert error_of(block + block) == (5, "A source has one block of the type script, and this is the second.")


def test_a_block_ends_with_the_last_end_of_its_comment():
    source = f"# /// script\n# dependencies = []\n# ///\n# more\n# ///\n{RUN}"
    assert error_of(source)[0] == 3
    assert "not TOML" in error_of(source)[1]


def test_the_largest_block_is_read():
    names = [f"package-{number}" for number in range(MOST_DEPENDENCIES)]
    lines = [f"dependencies = {names}", ""]
    lines.append("#" * (LARGEST_BLOCK - len("\n".join(lines)) - 1))
    found = block_of(with_block(*lines))
    assert found is not None
    assert [text for _line, text in found.dependencies] == names


def test_a_source_of_nothing_but_beginnings_takes_no_time():
    assert block_of(RUN + "# /// script\n" * 19_000) is None


# Other tests may keep the machine busy.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

COMMENTS = st.sampled_from(["# /// script", "# /// a", "# ///", "#", "# x", "#x", "", "x = 1", "# /// script "])


@patient
@given(st.lists(COMMENTS, max_size=12), st.sampled_from(["", "\n"]))
def test_blocks_are_found_as_the_reference_finds_them(lines, end):
    source = "\n".join(lines) + end
    expected = [
        (source.count("\n", 0, found.start()) + 1, found["type"], re.sub("(?m)^# ?", "", found["content"]).splitlines())
        for found in REFERENCE.finditer(source)
    ]
    assert [(line, kind, text.split("\n")) for line, kind, text in inspection._blocks(source)] == expected


ITEMS = st.sampled_from(['"six"', "'six'", '"a#b"', "'''x'y''''", '"""a"b""""', '"\\"#"', '"""\\\n  z"""', "''", '""'])


@patient
@given(st.lists(st.tuples(ITEMS, st.sampled_from(["", "\n", " # 'six', \"\n", "\n\n# ''' \n"])), max_size=6))
@example([('"""""x"""""', "")])
def test_the_lines_of_dependencies_are_those_of_their_texts(items):
    text = "dependencies = [" + "".join(f"{item},{space}" for item, space in items) + "]"
    dependencies = tomllib.loads(text)["dependencies"]
    starts = [len("dependencies = [") + sum(len(f"{i},{s}") for i, s in items[:count]) for count in range(len(items))]
    assert inspection._lines_of(dependencies, text) == [text.count("\n", 0, start) for start in starts]
