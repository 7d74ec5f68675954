"""Libraries in the console: made from a template, shown as used, kept while in use, renewed."""

import pytest

from automation.models import AutomationScript
from automation.versions import ScriptKind
from objects.changes import delete_checked, save_checked
from testbed.publisher import ECHO
from tests.console.conftest import FLAGS, errors, page, said, submit

MODEL = "automation_automationscript"
TOOLS = "def shout(text):\n    return text.upper()\n"
USER = "from scripts.tools import shout\n" + ECHO


@pytest.fixture
def library(make):
    return make.script(TOOLS, name="tools", kind=ScriptKind.LIBRARY)


@pytest.fixture
def user(make, library):
    """A script that imports the library."""
    return make.script(USER, name="user")


def change(script, **values):
    script.refresh_from_db()
    for name, value in values.items():
        setattr(script, name, value)
    return save_checked(script, by="somebody")


def test_a_new_library_starts_from_a_template(admin):
    address = f"{page(MODEL, 'add')}?kind=Library"
    assert "?kind=Library" in admin.get(page(MODEL, "add")).content.decode()
    assert submit(admin, address, name="text_tools").status_code == 302
    made = AutomationScript.objects.get()
    assert (made.kind, made.entry_points(), made.current_version) == (ScriptKind.LIBRARY, [], 1)
    assert "Python identifier" in errors(submit(admin, address, name="two words"))["name"][0]


def test_the_list_shows_and_filters_kinds(admin, library, user):
    shown = {row.name: row.kind for row in admin.get(page(MODEL, "changelist")).context["cl"].result_list}
    assert shown == {"tools": "Library", "user": "Script"}
    for kind, name in (("library", "tools"), ("script", "user")):
        listed = admin.get(page(MODEL, "changelist"), {"kind": kind}).context["cl"].result_list
        assert [row.name for row in listed] == [name]


def test_uses_and_users_are_shown_with_what_is_out_of_date(admin, make, library, user):
    other = make.script("x = 1\n", name="other", kind=ScriptKind.LIBRARY)
    change(user, source="import scripts.other\n" + USER)
    change(library, source=TOOLS + "\n")
    change(other, timeout_seconds=9)
    content = admin.get(page(MODEL, "dependencies", user.pk)).content.decode()
    assert content.count("out of date: 2 is current") == 2
    assert page(MODEL, "renew", user.pk) in content
    content = admin.get(page(MODEL, "change", library.pk)).content.decode()
    assert "Used by 1 script; it keeps the version it was saved with until it is renewed." in content
    assert "uses version 1" in content
    content = admin.get(page(MODEL, "uses", library.pk)).content.decode()
    assert "uses version 1" in content
    assert "Renew 1 script" in content
    content = admin.get(page(MODEL, "versions", user.pk)).content.decode()
    assert "tools 1" in content


def test_a_library_in_use_stays_and_its_users_are_links(admin, library, user):
    link = f'href="{page(MODEL, "view", user.pk)}"'
    address = page(MODEL, "change", library.pk)
    for values, field in (({"name": "renamed"}, "name"), ({"kind": "Script", "source": ECHO}, "kind")):
        refused = submit(admin, address, **values)
        assert link in str(refused.context["adminform"].form.errors[field][0])
        assert link in refused.content.decode().split("<form", 1)[1]
    for response in (
        admin.get(page(MODEL, "delete", library.pk)),
        admin.post(page(MODEL, "delete", library.pk), {"post": 1}, follow=True),
        admin.post(page(MODEL, "changelist"), {"action": "delete_selected", "_selected_action": library.pk}),
    ):
        assert link in response.content.decode()
    chosen = {"action": "delete_selected", "_selected_action": library.pk, "post": "yes"}
    assert "user" in said(admin.post(page(MODEL, "changelist"), chosen, follow=True))
    assert AutomationScript.objects.filter(pk=library.pk).exists()


