"""Two writers of tokens at the same moment."""

from functools import partial

import pytest

from endpoint.authentication import token_of
from objects.changes import delete_checked, save_checked
from testbed.publisher import Publisher
from tests.race import race, refusals
from tests.refusals import only_reason
from tests.tokens.conftest import OWN_SECRET, peppers_in_use
from tokens.models import ApiToken


def _with_own_secret(*peppers: int) -> ApiToken:
    """A token made by a process with these peppers, not saved yet."""
    with peppers_in_use(*peppers):
        token = ApiToken(name=f"made under {peppers}")
        token.set_secret(OWN_SECRET)
        return token


@pytest.mark.parametrize(
    "peppers",
    [
        pytest.param([(1,), (1,)], id="one-pepper"),
        pytest.param([(2, 1), (2, 1)], id="two-peppers"),
        pytest.param([(1, 2), (2, 1)], id="in-the-middle-of-a-rotation"),
        pytest.param([(1,), (1, 2), (1,), (1, 2)], id="while-the-new-one-is-handed-out"),
        pytest.param([(1, 2, 3), (3, 1, 2), (2, 3, 1), (1, 3, 2)], id="three-peppers"),
    ],
)
@pytest.mark.usefixtures("open_db")
def test_the_same_secret_given_twice_at_once_is_kept_once(peppers):
    tokens = [_with_own_secret(*numbers) for numbers in peppers]
    outcomes = race(*(partial(save_checked, token, "system") for token in tokens), meet_in=ApiToken)
    losers = refusals(outcomes)
    assert [only_reason(loser) for loser in losers] == [("InvalidSecret", {})] * (len(peppers) - 1)
    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, ApiToken)]
    assert list(ApiToken.objects.values_list("pk", flat=True)) == [winner.pk]
    with peppers_in_use(1, 2, 3):
        assert token_of(OWN_SECRET).id == winner.pk


@pytest.mark.usefixtures("open_db")
def test_of_two_tokens_rotated_to_the_same_secret_one_is_refused():
    tokens = [Publisher().token()[0] for _ in range(2)]
    for token, numbers in zip(tokens, [(1, 2), (2, 1)], strict=True):
        with peppers_in_use(*numbers):
            token.set_secret(OWN_SECRET)
    outcomes = race(*(partial(save_checked, token, "system") for token in tokens), meet_in=ApiToken)
    (loser,) = refusals(outcomes)
    assert only_reason(loser) == ("InvalidSecret", {})


@pytest.mark.usefixtures("open_db")
def test_a_token_deleted_twice_at_once_is_deleted_once():
    token, _ = Publisher().token()
    copies = [ApiToken.objects.get(pk=token.pk) for _ in range(4)]
    outcomes = race(*(partial(delete_checked, copy, "system") for copy in copies))
    assert outcomes.count(None) == 1
    assert sum(isinstance(outcome, ApiToken.DoesNotExist) for outcome in outcomes) == 3


@pytest.mark.usefixtures("open_db")
def test_a_secret_freed_at_the_same_moment_is_accepted_or_refused():
    """Refused or accepted, but never anything else."""
    for _ in range(3):
        holder, _secret = Publisher().token(OWN_SECRET)
        taker = ApiToken(name="taker")
        taker.set_secret(OWN_SECRET)
        freed, taken = race(
            partial(delete_checked, holder, "system"),
            partial(save_checked, taker, "system"),
            meet_in=ApiToken,
        )
        assert freed is None
        assert all(only_reason(error) == ("InvalidSecret", {}) for error in refusals([taken]))
        assert ApiToken.objects.count() == (taken is taker)
        Publisher.clean()
