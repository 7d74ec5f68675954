"""Credentials over the management API: every method and error, and never a value."""

import logging
import sys
from typing import Any

import pytest
from django.core import serializers
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.views.debug import ExceptionReporter

from automation.granted import granted
from automation.models import AutomationScript, Credential
from events.models import InformationEvent
from objects.changes import delete_checked
from tests.automation.stored_credentials import (
    VALUE,
    credential_keys_in_use,
    raw_rows,
    stored_credential,
)
from tests.management.conftest import ROOT, only, refused
from tests.management.test_lists import found

ADDRESS = f"{ROOT}credentials/"
VIEW, EDIT, DELETE = (f"automation.credentials_{name}" for name in ("ui_available", "add_edit", "delete"))
BODY = {"name": "smtp", "value": VALUE}


def test_a_credential_is_created_read_changed_and_deleted(admin, make):
    scripts = [make.script(name=name) for name in ("sender", "another")]
    created = admin.post(ADDRESS, BODY | {"description": "mail", "allowedScripts": ["sender", "another"]})
    assert created.status_code == 201
    body: dict[str, Any] = created.json()
    address = f"{ADDRESS}{body['id']}/"
    assert (created["Location"], created["ETag"]) == (address, '"1"')
    assert list(body) == [
        "id", "name", "description", "allowedScripts", "lastUsedAt", "createdBy", "createdAt", "lastModifiedBy",
        "lastModified",
    ]  # fmt: skip
    assert (body["allowedScripts"], body["lastUsedAt"], body["createdBy"]) == (["another", "sender"], None, "root")
    assert admin.get(address).json() == body
    assert admin.get(ADDRESS).json()["results"] == [body]

    changed = admin.patch(address, {"allowedScripts": ["sender"]})
    assert (changed.json()["allowedScripts"], changed["ETag"]) == (["sender"], '"2"')
    assert [granted(str(script.pk)).keys() for script in scripts] == [{"smtp"}, set()]
    assert admin.patch(address, {"value": "new value"}).status_code == 200
    assert granted(str(scripts[0].pk))["smtp"].value == "new value"

    assert admin.delete(address).status_code == 204
    assert only(admin.get(address), 404) == {"reason": "NotFound"}
    assert raw_rows() == []


def test_replacing_keeps_the_value_and_withdraws_what_is_not_named(admin, make):
    script = make.script(name="sender")
    key = admin.post(ADDRESS, BODY | {"description": "mail", "allowedScripts": ["sender"]}).json()["id"]
    before = raw_rows()[0]["ciphertext"]
    replaced = admin.put(f"{ADDRESS}{key}/", {"name": "mail"}).json()
    assert (replaced["name"], replaced["description"], replaced["allowedScripts"]) == ("mail", "", [])
    assert raw_rows()[0]["ciphertext"] == before
    assert granted(str(script.pk)) == {}
    # A client may send back what it has read.
    assert admin.put(f"{ADDRESS}{key}/", replaced).status_code == 200


REFUSED = [
    ({"name": " "}, {"reason": "InvalidName"}),
    ({"description": "a\0"}, {"reason": "InvalidField", "field": "description"}),
    ({"allowedScripts": ["nobody"]}, {"reason": "InvalidField", "field": "allowedScripts", "script": "nobody"}),
    ({"allowedScripts": "sender"}, {"reason": "InvalidField", "field": "allowedScripts"}),
    ({"allowedScripts": [5]}, {"reason": "InvalidField", "field": "allowedScripts"}),
    ({"lastUsedAt": "2126-01-01T00:00:00Z"}, {"reason": "InvalidField", "field": "lastUsedAt"}),
    ({"color": 1}, {"reason": "InvalidField", "field": "color"}),
    *(
        ({"value": value}, {"reason": "InvalidField", "field": "value"})
        for value in ("", "x" * 16_385, "a\0b", "\ud800", None, 5, ["x"])
    ),
]


