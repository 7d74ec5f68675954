"""Every rule of routes, accepted and refused."""

import unicodedata

import pytest

from definitions import routes
from definitions.models import ApiDefinition
from tests.refusals import refused
from tests.values import for_each

LONGEST = 260 - len("api/custom/")

ACCEPTED = [
    "a",
    "encoders/status",
    "Encoders/{id}/Status",
    "{id}",
    "{a}/{b}/{c}",
    "{id}/{ID}",
    "...",
    ".hidden/a..b/c.",
    "!$&'()+,;=@-_~`^|[]\"",
    "encoders=all/a+b/@me",
    "日本/{名前}",
    "größe/{Größe}",
    "😀/{😀}",
    "👩\u200d👩\u200d👧",  # zero-width joiners are no control characters
    "\u202eabc",
    "\u200b",
    "ß/ŉ/İ/ΐ/ﬃ",
    "\u0301a/b",
    "{.}/{..}",
    "{a.b-c_d}",
    "{a,b}",
    "x" * LONGEST,
    "/".join(["a"] * 125),
    "{" + "n" * (LONGEST - 2) + "}",
    "ΐ" * LONGEST,  # three characters each once casefolded
    "😀" * LONGEST,
    "e\u0301" * LONGEST,  # one character each in NFC
]

REFUSED = [
    "",
    "/",
    "/a",
    "a/",
    "//",
    "a//b",
    ".",
    "..",
    "./a",
    "a/..",
    "a/./b",
    *(f"a{character}b" for character in r"\:<>*?#%"),
    *(f"{{a{character}b}}" for character in r"\:<>*?#%/{}="),
    *(f"a{control}" for control in "\x00\x01\x1f\x7f\x80\x9f\n\t\r"),
    *(f"a{space}b" for space in " \u00a0\u1680\u2003\u2028\u2029\u202f\u205f\u3000\x85"),
    "{a b}",
    " ",
    "\u3000",
    "\ud800",
    "{\udfff}",
    "{}",
    "{",
    "}",
    "a/{",
    "}{",
    "{a",
    "a}",
    "a}b",
    "do{x}it",
    "{id}-x",
    "x{id}",
    "{a}{b}",
    "{{a}}",
    "{a}}",
    "{id}/a/{id}",
    "{é}/{e\u0301}",
    "%41",
    "a%2Fb",
    "http://a",
    "x" * (LONGEST + 1),
    "/".join(["a"] * 125) + "a",
    "\u0958" * 125,  # two characters each in NFC
]


def test_the_tables_know_the_limit():
    assert LONGEST == 249
    assert max(len(unicodedata.normalize("NFC", route)) for route in ACCEPTED) == LONGEST


@for_each("route", ACCEPTED)
def test_valid_routes_are_parsed(route):
    segments = routes.parse(route)
    assert "/".join(segments) == unicodedata.normalize("NFC", route)


@for_each("route", REFUSED)
def test_invalid_routes_are_refused(route):
    with pytest.raises(routes.InvalidRouteError):
        routes.parse(route)


@pytest.mark.parametrize("route", ACCEPTED)
def test_accepted_routes_are_saved_and_found(db, publish_in_process, route):
    definition = publish_in_process(route)
    definition.refresh_from_db()
    assert definition.route == unicodedata.normalize("NFC", route)


@pytest.mark.parametrize("route", REFUSED)
def test_refused_routes_say_which_and_save_nothing(db, publish_in_process, route):
    reason, details = refused(publish_in_process, route)
    assert reason == "InvalidRoute"
    assert set(details) == {"id", "route"}
    assert details["route"] == route
    assert not ApiDefinition.objects.exists()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ticket/{id}", "ticket/{ticketId}"),
        ("A/b", "a/B"),
        ("straße", "STRASSE"),
        ("straße", "STRAẞE"),
        ("ŉ", "\u02bcn"),
        ("İ", "i\u0307"),
        ("é", "e\u0301"),
        ("É", "e\u0301"),
        ("\u212a", "k"),  # KELVIN SIGN
        ("Σ", "ς"),
        ("ﬃ", "FFI"),
        ("{a}/{b}", "{b}/{a}"),
        ("{a}", "{A}"),
        ("ΐ", "\u03b9\u0308\u0301"),
    ],
)
def test_equal_signatures_conflict(db, publish_in_process, one, other):
    for first, second in ((one, other), (other, one)):
        winner = publish_in_process(first)
        reason, details = refused(publish_in_process, second)
        assert reason == "RouteInUse"
        assert details["conflictingDefinitionId"] == str(winner.pk)
        assert details["route"] == unicodedata.normalize("NFC", second)
        assert details["id"] != str(winner.pk)
        winner.delete()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a", "a/b"),
        ("{a}", "a"),
        ("{a}/b", "a/{b}"),
        ("é", "e"),
        ("İ", "i"),
        ("I", "\u0131"),
        ("①", "1"),  # equal after NFKC only
        ("ﬁ/{a}", "{a}/fi"),
        ("a\u200bb", "ab"),
        ("😀", "😁"),
    ],
)
def test_different_signatures_do_not_conflict(db, publish_in_process, one, other):
    publish_in_process(one)
    publish_in_process(other)
    assert ApiDefinition.objects.count() == 2
