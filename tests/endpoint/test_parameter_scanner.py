"""The scanner of parameters agrees with a JSON decoder, and needs no memory for refused bodies."""

import json
import tracemalloc
from collections.abc import Callable
from functools import partial

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from definitions.models import InputType
from endpoint import errors, parameters
from tests.endpoint import parameters_oracle
from tests.endpoint.catalogue import LARGEST_BODY, assert_error

MEGABYTE = 1024 * 1024


def outcome(from_body: Callable[[bytes], dict[str, str]], body: bytes) -> dict[str, str] | None:
    """The parameters, or None for a body that is refused."""
    try:
        return from_body(body)
    except errors.BodyToParametersConversionFailedError:
        return None


def filled(beginning: bytes, piece: bytes, end: bytes = b"") -> bytes:
    """`beginning`, `piece` as often as fits into the largest body, and `end`."""
    return beginning + piece * ((LARGEST_BODY - len(beginning) - len(end)) // len(piece)) + end


# --- It agrees with a decoder ---

NUMBERS = st.from_regex(r"\A-?(0|[1-9][0-9]{0,3})(\.[0-9]{1,3})?([eE][+-]?[0-9]{1,4})?\Z").map(str.encode)
STRINGS = st.one_of(
    st.text(max_size=8).filter(lambda text: text.isprintable()).map(lambda text: json.dumps(text).encode()),
    st.text("ab\\u0123dDeE89fF\"'/ \n\t\x00\x7f", max_size=12).map(lambda text: f'"{text}"'.encode()),
    st.binary(max_size=6).map(lambda content: b'"' + content + b'"'),
)
ATOMS = st.one_of(
    st.sampled_from([b"{", b"}", b"[", b"]", b":", b",", b'"a"', b'"b"', b"true", b"false", b"null", b"1", b"NaN"]),
    st.sampled_from([b"Infinity", b"-Infinity", b"01", b"1e400", b"\xef\xbb\xbf", b"\xa0", b"\x0c", b"//", b"-", b"."]),
    st.sampled_from([b" ", b"\t", b"\r", b"\n"]),
    NUMBERS,
    STRINGS,
)


@st.composite
def nearly_flat_objects(draw):
    """A flat object in any notation, with a few atoms inserted, removed or repeated."""
    atoms = [b"{"]
    for number in range(draw(st.integers(0, 4))):
        atoms += [b","] * bool(number) + [draw(STRINGS), b":", draw(st.one_of(STRINGS, NUMBERS, ATOMS))]
    atoms.append(b"}")
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(atoms)))
        atoms[place : place + draw(st.integers(0, 2))] = draw(st.lists(ATOMS, max_size=2))
    return b"".join(atoms)


@settings(max_examples=1_500, deadline=None)
@given(st.one_of(nearly_flat_objects(), st.lists(ATOMS, max_size=12).map(b"".join), st.binary(max_size=20)))
def test_scanner_and_decoder_agree_on_every_body(body):
    assert outcome(parameters.from_body, body) == outcome(parameters_oracle.from_body, body)


# --- Its memory ---


@pytest.mark.parametrize("value", ["1", "null", '"x"'])
def test_10000_parameters_are_taken_and_one_more_is_refused(value):
    members = [f'"{number}": {value}' for number in range(10_001)]
    taken = outcome(parameters.from_body, f"{{{','.join(members[:-1])}}}".encode())
    assert taken is not None
    assert len(taken) == (0 if value == "null" else 10_000)
    assert outcome(parameters.from_body, f"{{{','.join(members)}}}".encode()) is None


# Made where they are needed: together they fill 400 MB.
LARGE = {
    "an array": partial(filled, b"[0", b",0"),
    "an array as a value": partial(filled, b'{"a": [0', b",0"),
    "arrays in arrays": partial(filled, b'{"a": ', b"["),
    "objects in objects": partial(filled, b"", b'{"a":'),
    "an array behind a good member": partial(filled, b'{"a": "x", "b": [0', b",0"),
    "members without end": partial(filled, b"{", b'"a": 1, '),
    "a string without end": partial(filled, b'{"a": "', b"\\n"),
    "a name without end": partial(filled, b'{"', b"\\\\"),
    "white space": partial(filled, b"", b" "),
    "white space behind the object": partial(filled, b"{}", b"\n", b"x"),
}


@pytest.mark.parametrize("name", LARGE)
def test_refusing_the_largest_body_takes_no_memory(name):
    body = LARGE[name]()
    tracemalloc.start()
    try:
        assert outcome(parameters.from_body, body) is None
        assert tracemalloc.get_traced_memory()[1] < MEGABYTE
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("parts", "length"),
    [
        ((b'{"a": "', b"x", b'"}'), LARGEST_BODY - 9),
        ((b'{"a": "', b"\\n", b'"}'), (LARGEST_BODY - 9) // 2),
        ((b'{"a": 0.', b"1", b"}"), LARGEST_BODY - 7),
    ],
    ids=["a text", "a text of escapes", "a number"],
)
def test_one_parameter_as_large_as_the_body_takes_a_few_times_its_size(parts, length):
    body = filled(*parts)
    tracemalloc.start()
    try:
        found = outcome(parameters.from_body, body)
        assert found is not None
        assert len(found["a"]) == length
        assert tracemalloc.get_traced_memory()[1] < 4 * LARGEST_BODY
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["an array", "an array as a value"])
def test_30_mb_of_an_array_is_error_10_and_costs_the_web_server_the_body(lonely, publish, name):
    body = LARGE[name]()
    api = publish(input_type=InputType.PARAMETERS)
    headers = {"Content-Type": "application/json"}
    (process,) = psutil.Process(lonely.web.process.pid).children()
    assert_error(api.call(lonely.client, content=b"[0]" + b" " * (len(body) - 3), headers=headers), 10)
    before = peak(process.pid)
    assert_error(api.call(lonely.client, content=body, headers=headers), 10)
    assert peak(process.pid) - before < 2 * LARGEST_BODY


def peak(pid: int) -> int:
    """The most memory that a process has had, in bytes; the kernel shows this to every account."""
    with open(f"/proc/{pid}/status") as status:
        (line,) = [line for line in status if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024
