"""Two sources side by side: nothing is lost or invented, and no source takes long."""

import random
import time

import pytest

from console.scripts.differences import CONTEXT, MOST_SHOWN, difference

LINES = ["a", "b", "ab = 1", "", "é <b>"]


def sides(found) -> tuple[str, str]:
    """Both sources, read off the rows."""
    rows = [row for stretch in found.stretches for row in stretch.rows]
    olds = ["".join(text for text, _ in row.old) for row in rows if row.old_number is not None]
    news = ["".join(text for text, _ in row.new) for row in rows if row.new_number is not None]
    assert [row.old_number for row in rows if row.old_number] == list(range(1, len(olds) + 1))
    assert [row.new_number for row in rows if row.new_number] == list(range(1, len(news) + 1))
    return "\n".join(olds), "\n".join(news)


@pytest.mark.parametrize("seed", range(3))
def test_the_rows_are_both_sources(seed):
    chance = random.Random(seed)
    for _ in range(200):
        old, new = ("\n".join(chance.choices(LINES, k=chance.randrange(31))) for _ in range(2))
        found = difference(old, new)
        assert sides(found) == (old, new)
        assert (found.is_rough, found.left_out) == (False, 0)
        assert all(row.is_same for stretch in found.stretches if stretch.is_folded for row in stretch.rows)


def test_words_that_differ_are_marked_and_unchanged_lines_folded():
    old = "\n".join(f"line {number}" for number in range(40))
    found = difference(old, old.replace("line 20", "line twenty"))
    assert [(stretch.is_folded, len(stretch.rows)) for stretch in found.stretches] == [
        (True, 20 - CONTEXT),
        (False, CONTEXT),
        (False, 1),
        (False, CONTEXT),
        (True, 19 - CONTEXT),
    ]
    (row,) = found.stretches[2].rows
    assert (row.old, row.new) == ([("line ", False), ("20", True)], [("line ", False), ("twenty", True)])
    assert (found.added, found.removed) == (1, 1)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n" * 262_144, "x\n" * 131_072),
        ("x" * 262_144, "y" * 262_144),
        (
            "\n".join(random.Random(1).choices("abcdef", k=9_000)),
            "\n".join(random.Random(2).choices("abcdef", k=9_000)),
        ),
        ("\n".join(f"{n} = f(x)" for n in range(9_000)), "\n".join(f"{n} = f(y)" for n in range(9_000))),
    ],
    ids=["many lines", "one line", "few lines over and over", "a change in every line"],
)
def test_no_source_takes_long_or_makes_a_page_too_large(old, new):
    begun = time.process_time()
    found = difference(old, new)
    assert time.process_time() - begun < 5
    assert sum(len(stretch.rows) for stretch in found.stretches if not stretch.is_folded) <= MOST_SHOWN + 2 * CONTEXT
    assert found.added
    assert found.removed


def test_what_takes_too_long_is_shown_as_replaced():
    old, new = "same\na\nb\nsame", "same\nb\nc\nsame"
    found = difference(old, new, seconds=-1)
    assert found.is_rough
    assert sides(found) == (old, new)
    assert (found.added, found.removed) == (2, 2)


def test_an_unchanged_stretch_that_is_too_long_is_only_counted():
    old = "x\n" * (MOST_SHOWN + 10)
    found = difference(old, old + "more")
    assert [stretch.hidden for stretch in found.stretches if stretch.hidden] == [MOST_SHOWN + 10 - CONTEXT]
