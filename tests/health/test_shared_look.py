"""One look serves everybody who asks, and one that hangs holds a single thread."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from health import shared_look
from health.shared_look import FRESH_SECONDS, PATIENCE_SECONDS, SharedLook
from testbed.stack import wait_until


class LookedAt:
    """What is looked at. `goes_on` ends a look; `fault` is what it finds."""

    def __init__(self) -> None:
        self.looks, self.fault = 0, ""
        self.goes_on = threading.Event()
        self.goes_on.set()

    def look(self) -> str:
        self.looks += 1
        self.goes_on.wait()
        if self.fault == "raise":
            raise LookupError
        return self.fault


@pytest.fixture
def subject():
    subject = LookedAt()
    yield subject
    subject.goes_on.set()


def ask(look: SharedLook, *, may_wait: bool = True) -> str:
    look.begin()
    return look.fault(may_wait=may_wait)


@pytest.fixture
def patient(monkeypatch):
    """A look may take as long as a busy machine needs."""
    monkeypatch.setattr(shared_look, "PATIENCE_SECONDS", 600.0)


@pytest.mark.usefixtures("patient")
def test_two_hundred_askers_at_once_share_one_look(subject):
    look, have_begun = SharedLook("it", subject.look), threading.Barrier(201)
    subject.goes_on.clear()

    def asked() -> str:
        look.begin()
        have_begun.wait(600)
        return look.fault(may_wait=True)

    with ThreadPoolExecutor(200) as askers:
        answers = [askers.submit(asked) for _ in range(200)]
        # The look goes on until everybody has asked.
        have_begun.wait(600)
        subject.goes_on.set()
        assert {each.result() for each in answers} == {""}
    assert subject.looks == 1


@pytest.mark.usefixtures("patient")
def test_a_finding_is_shared_while_it_is_fresh(subject, monkeypatch):
    monkeypatch.setattr(shared_look, "FRESH_SECONDS", 600.0)
    look = SharedLook("it", subject.look)
    assert [ask(look) for _ in range(3)] == [""] * 3
    assert subject.looks == 1
    subject.fault = "broken"
    monkeypatch.setattr(shared_look, "FRESH_SECONDS", 0.0)
    assert ask(look) == "broken"
    assert subject.looks == 2


def test_a_look_that_hangs_is_a_fault_in_time_and_holds_one_thread(subject):
    look = SharedLook("the hanging one", subject.look)
    wait_until(lambda: ask(look) == "", what="an answer")
    looks = subject.looks
    subject.goes_on.clear()
    time.sleep(FRESH_SECONDS)
    begun = time.monotonic()
    assert ask(look) == "the hanging one does not answer within 1 s"
    assert time.monotonic() - begun > PATIENCE_SECONDS * 0.9
    begun, cpu = time.monotonic(), time.thread_time()
    assert {ask(look) for _ in range(50)} == {"the hanging one does not answer within 1 s"}
    assert time.thread_time() - cpu < 0.5, "it does not wait actively either"
    assert subject.looks == looks + 1
    assert len([each for each in threading.enumerate() if each.name == "look at the hanging one"]) == 1
    subject.goes_on.set()
    wait_until(lambda: ask(look) == "", what="an answer")


def test_whoever_may_not_wait_is_told_what_is_known(subject):
    look = SharedLook("it", subject.look)
    subject.goes_on.clear()
    assert ask(look, may_wait=False) == "nobody has looked at it yet"
    subject.goes_on.set()
    wait_until(lambda: ask(look, may_wait=False) == "", what="the end of the look")


@pytest.mark.usefixtures("patient")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_look_that_raises_is_a_fault_and_the_next_one_works(subject):
    look = SharedLook("it", subject.look)
    subject.fault = "raise"
    assert ask(look) == "it cannot be looked at"
    subject.fault = ""
    wait_until(lambda: ask(look) == "", what="another look")
