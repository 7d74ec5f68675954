"""Enabling and disabling tokens from their list, one or many."""

import pytest
from django.contrib.admin.models import LogEntry

from events.models import InformationEvent
from tests.console.conftest import FLAGS, page, said
from tokens.models import ApiToken

MODEL = "tokens_apitoken"


def switch(client, token, state, **headers):
    return client.post(f"/console/tokens/apitoken/{token.pk}/switch/", {"state": state}, headers=headers)


def disabled(token) -> bool:
    return bool(ApiToken.objects.values_list("is_disabled", flat=True).get(pk=token.pk))


def selected(action, *tokens):
    return {"action": action, "index": "0", "_selected_action": [str(token.pk) for token in tokens]}


def test_a_row_switches_its_token(admin, make):
    token, _ = make.token()
    events = InformationEvent.objects.count()
    assert switch(admin, token, "off").status_code == 302
    assert disabled(token)
    assert switch(admin, token, "on", **{"X-Requested-With": "fetch"}).status_code == 204
    token.refresh_from_db()
    assert (token.is_disabled, token.last_modified_by, token.revision) == (False, "root", 3)
    assert InformationEvent.objects.count() == events + 2
    assert LogEntry.objects.count() == 2


def test_switching_to_the_state_it_has_is_no_change(admin, make):
    token, _ = make.token()
    switch(admin, token, "on")
    token.refresh_from_db()
    assert token.revision == 1


def test_many_tokens_are_switched_at_once(admin, make):
    tokens = [make.token(is_disabled=number == 0)[0] for number in range(3)]
    response = admin.post(page(MODEL, "changelist"), selected("disable_selected", *tokens), follow=True)
    assert said(response) == "2 tokens disabled. 1 was already disabled."
    assert all(map(disabled, tokens))
    response = admin.post(page(MODEL, "changelist"), selected("enable_selected", *tokens), follow=True)
    assert said(response) == "3 tokens enabled."
    assert not any(map(disabled, tokens))


def test_select_all_switches_the_tokens_of_all_pages(admin, make):
    tokens = [make.token()[0] for _ in range(53)]
    sent = selected("disable_selected", *tokens[:2]) | {"select_across": "1"}
    assert "53 tokens" in said(admin.post(page(MODEL, "changelist"), sent, follow=True))
    assert all(map(disabled, tokens))


@pytest.mark.parametrize("missing", ["tokens.add_edit", "tokens.ui_available"])
def test_who_may_not_change_tokens_switches_none(visit, make, missing):
    token, _ = make.token()
    client = visit(*FLAGS - {missing})
    assert switch(client, token, "off").status_code == 403
    client.post(page(MODEL, "changelist"), selected("disable_selected", token))
    assert not disabled(token)


def test_viewers_are_offered_no_switch(visit, make):
    make.token()
    content = visit("tokens.ui_available").get(page(MODEL, "changelist")).content.decode()
    for what in ("data-switch", "rotate/", "disable_selected", "delete/", "action-select", "Show its APIs"):
        assert what not in content
    assert "Copy id" in content


def test_a_get_request_switches_no_token(admin, make):
    token, _ = make.token()
    assert admin.get(f"/console/tokens/apitoken/{token.pk}/switch/").status_code == 403
    token.delete()
    assert switch(admin, token, "off").status_code == 404
    assert admin.post("/console/tokens/apitoken/rubbish/switch/").status_code == 404
