"""Two editors of one object: the later save is refused, is told of the first, and loses nothing that was typed."""

from definitions.changes import save_definition
from objects.changes import save_checked
from tests.console.conftest import filled_in, page

DEFINITION, SCRIPT = "definitions_apidefinition", "automation_automationscript"


def opened_then_changed(client, api):
    """The form as it was before another user has changed the name and the tokens."""
    response = client.get(page(DEFINITION, "change", api.definition.pk))
    api.definition.name = "theirs"
    save_definition(api.definition, by="somebody", allowed_tokens=[])
    return response


def test_what_differs_is_shown_and_what_was_typed_is_kept(admin, make):
    api = make(route="a")
    address = page(DEFINITION, "change", api.definition.pk)
    response = admin.post(address, filled_in(opened_then_changed(admin, api), name="mine", description="typed"))
    form = response.context["adminform"].form
    assert (form.instance.last_modified_by, form.instance.revision) == ("somebody", 2)
    shown = {label: (stored, typed) for label, stored, typed in form.conflict}
    assert shown == {
        "Name": ("theirs", "mine"),
        "Description": ("-", "typed"),
        "Allowed tokens": ("-", api.token.name),
    }
    content = response.content.decode()
    assert "somebody has changed it" in content
    assert 'value="mine"' in content
    api.definition.refresh_from_db()
    assert api.definition.name == "theirs"


def test_a_warned_user_may_overwrite(admin, make):
    api = make(route="a")
    address = page(DEFINITION, "change", api.definition.pk)
    sent = filled_in(opened_then_changed(admin, api), name="mine")
    assert admin.post(address, sent | {"overwrite": "2"}).status_code == 302
    api.definition.refresh_from_db()
    assert (api.definition.name, api.definition.last_modified_by) == ("mine", "root")


def test_overwriting_spares_changes_after_the_warning(admin, make):
    api = make(route="a")
    address = page(DEFINITION, "change", api.definition.pk)
    sent = filled_in(opened_then_changed(admin, api), name="mine")
    api.definition.name = "later still"
    save_definition(api.definition, by="third")
    response = admin.post(address, sent | {"overwrite": "2"})
    form = response.context["adminform"].form
    assert form.conflict is not None
    assert form.instance.last_modified_by == "third"
    assert admin.post(address, sent | {"overwrite": "rubbish"}).status_code == 200
    api.definition.refresh_from_db()
    assert api.definition.name == "later still"


def test_scripts_show_conflicts_too(admin, make):
    script = make.script()
    address = page(SCRIPT, "change", script.pk)
    response = admin.get(address)
    script.source += "# theirs\n"
    save_checked(script, by="somebody")
    content = admin.post(address, filled_in(response, description="mine")).content.decode()
    assert "Overwrite with mine" in content
    assert "# theirs" in content
