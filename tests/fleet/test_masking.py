"""What is masked in query, headers, forms and JSON."""

import json
import sys
from urllib.parse import quote, urlencode

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fleet.kept_bodies import LARGEST_KEPT_BODY, KeptRequest, keep_request
from fleet.masks import is_secret, unescaped
from foundation.value_masks import MASK

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=limit"
PLANTED = "hunter2-Zq9"

SECRET_NAMES = [
    *("password", "PASSWD", "passphrase", "client_secret", "token", "tokens", "refreshToken", "api_key", "apikey"),
    *("API-Key", "Authorization", "authenticated", "author", "Set-Cookie", "X-Hub-Signature-256", "credentials"),
    *("private_key", "privateKey"),
]
OPEN_NAMES = ["user", "name", "key", "id", "pas", "toke", "private", "api", "api--key", "sign", "cook", "monkey"]


def kept_body(body: str | bytes, content_type: str = JSON) -> str:
    """What is kept of a body that is text."""
    kept = kept_of(body, content_type).body
    assert kept is not None
    return kept


def kept_of(body: str | bytes, content_type: str = JSON) -> KeptRequest:
    return keep_request([], [], body.encode() if isinstance(body, str) else body, content_type)


def places(kept: KeptRequest) -> list[str]:
    return [place.name for place in kept.masked]


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_name_of_a_secret_masks_its_value_everywhere(name):
    kept = keep_request([(name, PLANTED)], [(name, PLANTED)], json.dumps({name: PLANTED}).encode(), JSON)
    assert (kept.query, kept.headers) == ([(name, MASK)], [(name, MASK)])
    assert kept.body == json.dumps({name: MASK}, ensure_ascii=False)
    assert kept_body(urlencode({name: PLANTED}), FORM) == f"{name}={MASK}"


@pytest.mark.parametrize("name", OPEN_NAMES)
def test_other_names_keep_their_values(name):
    kept = keep_request([(name, "x")], [(name, "x")], json.dumps({name: "x"}).encode(), JSON)
    assert (kept.query, kept.headers, kept.body) == ([(name, "x")], [(name, "x")], json.dumps({name: "x"}))
    assert kept.masked == []


@pytest.mark.parametrize("value", ['""', '"x"', '"\\"\\\\"', "0", "-1.5e+10", "true", "null", "NaN", "[]", "{}"])
@pytest.mark.parametrize("space", ["", " \t\r\n"])
def test_every_json_value_has_the_same_mask(value, space):
    assert kept_body(f'{{"token"{space}:{space}{value}{space}}}') == f'{{"token"{space}:{space}"{MASK}"{space}}}'


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ('{"a": {"password": [1, {"b": "}"}], "c": 1.0}}', '{"a": {"password": "•••", "c": 1.0}}'),
        ('{"credentials": {"user": "a", "id": 1}, "b": 2}', '{"credentials": "•••", "b": 2}'),
        ('{"secret": 1, "secret": 2, "a": 3, "a": 4}', '{"secret": "•••", "secret": "•••", "a": 3, "a": 4}'),
        ('{"pass\\u0077ord": "x", "\\u0070\\u0061ss": 1}', '{"pass\\u0077ord": "•••", "\\u0070\\u0061ss": "•••"}'),
        ('{"api\\ud83d\\ude00key": 1}', '{"api\\ud83d\\ude00key": "•••"}'),
        ('\n [{"token": 17}, {"id": 1}, {"token": null}]\n', '\n [{"token": "•••"}, {"id": 1}, {"token": "•••"}]\n'),
        ('{"token": 1}\n{"id": 2}\n{"token": 3}', '{"token": "•••"}\n{"id": 2}\n{"token": "•••"}'),
        ('\x1e{"token": 1}', '\x1e{"token": "•••"}'),
        ('\ufeff{"token": 1}', '\ufeff{"token": "•••"}'),
        ('{"a": "the password: x", "b": "token"}', '{"a": "the password: x", "b": "token"}'),
    ],
)
def test_json_is_kept_but_for_secrets(body, kept):
    assert kept_body(body) == kept


@pytest.mark.parametrize(
    "embedded",
    [
        json.dumps({"password": PLANTED}),
        json.dumps({"event": json.dumps({"deep": [json.dumps({"api_key": PLANTED})]})}),
        json.dumps({"event": {"author": PLANTED}}, indent=2),
        json.dumps({"pässword": 1, "token": PLANTED}).replace("token", "\\u0074oken"),
        f'mutation {{ login(user: "ada", password: "{PLANTED}") {{ id }} }}',
        f"{{'password': '{PLANTED}'}}",
        "[{token: 17}]",
    ],
)
def test_string_that_holds_a_secret_is_masked_as_a_whole(embedded):
    kept = kept_of(json.dumps({"payload": embedded, "id": 1}))
    assert kept.body == json.dumps({"payload": MASK, "id": 1}, ensure_ascii=False)
    assert places(kept) == ["/payload"]
    assert kept_body(urlencode({"payload": embedded, "id": "1"}), FORM) == f"payload={MASK}&id=1"
    assert keep_request([("filter", embedded)], [], b"", "").query == [("filter", MASK)]
    assert kept_body(json.dumps(embedded)) == f'"{MASK}"'


