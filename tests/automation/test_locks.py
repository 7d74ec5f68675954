"""Locks are read strictly: every line is a package with its hashes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.locks import MOST_PACKAGES, LockedPackage, LockError, digest, parse, refuse_names

HASH = "--hash=sha256:" + "0f" * 32


def locked(*packages: str) -> str:
    """As uv writes it."""
    return "".join(f"{package} \\\n    {HASH} \\\n    {HASH}\n" for package in packages)


LOCK = locked(
    "colorama==0.4.6 ; sys_platform == 'win32'",
    "django==5.2.19 ; python_full_version < '3.12'",
    "django==6.1.3 ; python_full_version >= '3.12'",
    "h11==1!0.16.0.post1+cu118",
)


def test_the_packages_of_a_lock_are_read_in_order():
    assert parse("") == []
    assert parse(LOCK) == [
        LockedPackage("colorama", "0.4.6"),
        LockedPackage("django", "5.2.19"),
        LockedPackage("django", "6.1.3"),
        LockedPackage("h11", "1!0.16.0.post1+cu118"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "six==1.17.0\n",
        f"six>=1.17.0 {HASH}\n",
        f"six {HASH}\n",
        f"six==1.17.0 @ https://example.org/six.whl {HASH}\n",
        f"six @ file:///six.whl {HASH}\n",
        f"./six.whl {HASH}\n",
        f"Six==1.17.0 {HASH}\n",
        f"six[x]==1.17.0 {HASH}\n",
        f"six==1.* {HASH}\n",
        f"six==one {HASH}\n",
        f"six==1.17.0 ; {HASH}\n",
        f"six==1.17.0 ; os_name {HASH}\n",
        f"six==1.17.0 ; {'(' * 10_000} {HASH}\n",
        f"six=={'9' * 10_000} {HASH}\n",
        "six==1.17.0 --hash=md5:d41d8cd98f00b204e9800998ecf8427e\n",
        f"six==1.17.0 {HASH[:-1]}\n",
        f"six==1.17.0 {HASH} --index-url=https://example.org\n",
        f"six==1.17.0 {HASH} # a comment\n",
        "# a comment\n",
        "--index-url https://example.org\n",
        "-r other.txt\n",
        f"six==1.17.0\r\n    {HASH}\n",
        f"six==1.17.0 {HASH}\rsix==1.16.0 {HASH}\n",
        f"{HASH}\n",
        f" \\\n    {HASH}\n",
    ],
    ids=lambda text: repr(text[:24]),
)
def test_any_other_line_is_refused(text):
    with pytest.raises(LockError, match="The lock has a line that is not a package with its hashes"):
        parse(LOCK + text)


def test_the_number_of_packages_is_limited():
    most = locked(*(f"p{number}==1" for number in range(MOST_PACKAGES)))
    assert len(parse(most)) == MOST_PACKAGES
    with pytest.raises(LockError, match="at most 1,000 packages"):
        parse(most + locked("one-more==1"))
    with pytest.raises(LockError, match="more than 4,194,304 characters"):
        parse(" " * 5_000_000)


def test_a_package_that_is_not_allowed_is_named():
    refuse_names(parse(LOCK), None)
    refuse_names(parse(LOCK), {"colorama", "django", "h11"})
    with pytest.raises(LockError, match="The packages need h11, which is not one of those that scripts may have"):
        refuse_names(parse(LOCK), {"colorama", "django"})


def test_a_digest_depends_on_python_and_text():
    assert len({digest(python, text) for python in ("", ">=3.11") for text in ("", LOCK)}) == 4
    assert digest("", LOCK) == digest("", LOCK)


PIECES = [
    "six",
    "==",
    "1.0",
    "1",
    " ",
    ";",
    "os_name == 'a'",
    HASH,
    " \\\n",
    "\n",
    "\\",
    "#",
    "@",
    "[",
    "\x00",
    "(",
    "'",
]
TEXTS = st.one_of(st.text(max_size=100), st.lists(st.sampled_from(PIECES), max_size=20).map("".join))


@given(TEXTS)
def test_no_text_is_more_than_refused(text):
    try:
        packages = parse(text)
    except LockError:
        return
    assert len(packages) <= text.count(HASH)
    assert parse(text) == packages
