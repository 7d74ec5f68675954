"""Tokens keep working while peppers change, until the old pepper is removed."""

import io

import pytest
from django.core.management import CommandError, call_command

from definitions.lookups import find_token
from endpoint import errors
from endpoint.authentication import token_of
from objects.changes import save_checked
from testbed.publisher import Publisher
from tests.refusals import refused
from tests.tokens.conftest import OWN_SECRET, peppers_in_use
from tokens import peppers
from tokens.models import ApiToken


def _report() -> list[str]:
    output = io.StringIO()
    call_command("peppers", stdout=output)
    return output.getvalue().splitlines()


def test_old_secrets_work_and_new_ones_are_kept_under_the_current_pepper(db):
    with peppers_in_use(1):
        old, old_secret = Publisher().token()
    with peppers_in_use(2, 1):
        new, new_secret = Publisher().token()
        assert token_of(old_secret).id == old.pk
        assert token_of(new_secret).id == new.pk
    assert dict(ApiToken.objects.values_list("pk", "pepper_id")) == {old.pk: 1, new.pk: 2}
    with peppers_in_use(1, 2):
        assert token_of(old_secret).id == old.pk
        assert token_of(new_secret).id == new.pk


def test_with_a_retired_pepper_its_tokens_are_not_found(db):
    with peppers_in_use(1):
        _, old_secret = Publisher().token()
    with peppers_in_use(2):
        assert find_token(list(peppers.digests(old_secret).values())) is None
        with pytest.raises(errors.TokenNotFoundError):
            token_of(old_secret)
    with peppers_in_use(2, 1):
        token_of(old_secret)


def test_another_pepper_with_the_same_number_finds_no_token(db, settings):
    with peppers_in_use(1):
        _, secret = Publisher().token()
    settings.UDAPI_PEPPERS = {1: b"z" * 32}
    with pytest.raises(errors.TokenNotFoundError):
        token_of(secret)


def test_rotating_a_token_moves_it_to_the_current_pepper(db):
    with peppers_in_use(1):
        token, old_secret = Publisher().token()
    with peppers_in_use(2, 1):
        new_secret = token.set_secret(None)
        save_checked(token, by="system")
        with pytest.raises(errors.TokenNotFoundError):
            token_of(old_secret)
    with peppers_in_use(2):
        assert token_of(new_secret).id == token.pk


def test_a_token_may_keep_its_own_secret_when_the_pepper_changes(db):
    with peppers_in_use(1):
        token, _ = Publisher().token(OWN_SECRET)
    with peppers_in_use(2, 1):
        token.set_secret(OWN_SECRET)
        save_checked(token, by="system")
    with peppers_in_use(2):
        assert token_of(OWN_SECRET).id == token.pk


@pytest.mark.parametrize("later", [(1,), (2, 1), (3, 2, 1), (2, 3, 1)])
def test_a_secret_in_use_is_refused_under_every_active_pepper(db, later):
    with peppers_in_use(1):
        Publisher().token(OWN_SECRET)
    with peppers_in_use(*later):
        assert refused(Publisher().token, OWN_SECRET) == ("InvalidSecret", {})
        another, _ = Publisher().token()
        another.set_secret(OWN_SECRET)
        assert refused(save_checked, another, "system") == ("InvalidSecret", {})
    assert ApiToken.objects.count() == 2


def test_a_refused_secret_leaves_the_old_one_in_force(db):
    Publisher().token(OWN_SECRET)
    token, secret = Publisher().token()
    token.set_secret(OWN_SECRET)
    refused(save_checked, token, "system")
    assert token_of(secret).id == token.pk


def test_the_command_shows_the_tokens_of_each_pepper(db):
    with peppers_in_use(1):
        (first, _), _ = Publisher().token(), Publisher().token()
        assert _report() == ["pepper 1: 2 token(s), current"]
    with peppers_in_use(2, 1):
        Publisher().token()
        assert _report() == ["pepper 2: 1 token(s), current", "pepper 1: 2 token(s), old: rotate these tokens' secrets"]
        for token in ApiToken.objects.filter(pepper_id=1):
            token.set_secret(None)
            save_checked(token, by="system")
        assert _report() == ["pepper 2: 3 token(s), current", "pepper 1: 0 token(s), old: can be removed"]
    with peppers_in_use(2):
        assert _report() == ["pepper 2: 3 token(s), current"]
    first.refresh_from_db()
    assert first.pepper_id == 2


def test_the_command_fails_when_a_pepper_in_use_is_missing(db):
    with peppers_in_use(1):
        Publisher().token()
    with peppers_in_use(2):
        output = io.StringIO()
        with pytest.raises(CommandError):
            call_command("peppers", stdout=output)
        assert output.getvalue().splitlines() == [
            "pepper 2: 0 token(s), current",
            "pepper 1: 1 token(s), NOT ACTIVE: calls with them are refused",
        ]
