"""Events keep what a change has changed, before and after, and a save that changes nothing leaves none."""

import json
import re

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db.models import F

from automation.credential_changes import save_credential
from automation.models import AutomationScript, Credential
from definitions.changes import save_definition
from definitions.models import AllowedToken, ApiDefinition
from events.models import InformationEvent
from events.serializers import as_dict
from objects.changes import save_checked
from objects.field_changes import MOST_ENTRIES
from tests.automation.saved import RUN, activate, change, library, save
from tokens.models import ApiToken


def last_changes() -> dict[str, tuple[object, object]]:
    """What the newest event says has changed: before and after by field."""
    changes = InformationEvent.objects.latest("number").changes or []
    return {one["field"]: (one["before"], one["after"]) for one in changes}


def test_fields_of_a_definition_with_the_ids_of_what_it_names(make):
    api, (other, _), script = make(route="a/b"), make.token(), make.script()
    definition = ApiDefinition.objects.get(pk=api.definition.pk)
    definition.route, definition.script, definition.max_concurrent = "a/c", script, 4
    definition.description = "x" * 300
    save_definition(definition, "john", [other])
    found = last_changes()
    assert found["route"] == ("a/b", "a/c")
    assert found["script"] == (str(api.definition.script_id), str(script.pk))
    assert found["max_concurrent"] == (None, 4)
    assert found["allowed_tokens"] == ([str(api.token.pk)], [str(other.pk)])
    assert found["description"][1] == "x" * 199 + "…"
    assert found.keys() == {"route", "script", "max_concurrent", "allowed_tokens", "description"}


def test_of_very_many_tokens_the_rest_is_counted(make):
    api = make()
    tokens = [make.token()[0] for _ in range(MOST_ENTRIES + 2)]
    save_definition(api.definition, "john", [api.token, *tokens])
    changes = InformationEvent.objects.latest("number").changes
    assert changes is not None
    (found,) = changes
    assert (len(found["after"]), found["before"], found["leftOut"]) == (MOST_ENTRIES, [], {"after": 2})


def test_token_allowed_by_the_shell_alone(make):
    definition, (token, _) = make().definition, make.token()
    AllowedToken.objects.create(definition=definition, token=token)
    assert last_changes() == {"allowed_tokens": ([], [str(token.pk)])}
    definition.allowed_tokens.remove(token)
    assert last_changes() == {"allowed_tokens": ([str(token.pk)], [])}


def test_rate_limit_of_a_token_is_one_change_and_a_new_secret_shows_nothing_of_it(make):
    token, secret = make.token()
    token.rate_limit, token.rate_window_seconds, token.is_disabled = 60, 60, True
    save_checked(token, "john")
    assert last_changes() == {"rate_limit": (None, [60, 60]), "is_disabled": (False, True)}
    digests = [token.secret_digest]
    secrets = [secret, token.set_secret(None)]
    save_checked(token, "john")
    assert last_changes() == {"secret": (None, None)}
    kept = json.dumps(list(InformationEvent.objects.values_list("changes", flat=True)))
    assert not [each for each in (*secrets, *digests, token.secret_digest) if each in kept]


def test_secret_set_again_is_a_change_so_that_nobody_can_try_it(make):
    token, secret = make.token()
    revision = token.revision
    token.set_secret(secret)
    save_checked(token, "john")
    assert (token.revision, last_changes()) == (revision + 1, {"secret": (None, None)})


@pytest.mark.django_db
def test_source_of_a_script_is_shown_as_its_version():
    script = save(name="poll")
    change(script, source=RUN + "# hidden words\n", timeout_seconds=5)
    assert last_changes() == {"version": (1, 2), "timeout_seconds": (60, 5)}
    activate(script, 1)
    assert last_changes()["version"] == (2, 1)
    assert "hidden words" not in str(list(InformationEvent.objects.values()))


