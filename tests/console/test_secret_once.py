"""A secret is shown once: the page that shows it, loaded again, neither shows it nor makes another."""

from functools import partial

from django.contrib.auth.models import User
from django.test import Client

from keys.models import PersonalKey
from tests.console.conftest import FLAGS, filled_in, page
from tests.race import race
from tokens.models import ApiToken

MODEL, KEY = "tokens_apitoken", "keys_personalkey"


def secrets_in(response) -> int:
    return str(response.content.decode()).count("udapi_")


def test_the_form_of_a_new_token_makes_one_token(admin):
    sent = filled_in(admin.get(page(MODEL, "add")), name="client")
    first, second = admin.post(page(MODEL, "add"), sent), admin.post(page(MODEL, "add"), sent)
    assert (first.status_code, secrets_in(first)) == (200, 1)
    assert (second.status_code, secrets_in(second)) == (409, 0)
    assert "was shown already" in second.content.decode()
    token = ApiToken.objects.get()
    assert page(MODEL, "rotate", token.pk) in second.content.decode()
    assert token.revision == 1


def test_another_form_makes_another_token(admin):
    for _ in range(2):
        assert secrets_in(admin.post(page(MODEL, "add"), filled_in(admin.get(page(MODEL, "add")), name="client"))) == 1
    assert ApiToken.objects.count() == 2


def test_a_form_cannot_choose_the_id(admin, make):
    taken, _ = make.token()
    for ticket in (taken.pk.hex, "", "x" * 1000, f'"{taken.pk.hex}":aa:bb'):
        sent = filled_in(admin.get(page(MODEL, "add")), name="client", ticket=ticket)
        assert secrets_in(admin.post(page(MODEL, "add"), sent)) == 1
    assert ApiToken.objects.count() == 5


def test_who_may_not_add_learns_nothing_from_a_ticket(admin, visit):
    sent = filled_in(admin.get(page(MODEL, "add")), name="client")
    admin.post(page(MODEL, "add"), sent)
    assert visit(*FLAGS - {"tokens.add_edit"}).post(page(MODEL, "add"), sent).status_code == 403


def test_a_rotation_sent_again_rotates_nothing(admin, make):
    token, _ = make.token()
    address = page(MODEL, "rotate", token.pk)
    sent = {"seen_revision": admin.get(address).context["form"]["seen_revision"].value()}
    first, second = admin.post(address, sent), admin.post(address, sent)
    assert (secrets_in(first), secrets_in(second)) == (1, 0)
    assert "sent already" in second.content.decode()
    token.refresh_from_db()
    assert token.revision == 2


def test_a_rotation_without_the_version_that_was_seen_is_none(admin, make):
    token, _ = make.token()
    assert secrets_in(admin.post(page(MODEL, "rotate", token.pk))) == 0
    token.refresh_from_db()
    assert token.revision == 1


def test_the_form_of_a_new_key_makes_one_key(visit):
    client = visit("tokens.ui_available")
    sent = filled_in(client.get(page(KEY, "add")), name="ci")
    first, second = client.post(page(KEY, "add"), sent), client.post(page(KEY, "add"), sent)
    assert (first.status_code, first.content.decode().count('id="secret"')) == (200, 1)
    assert (second.status_code, second.content.decode().count('id="secret"')) == (409, 0)
    assert "was shown already" in second.content.decode()
    assert page(KEY, "change", PersonalKey.objects.get().pk) in second.content.decode()


def test_the_ticket_of_a_key_tells_another_user_nothing(visit):
    one, other = visit("tokens.ui_available"), visit("tokens.ui_available")
    sent = filled_in(one.get(page(KEY, "add")), name="ci")
    one.post(page(KEY, "add"), sent)
    made = PersonalKey.objects.get()
    assert other.post(page(KEY, "add"), sent).status_code == 403
    assert PersonalKey.objects.get() == made


def test_a_form_sent_twice_at_once_makes_one_key(open_db):
    user = User.objects.create_superuser("hasty")
    try:
        clients = [Client(), Client()]
        for client in clients:
            client.force_login(user)
        sent = filled_in(clients[0].get(page(KEY, "add")), name="ci")
        outcomes = race(*(partial(client.post, page(KEY, "add"), sent) for client in clients))
        assert sorted(outcome.status_code for outcome in outcomes) == [200, 409]
        assert PersonalKey.objects.filter(user=user).count() == 1
    finally:
        user.delete()
