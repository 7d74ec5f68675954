"""After a failed save: what is wrong is named on top with links, and said once, beside its field."""

import re

import pytest
from django.contrib.auth.models import Group

from tests.console.conftest import page, submit

ADDRESSES = {
    page("definitions_apidefinition", "add"): ({"route": "a//b"}, ["route", "script"]),
    page("tokens_apitoken", "add"): ({"name": " ", "secret": "short"}, ["name", "secret"]),
    page("automation_credential", "add"): ({"name": ""}, ["name", "value"]),
    page("automation_automationscript", "add"): ({"name": "", "source": "def"}, ["name", "source"]),
    page("auth_user", "add"): ({"username": ""}, ["username", "password1", "password2"]),
    page("auth_group", "add"): ({"name": ""}, ["name"]),
    page("keys_personalkey", "add"): ({"name": ""}, ["name"]),
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_wrong_fields_are_linked_and_said_once(admin, address):
    typed, wrong = ADDRESSES[address]
    response = submit(admin, address, **typed)
    content = response.content.decode()
    assert re.search(r"<title>\s*Error: ", content)
    assert re.findall(r'<a href="#id_(\w+)" data-to-field>', content) == wrong
    for name in wrong:
        assert f'id="id_{name}_error"' in content
        control = re.search(rf'<(?:input|textarea|select)[^>]*id="id_{name}"[^>]*>', content)
        assert control, name
        assert 'aria-invalid="true"' in control[0]
        assert f"id_{name}_error" in control[0]
    # Every id that a field names for its description is on the page.
    for named in re.findall(r'aria-describedby="([^"]+)"', content):
        missing = [each for each in named.split() if f'id="{each}"' not in content]
        assert not missing or set(missing) <= {"found"}, (named, missing)
    first = response.context["adminform"].form.errors[wrong[0]][0]
    assert content.count(f">{first}<") <= len(wrong)


def test_a_page_without_errors_has_no_summary(admin):
    content = admin.get(page("tokens_apitoken", "add")).content.decode()
    assert "form-summary" not in content
    assert "Error:" not in content


def test_the_bar_saves_and_leads_back_and_deletes_nothing(admin, make):
    api = make(route="a")
    objects = {
        "definitions_apidefinition": api.definition,
        "tokens_apitoken": api.token,
        "auth_group": Group.objects.create(name="operators"),
    }
    for model, obj in objects.items():
        content = admin.get(page(model, "change", obj.pk)).content.decode()
        bar = content[content.index('id="submit-row"') :]
        assert "Delete" not in bar, model
        assert bar.count('name="_save"') == 1
        assert "_continue" not in bar
        assert "_addanother" not in bar
    shown = admin.get(page("definitions_apidefinition", "change", api.definition.pk) + "?_changelist_filters=q%3Da")
    back = page("definitions_apidefinition", "view", api.definition.pk)
    assert f'href="{back}?_changelist_filters=q%3Da">Cancel' in shown.content.decode()
    added = admin.get(page("definitions_apidefinition", "add") + "?_changelist_filters=q%3Da").content.decode()
    assert f'href="{page("definitions_apidefinition", "changelist")}?q=a">Cancel' in added
