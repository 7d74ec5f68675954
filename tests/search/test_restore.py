"""Restoring definitions and tokens from the mirror, or from a snapshot of it."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from automation.models import AutomationScript
from definitions.models import ApiDefinition
from objects.changes import save_checked
from search.models import Intent
from testbed.publisher import Publisher
from tokens.models import ApiToken


def _restore(*words: str) -> str:
    out = StringIO()
    call_command("mirror", "restore", *words, stdout=out)
    return out.getvalue()


def changed(script: AutomationScript) -> AutomationScript:
    """The script in version 2."""
    script.source += "\n"
    return save_checked(script, "ann")


@pytest.fixture
def lost(mirror, publish):
    """Three APIs that exist only in the mirror, the first and the last one pinned: the first one, and all documents."""
    first = publish(route="sites/{id}", name="kept script")
    pinned = ApiDefinition(route="pinned", script=changed(first.definition.script), script_version=2)
    save_checked(pinned, "ann")
    first.definition.script_version, first.definition.is_disabled = 1, True
    first.definition = save_checked(first.definition, "ann")
    first.token.rate_limit, first.token.rate_window_seconds = 5, 60
    first.token = save_checked(first.token, "ann")
    publish(route="other", name="lost script", token=(first.token, first.secret))
    mirror.drain()
    documents = mirror.documents() | mirror.documents("tokens")
    Publisher.clean()
    Intent.objects.all().delete()
    publish.script(name="kept script")
    return first, documents


def test_restored_objects_are_as_before_except_for_secrets(mirror, lost, publish):
    first, documents = lost
    said = _restore()
    assert "1 token(s), disabled" in said
    assert "scripts do not exist: lost script." in said
    assert "versions do not exist: kept script version 2." in said
    token = ApiToken.objects.get()
    assert token.pk == first.token.pk
    assert token.is_disabled
    assert token.secret_digest != first.token.secret_digest
    assert (token.rate_limit, token.created_by, token.last_modified_by) == (5, "system", "ann")
    definition = ApiDefinition.objects.get(route="sites/{id}")
    assert definition.script == AutomationScript.objects.get()
    assert (definition.script_version, definition.is_disabled) == (1, True)
    assert list(definition.allowed_tokens.all()) == [token]
    assert ApiDefinition.objects.get(route="other").script is None
    mirror.drain()
    again = mirror.documents()[str(definition.pk)]
    assert {**again, "version": 0} == {**documents[str(definition.pk)], "version": 0}


def test_restore_from_a_snapshot_under_other_names(mirror, lost):
    if not mirror.server.repo:
        pytest.skip("snapshots need a server of the tests' own")
    client, prefix = mirror.client, mirror.prefix
    client.snapshot.create_repository(name=prefix, repository={"type": "fs", "settings": {"location": prefix}})
    client.snapshot.create(repository=prefix, snapshot="one", indices=f"{prefix}-*", wait_for_completion=True)
    for index in client.indices.get(index=f"{prefix}-*"):
        client.indices.delete(index=index)
    client.snapshot.restore(
        repository=prefix, snapshot="one", indices=f"{prefix}-*", include_aliases=False, wait_for_completion=True,
        rename_pattern=f"{prefix}-(definitions|tokens)-.*", rename_replacement=f"{prefix}-restored-$1",
    )  # fmt: skip
    _restore("--definitions", f"{prefix}-restored-definitions", "--tokens", f"{prefix}-restored-tokens")
    assert ApiDefinition.objects.count() == 3
    client.snapshot.delete(repository=prefix, snapshot="one")
    client.snapshot.delete_repository(name=prefix)


def test_restore_refuses_a_database_with_objects(mirror, publish):
    publish()
    with pytest.raises(CommandError, match="empty database"):
        _restore()


def test_invalid_document_stops_the_whole_restore(mirror, lost):
    index = f"{mirror.prefix}-definitions"
    mirror.client.index(index=index, id="odd", document={"id": "odd", "name": "odd"}, refresh=True)
    with pytest.raises(CommandError, match="odd"):
        _restore()
    assert not ApiToken.objects.exists()


def test_properties_that_an_older_snapshot_lacks_get_their_defaults(mirror, lost):
    first, _ = lost
    index, key = f"{mirror.prefix}-definitions", str(first.definition.pk)
    source = mirror.client.get(index=index, id=key)["_source"]
    older = _without(source, "description", "actionType", "isDisabled", "scriptVersion")
    mirror.client.index(index=index, id=key, document=older, refresh=True)
    _restore()
    restored = ApiDefinition.objects.get(pk=key)
    assert (restored.description, restored.action_type) == ("", "AutomationScript")
    assert (restored.is_disabled, restored.script_version) == (False, None)
    mirror.client.index(index=index, id=key, document=_without(source, "route"), refresh=True)
    Publisher.clean()
    with pytest.raises(CommandError, match="route"):
        _restore()


def _without(source, *names: str):
    return {name: value for name, value in source.items() if name not in names}
