"""A secret that can be guessed is reported at start and in the console, and never shown."""

import secrets

import pytest
from django.contrib.auth.models import User
from django.core.checks import run_checks

from console.attention import concerns

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


def test_only_superusers_see_weak_secrets_in_the_overview(db, settings):
    settings.SECRET_KEY = "short"
    (concern,) = concerns(User.objects.create_superuser("root"))
    assert "UDAPI_SECRET_KEY can be guessed" in concern.meaning
    assert concerns(User.objects.create_user("joe")) == []
