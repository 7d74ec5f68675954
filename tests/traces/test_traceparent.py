"""What callers may say about a trace: the cases of the W3C's own test suite that apply, and limits of the product."""

import pytest

from foundation.traceparent import LONGEST_STATE, NO_TRACE, TraceContext, received

TRACE, PARENT = "12345678901234567890123456789012", "1234567890123456"
VALID = f"00-{TRACE}-{PARENT}-01"
TAKEN = {
    "as it is": (VALID, VALID),
    "not sampled": (f"00-{TRACE}-{PARENT}-00", f"00-{TRACE}-{PARENT}-00"),
    "random id": (f"00-{TRACE}-{PARENT}-02", f"00-{TRACE}-{PARENT}-02"),
    "random id, sampled": (f"00-{TRACE}-{PARENT}-03", f"00-{TRACE}-{PARENT}-03"),
    "unknown flags": (f"00-{TRACE}-{PARENT}-ff", f"00-{TRACE}-{PARENT}-03"),
    "white space before": (f" {VALID}", VALID),
    "a tab before": (f"\t{VALID}", VALID),
    "white space after": (f"{VALID} ", VALID),
    "a tab after": (f"{VALID}\t", VALID),
    "white space on both sides": (f"\t {VALID} \t", VALID),
    "a later version": (f"cc-{TRACE}-{PARENT}-01", VALID),
    "a later version with more": (f"cc-{TRACE}-{PARENT}-01-what-the-future-will-be-like", VALID),
    "a later version with an empty field": (f"01-{TRACE}-{PARENT}-01-", VALID),
}
REFUSED = {
    "none": None,
    "empty": "",
    "white space": " \t",
    "two headers": f"{VALID},{VALID}",
    "two headers with a space": f"{VALID}, {VALID}",
    "two headers of a later version": f"cc-{TRACE}-{PARENT}-01-x,cc-{TRACE}-{PARENT}-01-x",
    "a character more": f"{VALID}.",
    "a line end more": f"{VALID}\n",
    "a field more": f"{VALID}-what-the-future-will-be-like",
    "a later version with a dot": f"cc-{TRACE}-{PARENT}-01.what-the-future-will-be-like",
    "a later version that is too short": f"cc-{TRACE}-{PARENT}-0",
    "version ff": f"ff-{TRACE}-{PARENT}-01",
    "version with a dot": f".0-{TRACE}-{PARENT}-01",
    "version that ends in a dot": f"0.-{TRACE}-{PARENT}-01",
    "version in upper case": f"CC-{TRACE}-{PARENT}-01",
    "version too long": f"000-{TRACE}-{PARENT}-01",
    "version much too long": f"0000-{TRACE}-{PARENT}-01",
    "version too short": f"0-{TRACE}-{PARENT}-01",
    "trace of zeros": f"00-{'0' * 32}-{PARENT}-01",
    "trace with a dot": f"00-.{TRACE[1:]}-{PARENT}-01",
    "trace that ends in a dot": f"00-{TRACE[:-1]}.-{PARENT}-01",
    "trace in upper case": f"00-{TRACE[:-1]}A-{PARENT}-01",
    "trace too long": f"00-{TRACE}3-{PARENT}-01",
    "trace too short": f"00-{TRACE[:-1]}-{PARENT}-01",
    "parent of zeros": f"00-{TRACE}-{'0' * 16}-01",
    "parent with a dot": f"00-{TRACE}-.{PARENT[1:]}-01",
    "parent that ends in a dot": f"00-{TRACE}-{PARENT[:-1]}.-01",
    "parent in upper case": f"00-{TRACE}-{PARENT[:-1]}B-01",
    "parent too long": f"00-{TRACE}-{PARENT}7-01",
    "parent too short": f"00-{TRACE}-{PARENT[:-1]}-01",
    "flags with a dot": f"00-{TRACE}-{PARENT}-.0",
    "flags that end in a dot": f"00-{TRACE}-{PARENT}-0.",
    "flags in upper case": f"00-{TRACE}-{PARENT}-0A",
    "flags too long": f"00-{TRACE}-{PARENT}-001",
    "flags too short": f"00-{TRACE}-{PARENT}-1",
    "digits that are not ASCII": f"00-{TRACE[:-1]}٣-{PARENT}-01",
    "64 KB": f"cc-{TRACE}-{PARENT}-01-{'x' * 65_536}\n",
}


@pytest.mark.parametrize(("header", "text"), TAKEN.values(), ids=TAKEN)
def test_valid_traceparent_is_handed_on_in_version_00(header, text):
    assert received(header) == TraceContext(text)


@pytest.mark.parametrize("header", REFUSED.values(), ids=REFUSED)
def test_malformed_traceparent_is_ignored_with_its_state(header):
    assert received(header, "foo=1") is NO_TRACE


