"""Optimistic concurrency: a change of an older revision is refused, also in a race."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.contrib.auth.models import User
from django.db import connections

from definitions.models import ApiDefinition
from testbed.publisher import Publisher
from tests.management.conftest import ROOT, client_of, only
from tokens.models import ApiToken

CHANGES = [
    ("put", "", {"name": "x"}),
    ("patch", "", {"name": "x"}),
    ("delete", "", None),
    ("post", "rotate/", {}),
    ("post", "enable/", {}),
    ("post", "disable/", {}),
]


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
@pytest.mark.parametrize("seen", ['"1"', '"3"', 'W/"2"', "2", '"1", "3"', "rubbish"])
def test_a_stale_change_changes_nothing(admin, make, method, path, body, seen):
    token, _ = make.token()
    address = f"{ROOT}tokens/{token.pk}/"
    admin.patch(address, {"name": "changed"})
    before = ApiToken._base_manager.values().get()
    response = getattr(admin, method)(address + path, body, headers={"If-Match": seen})
    assert only(response, 412) == {"reason": "Stale"}
    assert ApiToken._base_manager.values().get() == before


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
@pytest.mark.parametrize("seen", ['"2"', "*", '"1", "2"', None])
def test_a_change_of_the_current_revision_is_made(admin, make, method, path, body, seen):
    token, _ = make.token()
    address = f"{ROOT}tokens/{token.pk}/"
    assert admin.get(address)["ETag"] == '"1"'
    assert admin.patch(address, {"name": "changed"})["ETag"] == '"2"'
    headers = {"If-Match": seen} if seen else {}
    response = getattr(admin, method)(address + path, body, headers=headers)
    assert response.status_code == (204 if method == "delete" else 200)
    if method != "delete":
        # It is enabled already, so nothing is changed.
        revision = '"2"' if path == "enable/" else '"3"'
        assert response["ETag"] == admin.get(address)["ETag"] == revision


@pytest.mark.parametrize("kind", ["definitions", "scripts"])
def test_definitions_and_scripts_have_revisions_too(admin, make, kind):
    api = make()
    key = {"definitions": api.definition.pk, "scripts": api.definition.script.name}[kind]
    address = f"{ROOT}{kind}/{key}/"
    for method, body in ((admin.patch, {"description": "x"}), (admin.delete, None)):
        assert only(method(address, body, headers={"If-Match": '"7"'}), 412) == {"reason": "Stale"}
    assert admin.patch(address, {"description": "x"}, headers={"If-Match": '"1"'})["ETag"] == '"2"'


def test_a_change_of_the_allowed_tokens_is_a_new_revision(admin, make):
    definition = make().definition
    address = f"{ROOT}definitions/{definition.pk}/"
    changed = admin.patch(address, {"securitySettings": {"allowedTokens": []}})
    assert changed["ETag"] == '"2"'


def test_a_stale_revision_is_reported_before_other_faults(admin, make):
    token, _ = make.token()
    response = admin.patch(f"{ROOT}tokens/{token.pk}/", {"name": 5}, headers={"If-Match": '"9"'})
    assert only(response, 412) == {"reason": "Stale"}


def at_once(number, change):
    """The answers to `change(client, n)` in `number` threads that start at the same moment."""
    start = Barrier(number)
    user = User.objects.create_superuser("racer")

    def run(n):
        client = client_of(user)
        try:
            start.wait(10)
            return change(client, n)
        finally:
            connections.close_all()

    try:
        with ThreadPoolExecutor(number) as threads:
            return list(threads.map(run, range(number)))
    finally:
        user.delete()


@pytest.mark.parametrize("round_", range(3))
@pytest.mark.parametrize("kind", ["tokens", "definitions"])
def test_only_one_of_several_writers_with_the_same_revision_wins(open_db, kind, round_):
    make = Publisher()
    key = make.token()[0].pk if kind == "tokens" else make().definition.pk

    def change(client, n):
        return client.patch(f"{ROOT}{kind}/{key}/", {"name": f"writer {n}"}, headers={"If-Match": '"1"'})

    answers = at_once(6, change)
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 5
    (winner,) = (answer.json() for answer in answers if answer.status_code == 200)
    stored = (ApiToken if kind == "tokens" else ApiDefinition).objects.get(pk=key)
    assert (stored.name, stored.revision) == (winner["name"], 2)


def test_only_one_of_several_deleting_writers_wins(open_db):
    token, _ = Publisher().token()

    def change(client, n):
        if n % 2:
            return client.delete(f"{ROOT}tokens/{token.pk}/", headers={"If-Match": '"1"'})
        return client.post(f"{ROOT}tokens/{token.pk}/rotate/", headers={"If-Match": '"1"'})

    codes = [answer.status_code for answer in at_once(6, change)]
    assert sum(code < 300 for code in codes) == 1
    assert set(codes) <= {200, 204, 404, 412}


def test_without_if_match_no_writer_undoes_another_property(open_db):
    token, _ = Publisher().token()
    bodies = [{"name": "renamed"}, {"isDisabled": True}, {"rateLimit": {"limit": 1, "windowSeconds": 2}}]
    answers = at_once(3, lambda client, n: client.patch(f"{ROOT}tokens/{token.pk}/", bodies[n]))
    assert [answer.status_code for answer in answers] == [200] * 3
    token.refresh_from_db()
    assert (token.name, token.is_disabled, token.rate_limit, token.revision) == ("renamed", True, 1, 4)


def test_two_writers_cannot_create_the_same_route(open_db):
    script = Publisher().script()
    body = {"route": "same/{id}", "actionMeta": {"scriptName": script.name}}
    answers = at_once(4, lambda client, n: client.post(f"{ROOT}definitions/", body))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert {only(answer, 409)["reason"] for answer in answers if answer.status_code == 409} == {"RouteInUse"}
