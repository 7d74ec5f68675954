"""The rules of a token, each with its reason and details, in code and in the database."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from definitions.models import ApiDefinition
from objects.changes import save_checked
from testbed.publisher import Publisher
from tests.refusals import reasons_of, refused
from tests.tokens.conftest import OWN_SECRET
from tokens.models import ApiToken


def _token(**fields) -> ApiToken:
    token = ApiToken(**{"name": "a client"} | fields)
    token.set_secret(None)
    return token


@pytest.mark.parametrize("name", ["a", "a b", " a", "x" * 200, "日本", "😀", "\u200b", "same name as another"])
def test_names_that_are_accepted(db, name):
    for _ in range(2):
        save_checked(_token(name=name), by="system")
    assert ApiToken.objects.filter(name=name).count() == 2


@pytest.mark.parametrize("name", ["", " ", "\t\n\r", "\u00a0", "\u3000", "x" * 201, "a\0b", "a\ud800"])
def test_names_that_are_refused(db, name):
    assert refused(save_checked, _token(name=name), by="system") == ("InvalidName", {})
    assert not ApiToken.objects.exists()


def test_a_new_token_has_these_defaults(db):
    token = save_checked(_token(), by="system")
    assert (token.is_disabled, token.rate_limit, token.rate_window_seconds) == (False, None, None)


@pytest.mark.parametrize("rate", [(None, None), (1, 1), (100, 86_400), (1, 86_400), (100, 1)])
def test_rate_limits_that_are_accepted(db, rate):
    token = save_checked(_token(rate_limit=rate[0], rate_window_seconds=rate[1]), by="system")
    token.refresh_from_db()
    assert (token.rate_limit, token.rate_window_seconds) == rate


OUT_OF_RANGE = [(0, 1), (101, 1), (-1, 1), (1, 0), (1, 86_401), (1, -1), (1, None), (None, 1), (101, None)]


@pytest.mark.parametrize("rate", [*OUT_OF_RANGE, (40_000, 1), (1, 2**40), (10**30, 10**30), ("x", 1), (1, "y")])
def test_rate_limits_that_are_refused(db, rate):
    token = _token(rate_limit=rate[0], rate_window_seconds=rate[1])
    reason, details = refused(save_checked, token, by="system")
    assert reason == "InvalidRateLimit"
    assert set(details) == {"message"}
    assert "1 to 100" in details["message"]
    assert "86400" in details["message"]
    assert not ApiToken.objects.exists()


def test_all_errors_are_reported_at_once(db):
    Publisher().token(OWN_SECRET)
    token = ApiToken(name=" ", rate_limit=0, rate_window_seconds=0)
    token.set_secret(OWN_SECRET)
    with pytest.raises(ValidationError) as caught:
        save_checked(token, by="system")
    assert reasons_of(caught.value) == ["InvalidName", "InvalidRateLimit", "InvalidSecret"]


@pytest.mark.parametrize("limit", OUT_OF_RANGE)
def test_the_database_enforces_the_rate_limit(db, limit):
    token = save_checked(_token(), by="system")
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiToken._base_manager.filter(pk=token.pk).update(rate_limit=limit[0], rate_window_seconds=limit[1])


@pytest.mark.parametrize("name", ["", " ", "\t\n"])
def test_the_database_enforces_the_name(db, name):
    with pytest.raises(IntegrityError), transaction.atomic():
        _token(name=name).save()
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiToken._base_manager.bulk_create([_token(name=name)])


def test_the_database_refuses_equal_digests(db):
    token = save_checked(_token(), by="system")
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiToken(name="b", secret_digest=token.secret_digest, pepper_id=9).save()


def test_the_database_refuses_to_delete_a_token_in_use(db):
    api = Publisher()()
    with pytest.raises(IntegrityError), transaction.atomic():
        _raw_delete(api.token)
    assert ApiDefinition.objects.count() == 1
    api.token.refresh_from_db()


def _raw_delete(token: ApiToken) -> None:
    ApiToken._base_manager.filter(pk=token.pk)._raw_delete("default")
    connection.check_constraints()


def test_a_token_without_a_secret_is_not_saved(db):
    with pytest.raises((ValidationError, IntegrityError)):
        save_checked(ApiToken(name="a"), by="system")
