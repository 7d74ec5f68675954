"""What a run prints is masked: whatever the pieces in which it comes, and wherever it is cut."""

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.value_masks import MASK, ValueMasks
from hosts.output import DROPPED_NOTE, MAX_LINE_BYTES, MAX_OUTPUT_BYTES, LineFeed, OutputPipe
from hosts.run_loop import RunLoop
from tests.values import for_each

VALUE = "Kq7-vexing-Zulu-42"
LINES = "first line of it\nshort\nthe last line of it"
MASKS = ValueMasks([VALUE, LINES])


def feed(*chunks: str) -> list[str]:
    lines: list[str] = []
    feed = LineFeed(lines.append, MASKS)
    for chunk in chunks:
        feed.feed(chunk.encode())
    feed.close()
    return lines


def test_value_that_comes_in_pieces_is_masked():
    expected = [f"a {MASK}, {MASK}", "b", MASK]
    text = f"a {VALUE}, {VALUE}\nb\n{VALUE}"
    assert feed(text) == expected
    assert feed(*text) == expected
    assert feed(*text.partition("Zulu")) == expected


def test_lines_of_a_value_are_masked_together_or_alone():
    assert feed(*f"a {LINES} b\n") == [f"a {MASK} b"]
    assert feed("first line of it\n", "the last line of it\nfirst line", " of\n") == [MASK, MASK, "first line of"]


def test_other_lines_come_at_once():
    lines: list[str] = []
    line_feed = LineFeed(lines.append, MASKS)
    for number, line in enumerate(["Kq", "the last", "first line of it!"]):
        line_feed.feed(f"{line}\n".encode())
        assert len(lines) == number + 1
    line_feed.feed(b"first line of it\n")
    assert lines == ["Kq", "the last", f"{MASK}!"]


@for_each("before", range(MAX_LINE_BYTES - len(VALUE) - 1, MAX_LINE_BYTES + 2))
def test_value_where_a_long_line_is_cut_is_masked(before):
    text = "x" * before + VALUE + "y" * MAX_LINE_BYTES
    for pieces in ([text], [text, "\n"], [text[: before + 5], text[before + 5 :]]):
        assert "".join(feed(*pieces)) == text.replace(VALUE, MASK)


@for_each("missing", range(0, len(VALUE) + 1, 3))
@for_each("size", [MAX_OUTPUT_BYTES, 65_536])
def test_value_where_the_output_is_cut_leaves_nothing(missing, size):
    text = "x" * (MAX_OUTPUT_BYTES - len(VALUE) + missing) + VALUE + "y"
    lines = feed(*(text[at : at + size] for at in range(0, len(text), size)))
    assert lines[-1] == DROPPED_NOTE
    assert set("".join(lines[:-1])) <= {"x", "•"}
    assert "".join(lines[:-1]).count("x") == MAX_OUTPUT_BYTES - len(VALUE) + missing - max(0, missing - len(VALUE))


def test_first_part_of_a_value_is_masked_at_the_end():
    assert feed(f"a {VALUE[:-1]}") == [f"a {MASK}"]
    assert feed("a Kq7") == ["a Kq7"]


def test_values_that_are_added_while_a_run_prints_are_masked():
    masks, lines = ValueMasks(), list[str]()
    line_feed = LineFeed(lines.append, masks)
    line_feed.feed(VALUE.encode())
    masks.add([VALUE])
    line_feed.feed(f"\n{VALUE}\n".encode())
    assert lines == [VALUE, MASK]


def test_pipe_of_a_run_is_masked():
    lines: list[str] = []
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.write(writing, f"{VALUE}\nthe end".encode())
    os.close(writing)
    OutputPipe(reading, lines.append, RunLoop(), MASKS).drain()
    os.close(reading)
    assert lines == [MASK, "the end"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([VALUE, *LINES.split("\n"), "\n", "Kq7-", "é", "x" * MAX_LINE_BYTES]), max_size=12),
    st.data(),
)
def test_pieces_make_no_difference(parts, data):
    text = "".join(parts)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=5)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert "".join(feed(*pieces)) == "".join(feed(text))
    assert VALUE not in "\n".join(feed(text))