def test_secret_in_json_in_many_strings_is_masked():
    body = json.dumps({"password": PLANTED})
    for _ in range(9):
        body = json.dumps({"a": body})
    assert kept_body(body) == json.dumps({"a": MASK}, ensure_ascii=False)


@pytest.mark.parametrize(
    "query", ["query Me($token: String!) { me(token: $token) { id } }", "{ me { id tokens } }", "{ a: passed }"]
)
def test_graphql_without_the_value_of_a_secret_is_kept(query):
    body = json.dumps({"query": query, "variables": {"id": 1}})
    assert kept_body(body) == body


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ('{"password": "hunter2-Zq', '{"password": "•••"'),
        ('{"password": "x\\', '{"password": "•••"'),
        ('{"password": 12', '{"password": "•••"'),
        ('{"password": {"a": [1, "b', '{"password": "•••"'),
        ('{"a": 1, "password"', '{"a": 1, "password"'),
        ('{"a": 1, "password":', '{"a": 1, "password":'),
        ('{"a": "{\\"password\\": \\"hunt', '{"a": "•••"'),
    ],
)
def test_cut_off_json_is_masked_to_its_end(body, kept):
    assert kept_body(body) == kept


@pytest.mark.parametrize(
    "body",
    [
        f'{{"a": "b, "password": "{PLANTED}"}}',
        f'{{"password": "a"{PLANTED}", "b": 1}}',
        f'{{"password": "a", {PLANTED}", "b": 1}}',
        f'{{"password": [1, 2}}, "{PLANTED}"]',
        f'{{"password: "{PLANTED}", "b": 1}}',
        f'{{"password" "{PLANTED}"}}',
        f'{{"password": /* old */ "{PLANTED}"}}',
        f'{{"password" => "{PLANTED}"}}',
        f'{{password: "{PLANTED}"}}',
        f"{{'password': '{PLANTED}'}}",
        f"[config]\npassword = {PLANTED}",
        f"password={PLANTED}&a=b",
        f'{{"a": 1]{{"\\u0070assword": "{PLANTED}"}}',
    ],
)
def test_invalid_json_is_masked_from_its_first_secret_on(body):
    assert PLANTED not in kept_body(body)


@pytest.mark.parametrize("body", ['{"a": 1, b}', "[INFO] all passed", "{]}", "}{", '{"a" 1}', ":", "[1}"])
def test_invalid_json_without_secrets_is_kept(body):
    assert kept_of(body) == KeptRequest(content_type=JSON, body=body)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_json_in_another_encoding_is_masked_as_a_whole(encoding):
    assert kept_body(json.dumps({"password": PLANTED}).encode(encoding)) == MASK


@pytest.mark.parametrize("content_type", ["", "text/plain", FORM, "application/problem+json", "text/JSON; charset=x"])
def test_json_is_known_by_its_type_or_its_beginning(content_type):
    assert kept_body('\n{"token": 1}', content_type) == f'\n{{"token": "{MASK}"}}'


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ("a=1&password=&b=", "a=1&password=•••&b="),
        ("user%5Bp%61ss%5D=a%20b+c&id=7", "user%5Bp%61ss%5D=•••&id=7"),
        ("password&token=x=y&&=1", "password&token=•••&&=1"),
        ("token=a&token=b", "token=•••&token=•••"),
    ],
)
def test_forms_are_kept_but_for_secrets(body, kept):
    assert kept_body(body, FORM) == kept


def _part(name: str, content: str, more: str = "") -> str:
    return f'--limit\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{content}\r\n'


def test_parts_of_secrets_are_masked():
    one, file = _part("id", "7"), _part("private_key", "{}", '; filename="a"\r\nContent-Type: text/plain')
    body = one + _part("password", "{}") + file + _part("payload", "{}") + "--limit--\r\n"
    sent = body.replace("{}", json.dumps({"password": PLANTED, "note": "\r\n --limit"}))
    assert kept_body(sent, MULTIPART) == body.replace("{}", MASK)
    assert kept_body(sent, "multipart/form-data") == body.replace("{}", MASK)
    assert places(kept_of(sent, MULTIPART)) == ["password", "private_key", "payload"]
    assert kept_body(one + _part("password", PLANTED)[:-6], MULTIPART).endswith(f"\r\n\r\n{MASK}")


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/octet-stream", ""])
def test_other_bodies_are_kept_as_they_are(content_type):
    body = "<password>x</password>"
    assert kept_of(body, content_type) == KeptRequest(content_type=content_type, body=body)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
