"""A secret that can be guessed is reported at start and in the console, and never shown."""

import secrets
from base64 import urlsafe_b64encode

import pytest
from django.contrib.auth.models import User
from django.core.checks import Tags, run_checks

from console.attention.concerns import concerns
from tests.automation.stored_credentials import credential_keys_in_use, stored_credential

pytestmark = pytest.mark.django_db

GOOD = secrets.token_hex(32)


def _ids() -> list[str | None]:
    return [message.id for message in run_checks(tags=["udapi"])]


@pytest.mark.parametrize(
    "good",
    [GOOD, secrets.token_hex(16), secrets.token_urlsafe(32), "aB3$" + secrets.token_hex(20)],
    ids=["hex", "short hex", "base64", "with punctuation"],  # the same in every process of the run
)
def test_a_good_secret_is_not_mentioned(settings, good):
    settings.SECRET_KEY, settings.UDAPI_PEPPERS = good, {1: good.encode()}
    assert _ids() == []


@pytest.mark.parametrize(
    ("weak", "why"),
    [
        ("short", "fewer than 32 characters"),
        ("x" * 64, "repeats itself"),
        ("abcdefghijkl" * 4, "repeats itself"),
        ("django-insecure-" + secrets.token_hex(20), "looks like an example"),
        ("ChangeMe-please-with-something-better", "looks like an example"),
    ],
    ids=["short", "one letter", "repeated", "Django's", "change me"],
)
def test_a_weak_secret_is_reported(settings, weak, why):
    settings.SECRET_KEY, settings.UDAPI_PEPPERS = weak, {2: GOOD.encode(), 1: weak.encode()}
    found = run_checks(tags=["udapi"])
    assert [message.id for message in found] == ["udapi.W011", "udapi.W012"]
    assert found[1].msg.startswith("Pepper 1 of UDAPI_SECRET_PEPPERS can be guessed")
    for message in found:
        assert why in message.msg
        assert weak not in f"{message.msg} {message.hint}"


@pytest.mark.parametrize("weak", [b"x" * 32, b"0123456789abcdef" * 2, b"an example of a key, to change it"[:32]])
def test_a_weak_key_of_credentials_is_reported(settings, weak):
    key = urlsafe_b64encode(weak).decode()
    settings.UDAPI_CREDENTIAL_KEYS = (urlsafe_b64encode(secrets.token_bytes(32)).decode(), key)
    (found,) = run_checks(tags=["udapi"])
    assert (found.id, key in f"{found.msg} {found.hint}") == ("udapi.W015", False)
    assert found.msg.startswith("Key 2 of UDAPI_CREDENTIAL_KEYS can be guessed")


def test_credentials_that_no_key_opens_are_reported():
    with credential_keys_in_use(1):
        stored_credential()
    found = run_checks(tags=[Tags.database], databases=["default"])
    assert [message.id for message in found] == ["udapi.W016"]
    assert "opens 1 of the stored credentials" in found[0].msg
    # Checks of the settings do not ask the database, which may be away.
    assert run_checks(tags=["udapi"]) == []


def test_only_superusers_see_weak_secrets_in_the_overview(db, settings):
    settings.SECRET_KEY = "short"
    found = [concern.meaning for concern in concerns(User.objects.create_superuser("root"), None)]
    assert len([meaning for meaning in found if "UDAPI_SECRET_KEY can be guessed" in str(meaning)]) == 1
    assert concerns(User.objects.create_user("joe"), None) == []