def test_a_script_is_renewed_after_a_confirmation(admin, library, user):
    change(library, source=TOOLS + "\n")
    address = page(MODEL, "renew", user.pk)
    assert "out of date: 2 is current" in admin.get(address).content.decode()
    stale = admin.post(address, {"seen_revision": user.revision + 1})
    assert "has changed it since you opened this page" in stale.content.decode()
    assert "version 2 is current" in said(admin.post(address, {"seen_revision": user.revision}, follow=True))
    user.refresh_from_db()
    assert (user.current_version, user.last_modified_by, user.source) == (2, "root", USER)
    assert "Nothing was saved" in said(admin.post(address, {"seen_revision": user.revision}, follow=True))
    change(library, source="x = 1\n")
    user.refresh_from_db()
    refused = admin.post(address, {"seen_revision": user.revision})
    assert "has no shout" in refused.content.decode()
    user.refresh_from_db()
    assert user.current_version == 2


def test_after_a_save_the_users_are_renewed_libraries_first(admin, make, library, user):
    middle = make.script("from scripts.tools import shout\n", name="a_middle", kind=ScriptKind.LIBRARY)
    outer = make.script("from scripts.a_middle import shout\n", name="a_first", kind=ScriptKind.LIBRARY)
    top = make.script("from scripts.a_first import shout\n" + ECHO, name="a top")
    address = page(MODEL, "change", library.pk)
    response = submit(admin, address, source="def shout(text):\n    return text\n")
    offered = said(admin.get(response.url, follow=True))
    assert "Renew 4 scripts" in offered
    renewal = page(MODEL, "renewal", library.pk)
    assert renewal in offered
    content = admin.get(renewal).content.decode()
    assert "Renew the 4 scripts that use tools?" in content
    assert "4 scripts renewed." in said(admin.post(renewal, follow=True))
    for script in (middle, outer, top, user):
        script.refresh_from_db()
        assert script.current_version == 2, script.name
    used = top.versions.first().libraries()
    assert {name: version.number for name, version in used.items()} == {"a_first": 2, "a_middle": 2, "tools": 2}
    assert "current version already" in said(admin.post(renewal, follow=True))


def test_refused_renewals_are_named_with_their_reasons(admin, make, library, user):
    make.script("import scripts.tools\n" + ECHO, name="careless")
    change(library, source="x = 1\n")
    told = said(admin.post(page(MODEL, "renewal", library.pk), follow=True))
    assert "1 script renewed." in told
    assert "1 script not renewed." in told
    assert page(MODEL, "view", user.pk) in told
    assert "Line 1: The library tools has no shout" in told


def test_renewing_needs_execute_once_there_is_an_api(visit, make, library, user):
    other = make.script(USER, name="other")
    change(library, source=TOOLS + "\n")
    client = visit(*FLAGS - {"automation.execute"})
    assert client.get(page(MODEL, "renewal", library.pk)).status_code == 200
    api = make()
    api.definition.script = user
    api.definition.save()
    # One of two may be renewed.
    told = said(client.post(page(MODEL, "renewal", library.pk), follow=True))
    assert "1 script renewed." in told
    assert "Automation &gt; Execute" in told
    delete_checked(other, by="system")
    for kind, script in (("renewal", library), ("renew", user)):
        assert client.get(page(MODEL, kind, script.pk)).status_code == 403
        assert client.post(page(MODEL, kind, script.pk), {"seen_revision": script.revision}).status_code == 403
        assert page(MODEL, kind, script.pk) not in client.get(page(MODEL, "change", script.pk)).content.decode()
    user.refresh_from_db()
    assert user.current_version == 1


def test_a_version_whose_library_is_gone_cannot_become_current(admin, library, user):
    change(user, source=ECHO)
    admin.post(page(MODEL, "delete", library.pk), {"post": "yes"})
    address = page(MODEL, "activate", user.pk, 1)
    assert "has been deleted (tools)" in admin.get(address).content.decode()
    refused = admin.post(address, {"seen_revision": user.revision})
    assert "has been deleted: tools" in refused.content.decode()
    user.refresh_from_db()
    assert user.current_version == 2
    assert "is-off" in admin.get(page(MODEL, "versions", user.pk)).content.decode()
