"""The limits of log-in attempts: each is counted before its password is checked, in the database only.

No Redis runs in these tests: log-ins work, and stay limited, without it.
"""

import itertools
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import hashers
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db.models import F
from django.test import Client
from django.utils import timezone

from logins import attempts, hash_slots
from logins.attempts import Attempt, LockedError
from logins.backend import checked
from logins.models import AttemptCounter
from tests.logins.conftest import PASSWORD, api, console, statuses
from tests.race import race
from web.client_address import client_network

FEW = 12
"""A limit for addresses that is soon reached."""


@pytest.fixture
def few_by_address(monkeypatch):
    """Fewer attempts by address, but more than by user."""
    assert attempts.MOST_BY_USER < FEW < attempts.MOST_BY_ADDRESS
    monkeypatch.setattr(attempts, "MOST_BY_ADDRESS", FEW)


def test_of_36_simultaneous_guesses_ten_are_checked(open_db, monkeypatch):
    monkeypatch.setattr(hash_slots, "count", lambda: 36)
    guesses = itertools.count()

    def guess() -> bool:
        return checked(Attempt("joe", "192.0.2.1"), lambda: next(guesses) < 0)

    outcomes = race(*[guess] * 36)
    assert next(guesses) == 10
    refused = [outcome for outcome in outcomes if isinstance(outcome, LockedError)]
    assert len(refused) >= 26
    assert len(refused) + outcomes.count(False) == 36


def test_a_right_password_starts_the_users_count_anew(joe):
    for _ in range(3):
        assert statuses(api, 9) == [401] * 9
        assert api().status_code == 200
    assert statuses(api, 10) == [401] * 9 + [429]


def test_right_passwords_count_against_no_limit(joe, few_by_address):
    assert {api().status_code for _ in range(FEW + 1)} == {200}


def test_a_right_password_does_not_clear_the_address(joe, few_by_address):
    for number in range(FEW - 1):
        assert api(f"nobody {number}", "wrong").status_code == 401
    assert api().status_code == 200
    assert api("nobody", "wrong").status_code == 429
    assert api().status_code == 429


@pytest.mark.parametrize("attempt", [api, console])
def test_an_address_that_fails_with_ever_new_names_is_locked(joe, few_by_address, attempt):
    for number in range(FEW):
        last = attempt(f"nobody {number}", "wrong", REMOTE_ADDR="2001:db8:1:2::1")
    assert last.status_code == 429
    for address in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"):
        refused = attempt(REMOTE_ADDR=address)
        assert refused.status_code == 429
        assert 0 < int(refused["Retry-After"]) <= 15 * 60
    for address in ("2001:db8:1:3::1", "192.0.2.1"):
        assert attempt(REMOTE_ADDR=address).status_code in {200, 302}


def test_the_addresses_of_one_ipv6_client_count_as_one(joe):
    for number in range(9):
        assert api(password="wrong", REMOTE_ADDR=f"2001:db8::{number + 1}").status_code == 401
    assert api(password="wrong", REMOTE_ADDR="2001:db8::ffff:1").status_code == 429


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_the_network_of_a_client_is_what_counts(address, network):
    assert client_network(address) == network


def test_failures_of_a_quarter_of_an_hour_ago_do_not_count(joe):
    assert statuses(api, 9) == [401] * 9
    AttemptCounter.objects.update(ends_at=F("ends_at") - timedelta(minutes=15))
    assert statuses(api, 10) == [401] * 9 + [429]


def test_the_tenth_failure_locks_for_a_quarter_of_an_hour(joe):
    statuses(api, 9)
    AttemptCounter.objects.update(ends_at=F("ends_at") - timedelta(minutes=10))
    assert api(password="wrong").status_code == 429
    assert int(api()["Retry-After"]) > 14 * 60


def test_old_counters_are_removed(joe):
    for number in range(3):
        api(f"nobody {number}", "wrong")
    AttemptCounter.objects.update(ends_at=timezone.now() - timedelta(days=2))
    api("nobody", "wrong")
    assert AttemptCounter.objects.count() == 2


def test_the_unlock_command_unlocks(joe):
    statuses(api, 10)
    call_command("unlock")
    assert api().status_code == 200