@pytest.mark.django_db
def test_value_of_a_credential_is_never_shown():
    script, credential = save(name="poll"), Credential(name="db")
    credential.set_value("a value of ours")
    save_credential(credential, "john", [])
    credential.set_value("a value of ours")
    save_credential(credential, "john", [script])
    assert last_changes() == {"value": (None, None), "allowed_scripts": ([], [str(script.pk)])}
    kept = str(list(InformationEvent.objects.values()))
    assert not [each for each in ("a value of ours", credential.ciphertext) if each in kept]


@pytest.mark.django_db
def test_users_with_their_flags_and_groups():
    user, group = User.objects.create_user("joe", password="an old password of mine"), Group.objects.create(name="ops")
    flag = Permission.objects.get(content_type__app_label="tokens", codename="ui_available")
    user.first_name, user.is_active = "Joe", False
    user.set_password("a new password of mine")
    user.save()
    assert last_changes() == {"first_name": ("", "Joe"), "is_active": (True, False), "password": (None, None)}
    user.groups.add(group)
    user.user_permissions.add(flag)
    assert last_changes() == {"groups": ([], ["ops"]), "user_permissions": ([], [flag.name])}
    assert not re.search("password of mine|pbkdf2|md5", str(list(InformationEvent.objects.values("changes"))))


def test_addition_and_deletion_have_no_fields_and_the_wire_none_at_all(make):
    token, _ = make.token()
    token.delete()
    assert [event.changes for event in InformationEvent.objects.all()] == [None, None]
    renamed, _ = make.token()
    renamed.name = "other"
    save_checked(renamed, "john")
    assert "changes" not in as_dict(InformationEvent.objects.latest("number"))


def test_save_that_changes_nothing_leaves_the_object_and_no_event(make, last_number):
    library("tools")
    script = save(name="user", source="import scripts.tools\n" + RUN)
    api, credential = make(route="a/b"), Credential(name="db")
    credential.set_value("v")
    save_credential(credential, "john", [script])
    since = last_number()
    again = ApiDefinition.objects.get(pk=api.definition.pk)
    stored = [
        save_definition(again, "mary", [api.token]),
        save_checked(ApiToken.objects.get(pk=api.token.pk), "mary"),
        change(script, by="mary", version_note="a note"),
        save_credential(Credential.objects.get(pk=credential.pk), "mary", [script]),
    ]
    bare = AutomationScript.objects.get(pk=script.pk)
    bare.save()
    for one in [*stored, bare]:
        fresh = type(one).objects.get(pk=one.pk)
        assert (one.revision, one.last_modified, one.last_modified_by) == (1, fresh.last_modified, fresh.created_by)
        assert fresh.revision == 1
        assert not one.changes
    assert last_number() == since


@pytest.mark.django_db
def test_renewed_library_is_a_change_of_the_script(last_number):
    tools = library("tools")
    script = save(name="user", source="import scripts.tools\n" + RUN)
    change(tools, source="def tool(): return 1\n")
    since = last_number()
    assert change(script).revision == 1
    assert last_number() == since
    assert change(script, renews_libraries=True).revision == 2
    assert last_changes() == {"version": (1, 2)}


def test_an_expression_that_only_the_database_can_work_out_is_a_change(make):
    definition = make().definition
    definition.max_concurrent = 4
    save_definition(definition, "john")
    definition.max_concurrent = F("max_concurrent") + 1
    definition.save()
    definition.refresh_from_db()
    assert (definition.max_concurrent, definition.revision) == (5, 3)
    assert last_changes() == {"max_concurrent": (None, None)}


def test_the_value_of_a_credential_is_not_read_to_compare_it(make):
    save_credential(_credential(), "john")
    credential = Credential.objects.get()
    credential.description = "mail"
    save_credential(credential, "john")
    assert {"ciphertext", "key_fingerprint"} <= credential.get_deferred_fields()
    assert last_changes() == {"description": ("", "mail")}


def _credential() -> Credential:
    credential = Credential(name="smtp")
    credential.set_value("hunter2")
    return credential
