"""The form of own and of generated secrets."""

import re
import string
import zlib
from collections import Counter

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.refusals import refused
from tests.values import for_each
from tokens import secrets
from tokens.models import ApiToken

ALLOWED = string.ascii_letters + string.digits + "_-.=+/"
BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


def checksum(text: str) -> str:
    """CRC-32 in six digits of base 62, computed differently from the product."""
    value = zlib.crc32(text.encode("ascii"))
    return "".join(BASE62[value // 62**power % 62] for power in range(5, -1, -1))


def with_checksum(start: str) -> str:
    return start + checksum(start)


ACCEPTED = [
    "a" * 32,
    "a" * 512,
    ALLOWED,
    "_-.=+/" * 6,
    "Udapi_" + "x" * 30,
    "xudapi_" + "x" * 30,
    "udapi-" + "x" * 30,
    with_checksum("udapi_" + "x" * 20),
    with_checksum("udapi_" + "0" * 40),
    with_checksum("udapi_" + "=" * 500),
]

REFUSED = [
    "",
    "a",
    "a" * 31,
    "a" * 513,
    "udapi_" + "x" * 40,
    "udapi_" + "x" * 46,
    "udapi_" * 6,
    "udapi_" + "x" * 507,
    with_checksum("udapi_" + "x" * 19),
    with_checksum("udapi_" + "x" * 501),
    with_checksum("udapi_" + "0" * 40) + "0",
    with_checksum("udapi_" + "0" * 40)[:-1],
    with_checksum("udapi_" + "a" * 40).lower(),
    "udapi_" + with_checksum("0" * 40),
    "a" * 32 + "\n",
    "\n" + "a" * 32,
    "a" * 16 + " " + "a" * 16,
    " " + "a" * 32,
    "é" * 32,
    "ａ" * 32,  # noqa: RUF001  full-width
    "٣" * 32,
    "a" * 31 + "\0",
    "a" * 31 + "\ud800",
    *("a" * 31 + character for character in sorted(set(string.printable) - set(ALLOWED))),
]


@pytest.mark.parametrize("secret", ACCEPTED)
def test_well_formed_secrets_are_accepted(secret):
    assert secrets.is_well_formed(secret)
    assert ApiToken().set_secret(secret) == secret


@for_each("secret", REFUSED)
def test_malformed_secrets_are_refused(secret):
    assert not secrets.is_well_formed(secret)
    token = ApiToken()
    assert refused(token.set_secret, secret) == ("InvalidSecret", {})
    assert not token.secret_digest


def test_the_sentence_of_a_refusal_does_not_repeat_the_secret():
    secret = "udapi_" + "x" * 40
    with pytest.raises(ValidationError) as caught:
        ApiToken().set_secret(secret)
    assert secret not in str(caught.value) + repr(caught.value)


def test_generated_secrets_are_recognisable_and_all_different():
    made = [secrets.generate() for _ in range(2_000)]
    assert len(set(made)) == 2_000
    for secret in made:
        assert re.fullmatch(r"udapi_[0-9A-Za-z]{46}", secret)
        assert secrets.is_well_formed(secret)
        assert secret == with_checksum(secret[:-6])
    counts = Counter("".join(secret[6:-6] for secret in made))
    assert set(counts) == set(BASE62)
    # 80,000 characters out of 62: 1,290 of each, give or take seven times the deviation of 36.
    assert all(1_040 < count < 1_540 for count in counts.values()), counts


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_mistyped_generated_secret_is_refused(data):
    """One character wrong, two neighbours swapped, one left out or typed twice."""
    secret = secrets.generate()
    place = data.draw(st.integers(len("udapi_"), len(secret) - 2))
    other = data.draw(st.sampled_from(BASE62))
    a, b = secret[place], secret[place + 1]
    for mistyped in (
        secret[:place] + other + secret[place + 1 :],
        secret[:place] + b + a + secret[place + 2 :],
        secret[:place] + secret[place + 1 :],
        secret[:place] + a + secret[place:],
    ):
        assert secrets.is_well_formed(mistyped) == (mistyped == secret)


@settings(max_examples=200, deadline=None)
@given(st.text(st.one_of(st.sampled_from(ALLOWED), st.characters()), max_size=600))
def test_own_secrets_follow_the_rule(text):
    follows = 32 <= len(text) <= 512 and set(text) <= set(ALLOWED)
    if text.startswith("udapi_"):
        follows = follows and text == with_checksum(text[:-6])
    assert secrets.is_well_formed(text) == follows


def test_digests_depend_on_secret_and_pepper():
    digests = {secrets.digest(secret, pepper) for secret in ("a" * 32, "b" * 32) for pepper in (b"1" * 32, b"2" * 32)}
    assert len(digests) == 4
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests)