@pytest.mark.parametrize(("change", "expected"), REFUSED)
def test_what_breaks_a_rule_is_refused(admin, change, expected):
    assert only(admin.post(ADDRESS, BODY | change), 400) == expected
    credential = stored_credential("other")
    for method in (admin.patch, admin.put):
        answer = only(method(f"{ADDRESS}{credential.pk}/", {"name": "other"} | change), 400)
        assert answer == expected | {"id": str(credential.pk)}
    assert [row["version"] for row in raw_rows()] == [1]


def test_all_faults_are_listed(admin):
    errors = refused(admin.post(ADDRESS, {"name": ""}), 400)
    assert {(error["reason"], error.get("field")) for error in errors} == {
        ("InvalidName", None),
        ("InvalidField", "value"),
    }


def test_conflicts_are_told(admin):
    stored_credential("taken")
    other = stored_credential("other")
    address = f"{ADDRESS}{other.pk}/"
    assert only(admin.post(ADDRESS, BODY | {"name": "taken"}), 409) == {"reason": "NameInUse"}
    assert only(admin.patch(address, {"name": "taken"}), 409) == {"reason": "NameInUse", "id": str(other.pk)}
    for method in (admin.put, admin.patch, admin.delete):
        assert only(method(address, {"name": "x"}, headers={"If-Match": '"7"'}), 412) == {"reason": "Stale"}
    assert only(admin.post(address, {}), 405)["reason"] == "MethodNotAllowed"
    assert only(admin.patch(f"{ADDRESS}nothing/", {}), 404) == {"reason": "NotFound"}
    assert only(admin.delete(f"{ADDRESS}?dryRun=true"), 405)["reason"] == "MethodNotAllowed"


def test_lists_are_filtered_ordered_and_searched(admin, make):
    sender = make.script(name="sender")
    stored_credential("smtp", scripts=[sender], by="jane")
    stored_credential("crm", scripts=[sender, make.script(name="other")], by="john")
    stored_credential("ftp", by="john")
    for query, expected in (
        ({}, ["crm", "ftp", "smtp"]),
        ({"ordering": "-name"}, ["smtp", "ftp", "crm"]),
        ({"name": "ftp"}, ["ftp"]),
        ({"allowedScript": "sender"}, ["crm", "smtp"]),
        ({"allowedScript": "nobody"}, []),
        ({"createdBy": "john", "allowedScript": "sender"}, ["crm"]),
        ({"search": "SMT"}, ["smtp"]),
    ):
        assert found(admin, "credentials/", **query) == expected, query
    for query in ({"value": "x"}, {"ordering": "value"}, {"ordering": "lastUsedAt"}):
        assert only(admin.get(ADDRESS, query), 400)["reason"] == "InvalidField"


def test_a_list_takes_the_same_queries_however_long_and_reads_no_value(admin, make):
    script = make.script(name="sender")
    counts = []
    for names in ("ab", "cdefgh"):
        for name in names:
            stored_credential(name, scripts=[script])
        with CaptureQueriesContext(connection) as queries:
            assert admin.get(ADDRESS).json()["results"][0]["allowedScripts"] == ["sender"]
        assert not [query["sql"] for query in queries if "ciphertext" in query["sql"]]
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_flags_are_independent_and_editors_see_ids_only(login, make):
    make.script(name="sender")
    created = login(EDIT).post(ADDRESS, BODY | {"allowedScripts": ["sender"]})
    assert (created.status_code, list(created.json())) == (201, ["id"])
    address = f"{ADDRESS}{created.json()['id']}/"
    assert login(VIEW).get(address).json()["allowedScripts"] == ["sender"]
    for client, methods in (
        (login(VIEW, DELETE, "automation.add_edit", "automation.execute"), ("post", "put", "patch")),
        (login(EDIT, DELETE, "automation.ui_available"), ("get",)),
        (login(VIEW, EDIT, "automation.delete"), ("delete",)),
    ):
        for method in methods:
            path = ADDRESS if method == "post" else address
            assert only(getattr(client, method)(path, {"name": "x"}), 403) == {"reason": "PermissionDenied"}
    assert login(DELETE).delete(address).status_code == 204