def test_parts_of_a_place_in_a_trace():
    place = received(VALID)
    assert (place.trace_id, place.span_id, place.flags, place.is_sampled) == (TRACE, PARENT, 1, True)
    assert not received(f"00-{TRACE}-{PARENT}-02").is_sampled
    assert (bool(place), bool(NO_TRACE), NO_TRACE.is_sampled) == (True, False, False)


KEY = "abcdefghijklmnopqrstuvwxyz0123456789_-*/"
VALUE = "".join(map(chr, (*range(0x20, 0x2C), *range(0x2D, 0x3D), *range(0x3E, 0x7F))))
MEMBERS = [f"bar{number:02}={number:02}" for number in range(1, 34)]
KEPT = {
    "two members": ("foo=1,bar=2", "foo=1,bar=2"),
    "three headers": ("foo=1,bar=2,rojo=1,congo=2,baz=3", "foo=1,bar=2,rojo=1,congo=2,baz=3"),
    "an empty header": ("", ""),
    "an empty header after another": ("foo=1,", "foo=1"),
    "an empty header before another": (",foo=1", "foo=1"),
    "white space between members": ("foo=1 \t , \t bar=2, \t baz=3", "foo=1,bar=2,baz=3"),
    "tabs between members": ("foo=1\t \t,\t \tbar=2,\t \tbaz=3", "foo=1,bar=2,baz=3"),
    "white space around": ("\t foo=1 \t", "foo=1"),
    "space within a value": ("foo=1 2", "foo=1 2"),
    "every character": (f"{KEY}={VALUE}", f"{KEY}={VALUE}"),
    "every character with a vendor": (f"{KEY}@a-z0-9_-*/={VALUE}", f"{KEY}@a-z0-9_-*/={VALUE}"),
    "a digit first": ("1a=1", "1a=1"),
    "the same member twice": ("foo=1,foo=1", "foo=1"),
    "the same key twice": ("foo=1,bar=2,foo=2", "foo=1,bar=2"),
    "an at sign at the end": ("foo@=1,bar=2", "foo@=1,bar=2"),
    "two at signs": ("foo@@bar=1,bar=2", "foo@@bar=1,bar=2"),
    "two at signs apart": ("foo@bar@baz=1,bar=2", "foo@bar@baz=1,bar=2"),
    "32 members": (",".join(MEMBERS[:32]), ",".join(MEMBERS[:32])),
    "a key of 256 characters": (f"foo=1,{'z' * 256}=1", f"foo=1,{'z' * 256}=1"),
    "a key with a vendor": (f"foo=1,{'t' * 241}@{'v' * 14}=1", f"foo=1,{'t' * 241}@{'v' * 14}=1"),
    "a long key with a short vendor": (f"foo=1,{'t' * 242}@v=1", f"foo=1,{'t' * 242}@v=1"),
    "a short key with a long vendor": (f"foo=1,t@{'v' * 15}=1", f"foo=1,t@{'v' * 15}=1"),
    "a value of 256 characters": (f"foo={'1' * 256}", f"foo={'1' * 256}"),
}
DISCARDED = {
    "33 members": ",".join(MEMBERS),
    "a space in a key": "foo =1",
    "a key in upper case": "FOO=1",
    "a dot in a key": "foo.bar=1",
    "an at sign first": "@foo=1,bar=2",
    "no key": "=1",
    "no value": "foo=,bar=3",
    "no equals sign": "foo,bar=3",
    "two equals signs": "foo=bar=baz",
    "a tab within a value": "foo=1\t2",
    "a line end": "foo=1\n",
    "not ASCII": "foo=é",
    "a key of 257 characters": f"foo=1,{'z' * 257}=1",
    "a value of 257 characters": f"foo={'1' * 257}",
}


@pytest.mark.parametrize(("header", "text"), KEPT.values(), ids=KEPT)
def test_valid_tracestate_is_handed_on(header, text):
    assert received(VALID, header) == TraceContext(VALID, text)


@pytest.mark.parametrize("header", DISCARDED.values(), ids=DISCARDED)
def test_malformed_tracestate_is_discarded_as_a_whole(header):
    assert received(VALID, header) == TraceContext(VALID)


def test_long_tracestate_loses_long_members_first_and_then_the_last():
    short = [f"k{number}={'v' * 40}" for number in range(20)]
    kept = received(VALID, ",".join([f"long={'v' * 200}", *short])).tracestate
    assert len(kept) <= LONGEST_STATE and kept.split(",") == short[: len(kept.split(","))]
    assert len(f"{kept},{short[len(kept.split(','))]}") > LONGEST_STATE