OPEN_NAME = TEXT.filter(lambda name: not is_secret(name))
SCALAR = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT


def _nested(names, leaf):
    return st.recursive(
        leaf, lambda of: st.lists(of, max_size=3) | st.dictionaries(names, of, max_size=3), max_leaves=8
    )


@st.composite
def with_a_secret(draw) -> str:
    """JSON with `PLANTED` under the name of a secret at some depth."""
    value = draw(st.sampled_from([PLANTED, [PLANTED], {"a": [1, PLANTED]}, json.dumps({"x": PLANTED})]))
    value = {draw(TEXT) + draw(st.sampled_from(SECRET_NAMES)) + draw(TEXT): value}
    for _ in range(draw(st.integers(0, 5))):
        other = draw(SCALAR | st.lists(SCALAR, max_size=2))
        value = draw(st.sampled_from([[other, value], {draw(OPEN_NAME): value, "z": other}, [value, other]]))
    return json.dumps(value, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1])))


def _shows(text: str) -> bool:
    """Whether a text holds the planted secret, or a half of it."""
    return any(half in unescaped(text) for half in (PLANTED[:6], PLANTED[-5:]))


def _without_secrets(body: str):
    """The parsed JSON without what is masked."""
    return json.loads(body, object_pairs_hook=lambda pairs: {name: value for name, value in pairs if value != MASK})


@settings(max_examples=60)
@given(with_a_secret(), st.floats(0, 1))
def test_secrets_at_any_depth_are_never_kept(body, where):
    kept = kept_body(body)
    assert not _shows(kept)
    assert isinstance(_without_secrets(kept), dict | list)
    assert not _shows(kept_body(body[: int(len(body) * where)]))
    outer = json.dumps({"a": body})
    assert not _shows(kept_body(outer))
    assert not _shows(kept_body(outer[: int(len(outer) * where)]))


@settings(max_examples=60)
@given(_nested(OPEN_NAME, SCALAR), st.booleans(), st.sampled_from([JSON, FORM, "text/plain", MULTIPART]))
def test_json_without_secrets_is_kept_byte_for_byte(value, is_ascii, content_type):
    body = json.dumps(value, ensure_ascii=is_ascii)
    assert kept_of(body, content_type) == KeptRequest(content_type=content_type, body=body)


@settings(max_examples=60)
@given(st.text(alphabet='{}[]",:\\=& \nu0061atoken1'), st.sampled_from([JSON, FORM, MULTIPART]))
def test_text_without_secret_names_is_kept_whatever_it_is(body, content_type):
    assume(not is_secret(unescaped(body)))
    assert kept_of(body, content_type).body == body


@settings(max_examples=60)
@given(st.lists(st.tuples(TEXT, TEXT), max_size=4), st.integers(0, 4), st.sampled_from(SECRET_NAMES))
def test_secrets_in_forms_are_never_kept(fields, at, name):
    fields.insert(at, (name, PLANTED))
    body = urlencode(fields)
    kept = kept_body(body, FORM)
    assert not _shows(kept)
    assert len(kept.split("&")) == len(fields)
    assert not _shows(kept_body(body[: body.index(quote(PLANTED)) + 8], FORM))


ADVERSARIAL = [
    *('{"a": "\\', '["\\"', "[", '{"a":', "[]", '{"pass', '["{pass', "{ pass ", "{ =token ", '{"auth":1},', '{"auth":'),
    *('{ x " ', '{ x "nrt', "{ x a:", "{ x password n", '{ x "token":', '["{\\"token', '["{pass\\u0041', "a=%41", "&"),
    *("--limit\r\n", '--limit\r\nname="', "--limit\r\n\n", "--limit\r\nname=token\r\n\r\nz\r\n", " ", '{"":', "'pass'"),
]


@pytest.mark.parametrize("text", ADVERSARIAL)
@pytest.mark.parametrize("content_type", [JSON, FORM, MULTIPART])
def test_work_grows_with_the_length_only(text, content_type):
    """A quadratic expression would hang here, and a quadratic loop calls too often."""
    first, rest = text[:1], text[1:] or text
    calls = [_calls((first + rest * (size // len(rest))).encode(), content_type) for size in (32_000, 64_000)]
    assert calls[1] <= 2.2 * calls[0] + 200


def _calls(body: bytes, content_type: str) -> int:
    count = 0

    def note(_frame, _event, _argument) -> None:
        nonlocal count
        count += 1

    sys.setprofile(note)
    try:
        keep_request([], [], body, content_type)
    finally:
        sys.setprofile(None)
    return count


def test_large_body_is_not_read_to_its_end():
    body = b'{"a": "' + b"x" * LARGEST_KEPT_BODY
    more = body + b'", "b": 1' * 100_000
    assert _calls(more, JSON) == _calls(body, JSON)