def test_a_locked_attempt_writes_nothing(joe, django_assert_num_queries):
    statuses(api, 10)
    before = list(AttemptCounter.objects.order_by("key").values())
    assert statuses(api, 5) == [429] * 5
    assert list(AttemptCounter.objects.order_by("key").values()) == before
    # One for the counters, one for the user's name in the log.
    with django_assert_num_queries(2):
        api()


def test_an_unknown_user_costs_as_many_hashes_as_a_known_one(joe, monkeypatch):
    hashed: list[Any] = []
    encode = hashers.MD5PasswordHasher.encode

    def count(*args: Any) -> str:
        hashed.append(args)
        return encode(*args)

    monkeypatch.setattr(hashers.MD5PasswordHasher, "encode", count)
    off = User.objects.create_user("ann", password=PASSWORD, is_active=False)
    hashed.clear()
    costs = []
    for name, password in (("joe", "wrong"), ("nobody", "wrong"), (off.username, PASSWORD)):
        assert api(name, password).status_code == 401
        costs.append(len(hashed))
        hashed.clear()
    assert costs == [1, 1, 1]


def test_the_password_page_counts_wrong_old_passwords(joe):
    client = Client()
    client.force_login(joe)
    form = {"old_password": "wrong", "new_password1": "another horse", "new_password2": "another horse"}
    answers = [client.post("/console/password_change/", form) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 9 + [429] * 2
    assert client.post("/console/password_change/", form | {"old_password": PASSWORD}).status_code == 429
    assert api().status_code == 429
    joe.refresh_from_db()
    assert joe.check_password(PASSWORD)
    # The user stays logged in.
    assert client.get("/console/").status_code == 200


def test_the_console_explains_the_lock(joe):
    assert statuses(console, 10) == [200] * 9 + [429]
    for password in ("wrong", PASSWORD):
        refused = console(password=password)
        assert refused.status_code == 429
        assert 14 * 60 < int(refused["Retry-After"]) <= 15 * 60
        assert "Too many wrong passwords. Try again in 15 minutes." in refused.content.decode()
    assert api().status_code == 429


# --- How many at once ---


@pytest.fixture
def no_place(monkeypatch):
    """All log-in slots are taken for longer than anybody waits."""
    monkeypatch.setattr(hash_slots, "count", lambda: 2)
    monkeypatch.setattr(hash_slots, "WAIT_SECONDS", 0.1)
    with hash_slots.slots.hold(), hash_slots.slots.hold():
        yield


def test_at_most_half_of_the_processors_check_passwords(monkeypatch):
    for processors, expected in ((None, 1), (1, 1), (2, 1), (3, 1), (4, 2), (12, 6), (128, hash_slots.MOST_SLOTS)):
        monkeypatch.setattr("os.cpu_count", lambda known=processors: known)
        assert hash_slots.count() == expected
    assert attempts.MOST_BY_USER > hash_slots.MOST_SLOTS


def test_without_a_log_in_slot_nothing_is_checked_or_counted(joe, no_place):
    refused = api()
    assert refused.status_code == 429
    assert refused["Retry-After"] == "1"
    assert refused.json()["errors"][0]["reason"] == "TooManyAttempts"
    page = console()
    assert (page.status_code, page["Retry-After"]) == (429, "1")
    assert "Try again in a moment." in page.content.decode()
    assert not AttemptCounter.objects.exists()


def test_a_waiting_log_in_gets_the_slot_that_becomes_free(monkeypatch):
    monkeypatch.setattr(hash_slots, "count", lambda: 1)
    monkeypatch.setattr(hash_slots, "WAIT_SECONDS", 30)
    entered = threading.Event()

    def wait() -> None:
        with hash_slots.slots.hold():
            entered.set()

    waiter = threading.Thread(target=wait)
    with hash_slots.slots.hold():
        waiter.start()
        assert not entered.wait(0.2)
    waiter.join(30)
    assert entered.is_set()


def test_only_few_threads_wait_for_a_log_in_slot(joe, no_place, monkeypatch):
    waiting = threading.BoundedSemaphore(1)
    monkeypatch.setattr(hash_slots.slots, "_waiting", waiting)
    monkeypatch.setattr(hash_slots, "_wait", lambda: pytest.fail("one more waits"))
    with waiting:
        assert api().status_code == 429
