"""The engine and the errors, as script authors use them in their tests."""

import threading
import time

import pytest

from automation.sdk import ApiError, CredentialNotAllowed, Engine, StatusCode, SubscriptFailed

SECRET = "hunter2"


def test_an_engine_knows_the_script():
    engine = Engine(script_name="scan", script_version=3)
    assert (engine.script_name, engine.script_version) == ("scan", 3)
    assert (Engine().script_name, Engine().script_version) == ("", 0)
    with pytest.raises(AttributeError):
        engine.script_name = "other"  # type: ignore[misc]


def test_remaining_seconds_count_down_to_zero():
    engine = Engine(seconds=5)
    first = engine.remaining_seconds
    time.sleep(0.001)
    assert 0 < engine.remaining_seconds < first <= 5
    assert Engine(seconds=-1).remaining_seconds == 0.0


def test_a_script_reads_the_credentials_that_are_granted_to_it():
    engine = Engine({"host": "a"}, credentials={"smtp": SECRET})
    assert engine.credential("smtp") == SECRET
    for other in (engine, Engine()):
        with pytest.raises(CredentialNotAllowed, match="'SMTP'") as caught:
            other.credential("SMTP")
        assert (caught.value.name, caught.value.__suppress_context__) == ("SMTP", True)


def test_a_credential_is_looked_up_when_it_is_read():
    read = []

    class Noting(dict[str, str]):
        def __getitem__(self, name):
            value = super().__getitem__(name)
            read.append(name)
            return value

    engine = Engine(credentials=Noting(smtp=SECRET, other=SECRET))
    assert read == []
    engine.credential("smtp")
    assert read == ["smtp"]


def test_nothing_secret_is_shown():
    engine = Engine({"password": SECRET}, credentials={"smtp": SECRET}, script_name="scan")
    with pytest.raises(CredentialNotAllowed) as caught:
        engine.credential("other")
    shown = [f"{each!r} {each}" for each in (engine, caught.value)]
    assert "'scan'" in shown[0]
    assert SECRET not in "".join(shown)


def test_information_is_cut_and_counted():
    said: list[str] = []
    logged: list[str] = []
    engine = Engine(information=said.append, log=logged.append)
    for message in ("x" * 1000, "y" * 1001, *map(str, range(3, 13))):
        engine.information(message)
    assert said == ["x" * 1000, "y" * 999 + "…", *map(str, range(3, 11))]
    assert logged == ["A run leaves at most 10 information events; further ones are dropped."]
    Engine(information=said.append).information("of another run")
    assert said[-1] == "of another run"


@pytest.mark.parametrize("message", ["", " \n", None, 7, b"x"])
def test_information_must_be_text(message):
    said: list[str] = []
    with pytest.raises(ValueError, match="must be text"):
        Engine(information=said.append).information(message)
    assert said == []


def test_threads_share_the_limit_of_information():
    said: list[str] = []
    logged: list[str] = []
    engine = Engine(information=said.append, log=logged.append)
    threads = [threading.Thread(target=engine.information, args=("x",)) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(said), len(logged)) == (10, 1)


def test_a_waited_subscript_returns_what_its_run_returned():
    engine = Engine(run_subscript=lambda _name, _parameters, wait: {"a": [1]} if wait else "job-1")
    assert engine.run_subscript("a") == {"a": [1]}
    assert engine.run_subscript("a", wait=False) == "job-1"


def test_a_failed_subscript_has_the_status_of_its_api_error():
    assert SubscriptFailed("why").status is None
    error = SubscriptFailed("why", status=409)
    assert (str(error), error.status) == ("why", 409)


def test_an_api_error_is_an_answer():
    error = ApiError(StatusCode.CONFLICT, "In use.")
    assert (error.status, type(error.status), error.title, error.detail) == (409, int, "In use.", "")
    assert (str(error), str(ApiError(404, "a", "b"))) == ("409 In use.", "404 a (b)")
    assert ApiError(99, "").status == 99, "the platform checks the range"


@pytest.mark.parametrize(
    "arguments", [("409", "x"), (409.0, "x"), (True, "x"), (409, None), (409, b"x"), (409, "x", 1)]
)
def test_an_api_error_has_a_number_and_texts(arguments):
    with pytest.raises(TypeError, match="of an ApiError must be"):
        ApiError(*arguments)


def test_tracebacks_name_errors_as_scripts_import_them():
    assert repr(ApiError).startswith("<class 'automation.sdk.ApiError'")
    assert repr(SubscriptFailed).startswith("<class 'automation.sdk.SubscriptFailed'")