def test_without_a_key_nothing_is_stored(admin, caplog):
    with credential_keys_in_use():
        assert only(admin.post(ADDRESS, BODY), 503) == {"reason": "Unavailable"}
    assert "UDAPI_CREDENTIAL_KEYS is not set" in caplog.text
    assert raw_rows() == []


def test_changes_leave_events_for_those_who_see_credentials(admin, login, make):
    script = make.script(name="sender")
    key = admin.post(ADDRESS, BODY | {"allowedScripts": ["sender"]}).json()["id"]
    admin.patch(f"{ADDRESS}{key}/", {"value": "another value"})
    delete_checked(AutomationScript.objects.get(pk=script.pk), "root")
    admin.delete(f"{ADDRESS}{key}/")
    events = InformationEvent.objects.filter(object_id=key).order_by("number")
    assert [event.message for event in events] == [
        f"Credential 'smtp' ({key}) was {verb} by root" for verb in ("added", "updated", "deleted")
    ]
    assert {event.object_type for event in events} == {"Credential"}
    assert [event.properties for event in events] == [{"name": "smtp"}] * 3
    assert found(login(VIEW), "events/", by="verb", objectType="Credential") == ["deleted", "updated", "added"]
    assert found(login("automation.ui_available"), "events/", by="verb", objectType="Credential") == []


def _told(response) -> str:
    return f"{response.content.decode()} {response.headers}"


def test_a_value_is_nowhere_but_encrypted(admin, make, caplog):
    caplog.set_level(logging.DEBUG)
    make.script(name="sender")
    with CaptureQueriesContext(connection) as queries:
        created = admin.post(ADDRESS, BODY | {"allowedScripts": ["sender"]})
        address = f"{ADDRESS}{created.json()['id']}/"
        answers = [
            created,
            admin.patch(address, {"value": VALUE, "name": " "}),
            admin.patch(address, {"value": VALUE, "color": 1}),
            admin.put(address, {"name": "smtp", "value": VALUE}),
            admin.get(address),
            admin.get(ADDRESS, {"search": "smtp"}),
            admin.get(f"{ROOT}events/"),
            admin.post(ADDRESS, BODY),
        ]
    credential = Credential.objects.get()
    fresh = Credential(name="another")
    fresh.set_value(VALUE)
    places = [_told(answer) for answer in answers]
    places += [query["sql"] for query in queries] + [str(raw_rows()), caplog.text]
    places += [repr(vars(fresh)), repr(fresh), repr(vars(credential)), repr(granted(str(make.script().pk)))]
    places += [serializers.serialize("json", [*Credential.objects.all(), *InformationEvent.objects.all()])]
    places += [repr(each) for script in AutomationScript.objects.all() for each in granted(str(script.pk)).values()]
    assert len(raw_rows()) == 1
    assert [place for place in places if VALUE in place or VALUE.encode().hex() in place] == []


def test_a_value_is_in_no_traceback_of_a_failing_save(admin, caplog):
    def failing(execute, sql, params, many, context):
        if "INSERT" in sql and "automation_credential" in sql:
            raise OperationalError(f"no room for {params}")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(failing):
        response = admin.post(ADDRESS, BODY)
        assert only(response, 503) == {"reason": "Unavailable"}
        credential = Credential(name="smtp")
        credential.set_value(VALUE)
        try:
            credential.save()
        except OperationalError:
            report = ExceptionReporter(None, *sys.exc_info())
    assert "no room for" in caplog.text
    page = report.get_traceback_html() + report.get_traceback_text()
    assert "no room for" in page
    assert VALUE not in _told(response) + caplog.text + page
