"""The largest body at each address; none is ever written to a file."""

import pytest

from tests.endpoint.catalogue import LARGEST_BODY, assert_error
from tests.endpoint.wire import Connection, RawResponse, head

KB, MB = 1024, 1024 * 1024
LARGEST_FORM = 2_621_440
LARGEST_MESSAGE = 6 * LARGEST_BODY + MB
FORM = ("Content-Type", "application/x-www-form-urlencoded")
PARTS = ("Content-Type", "multipart/form-data; boundary=x")
CHUNKED = ("Transfer-Encoding", "chunked")
FILE = b'--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n'

STRANGERS = {
    "/": 64 * KB,
    "/nowhere": 64 * KB,
    "/static/console/icon.svg": 64 * KB,
    "/console/login/": 64 * KB,
    "/console/tokens/apitoken/add/": 64 * KB,
    "/api/management": 64 * KB,
    "/api/management/tokens/": 10 * MB,
    "/api/management/trigger/": LARGEST_MESSAGE,
    "/api/custom/any": LARGEST_BODY,
}


def announce(url: str, path: str, length: int, *headers: tuple[str, str]) -> RawResponse:
    """The answer to a request that sends only the length of its body."""
    with Connection(url) as connection:
        connection.send(head("POST", path, *headers, ("Content-Length", str(length))))
        connection.end_of_sending()
        answer = connection.answer()
        if answer.status_code == 413:
            assert answer.headers["Connection"] == "close"
            assert connection.is_closed()
        return answer


@pytest.mark.parametrize("path", STRANGERS)
@pytest.mark.parametrize("content_type", [FORM, PARTS], ids=["form", "parts"])
def test_a_stranger_who_announces_one_byte_too_many_is_refused(impatient, path, content_type):
    largest = STRANGERS[path]
    answer = announce(impatient.url, path, largest + 1, content_type)
    assert answer.status_code == 413
    assert "<" not in answer.content.decode()
    assert announce(impatient.url, path, largest, content_type).status_code != 413


@pytest.mark.parametrize(("path", "largest"), [("tokens/", 10 * MB), ("trigger/", LARGEST_MESSAGE)])
def test_the_management_api_refuses_in_its_own_form(impatient, key, path, largest):
    answer = announce(impatient.url, f"/api/management/{path}", largest + 1, key, ("Content-Type", "application/json"))
    assert (answer.status_code, answer.json()["errors"][0]["reason"]) == (413, "BodyTooLarge")


def test_a_form_after_log_in_may_be_larger(impatient, session):
    path = "/console/tokens/apitoken/add/"
    assert announce(impatient.url, path, LARGEST_FORM + 1, session, FORM).status_code == 413
    assert announce(impatient.url, path, LARGEST_FORM, session, FORM).status_code != 413


@pytest.mark.parametrize("path", ["/", "/nowhere", "/console/login/"])
def test_a_body_without_a_length_is_refused_unread(impatient, path):
    with Connection(impatient.url) as connection:
        connection.send(head("POST", path, FORM, CHUNKED))
        assert connection.answer().status_code == 411
        assert connection.is_closed()


@pytest.mark.parametrize("path", ["/console/login/", "/api/management/tokens/", "/nowhere"])
def test_an_upload_of_gigabytes_is_refused_before_it_is_read(impatient, temporary, path):
    with Connection(impatient.url) as connection:
        connection.send(head("POST", path, PARTS, ("Content-Length", str(10 * 1024 * MB))), FILE)
        assert connection.answer().status_code == 413
        assert not list(temporary.iterdir())


def test_an_upload_before_log_in_leaves_no_file(impatient, temporary):
    with Connection(impatient.url) as connection:
        connection.send(head("POST", "/console/login/", PARTS, ("Content-Length", str(3 * MB))), FILE, b"x" * MB)
        assert connection.answer().status_code == 413
        assert not list(temporary.iterdir())


@pytest.mark.parametrize("path", ["/console/tokens/apitoken/add/", "/api/management/tokens/"])
@pytest.mark.parametrize("length", [1_000, 2 * MB])
def test_a_file_is_refused_after_log_in_too(impatient, temporary, session, path, length):
    """With a cookie of the CSRF protection, without which the form would not be read."""
    end = b"\r\n--x--\r\n"
    cookies = ("Cookie", f"{session[1]}; csrftoken={'a' * 32}")
    with Connection(impatient.url) as connection:
        whole = len(FILE) + length + len(end)
        connection.send(head("POST", path, cookies, PARTS, ("Content-Length", str(whole))), FILE, b"x" * length, end)
        assert connection.answer().status_code in (400, 415)
        assert not list(temporary.iterdir())


BROKEN = {
    "parts without a boundary": ([("Content-Type", "multipart/form-data"), ("Content-Length", "1")], b"x"),
    "too many fields": ([FORM, ("Content-Length", "6000")], b"a=1&" * 1_500),
    "a form that breaks off": ([FORM, ("Content-Length", "10")], b"a=1"),
    "parts that break off": ([PARTS, ("Content-Length", "1000")], FILE[:40]),
    "a file": ([PARTS, ("Content-Length", str(len(FILE) + 1))], FILE + b"x"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_strangers_broken_form_leaves_nothing_in_the_log_of_triggers(impatient, stack, name):
    """With the cookie and the header of the CSRF protection, so that the form is read by the view as well."""
    headers, body = BROKEN[name]
    csrf = [("Cookie", f"csrftoken={'a' * 32}"), ("X-CSRFToken", "a" * 32)]
    before = stack.log_text("endpoint.log")
    with Connection(impatient.url) as connection:
        connection.send(head("POST", "/console/login/", *csrf, *headers), body)
        connection.end_of_sending()
        assert connection.answer().status_code < 500
    assert stack.log_text("endpoint.log") == before


def test_a_form_in_parts_without_a_file_is_read(impatient):
    """The form is shown again because the password is wrong; unread fields would have failed the CSRF protection."""
    page = impatient.client.get("/console/login/")
    token = page.cookies["csrftoken"]
    fields = {"csrfmiddlewaretoken": token, "username": "nobody", "password": "wrong"}
    answer = impatient.client.post("/console/login/", files={name: (None, text) for name, text in fields.items()})
    impatient.client.cookies.clear()
    assert (answer.status_code, 'name="password"' in answer.text) == (200, True)


def test_a_trigger_is_still_refused_in_the_catalogues_form(impatient):
    assert_error(announce(impatient.url, "/api/custom/any", LARGEST_BODY + 1), 1009)
