"""What surrounds every page: the menu, what can be created, breadcrumbs, titles, messages."""

import re
from html.parser import HTMLParser

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from access.policy import FLAGS
from console.shell.counts import counts_for
from keys.changes import create_key
from tests.automation.stored_credentials import stored_credential
from tests.console.conftest import page, submit

MENU = {
    "definitions.ui_available": ["APIs", "Nodes & queue", "Events"],
    "tokens.ui_available": ["Tokens", "Nodes & queue", "Events"],
    "automation.ui_available": ["Scripts", "Events"],
    "automation.credentials_ui_available": ["Credentials", "Events"],
    "runs.ui_available": ["Runs", "Events"],
}
"""The entries that a flag adds to those of everybody."""
ORDER = [
    "Overview",
    "APIs",
    "Runs",
    "Scripts",
    "Tokens",
    "Credentials",
    "Nodes & queue",
    "Events",
    "Management API",
    "Users",
    "Groups",
    "Personal keys",
]
ADDRESSES = {
    "APIs": page("definitions_apidefinition", "changelist"),
    "Tokens": page("tokens_apitoken", "changelist"),
    "Scripts": page("automation_automationscript", "changelist"),
    "Credentials": page("automation_credential", "changelist"),
    "Runs": "/console/runs/",
    "Events": page("events_informationevent", "changelist"),
    "Nodes & queue": page("automation_workernode", "changelist"),
    "Users": page("auth_user", "changelist"),
    "Groups": page("auth_group", "changelist"),
}


class Document(HTMLParser):
    """The parts of a page that the tests look at: elements with their attributes and texts."""

    def __init__(self, response) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str], list[str]]] = []
        self._open: list[tuple[str, dict[str, str], list[str]]] = []
        self.feed(response.content.decode())

    def handle_starttag(self, tag, attrs):
        element: tuple[str, dict[str, str], list[str]] = (tag, dict(attrs), [])
        self.elements.append(element)
        if tag not in {"meta", "link", "input", "img", "br", "hr"}:
            self._open.append(element)

    def handle_endtag(self, tag):
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if any(attributes.get("aria-hidden") == "true" for _tag, attributes, _texts in self._open):
            return
        for _tag, _attributes, texts in self._open:
            texts.append(data)

    def texts(self, tag, **wanted):
        """The texts of the elements of a kind with these attributes, without icons."""
        return [
            " ".join("".join(texts).split())
            for name, having, texts in self.elements
            if self._is(name, having, tag, wanted)
        ]

    def attributes(self, tag, **wanted):
        return [having for name, having, _texts in self.elements if self._is(name, having, tag, wanted)]

    @staticmethod
    def _is(name, having, tag, wanted):
        return name == tag and all(
            having.get(key.rstrip("_").replace("_", "-")) == value for key, value in wanted.items()
        )


def menu(response) -> dict[str, str]:
    """The entries of the menu by their titles, and their counts."""
    content = response.content.decode()
    nav = re.search(r'<nav class="ud-sidebar-pages".*?</nav>', content, re.DOTALL)
    if nav is None:
        return {}
    entries = re.findall(r'ud-sidebar-title">(.*?)</span>\s*(?:<span class="ud-sidebar-count">(\d+)</span>)?', nav[0])
    return {title.replace("&amp;", "&"): count for title, count in entries}


def current(response) -> list[tuple[str, str]]:
    """The addresses of the menu that are marked as current, with their marks."""
    content = response.content.decode()
    (nav,) = re.findall(r'<nav class="ud-sidebar-pages".*?</nav>', content, re.DOTALL)
    return re.findall(r'<a href="([^"]*)" aria-current="(\w+)"', nav)


@pytest.mark.parametrize("flag", sorted(FLAGS))
def test_user_with_one_flag_sees_exactly_its_part(visit, make, flag):
    make()
    client = visit(flag)
    expected = {"Overview", "Management API", "Personal keys", *MENU.get(flag, [])}
    assert list(menu(client.get("/console/"))) == [title for title in ORDER if title in expected]
    for title, address in ADDRESSES.items():
        assert client.get(address).status_code == (200 if title in expected else 403), title
    for model in ("definitions_apidefinition", "tokens_apitoken", "automation_automationscript"):
        assert client.get(page(model, "add")).status_code == 403


def test_superuser_sees_the_whole_menu_with_counts(admin, make):
    make()
    make.token(name="second")
    stored_credential()
    shown = menu(admin.get("/console/"))
    assert list(shown) == ORDER
    assert [shown[title] for title in ("APIs", "Runs", "Scripts", "Tokens", "Credentials", "Users")] == [
        "1",
        "",
        "1",
        "2",
        "1",
        "",
    ]


def test_counts_are_those_of_viewable_kinds_and_take_one_query(visit, make):
    make()
    client = visit("tokens.ui_available", "definitions.ui_available")
    user = User.objects.get(pk=client.session["_auth_user_id"])
    assert counts_for(user) == {"definitions.apidefinition": 1, "tokens.apitoken": 1}
    for _ in range(3):
        make()
    with CaptureQueriesContext(connection) as captured:
        assert counts_for(user) == {"definitions.apidefinition": 4, "tokens.apitoken": 4}
    assert len(captured) == 1


@pytest.mark.parametrize(
    ("address", "entry", "mark"),
    [
        ("/console/", "/console/", "page"),
        ("/console/runs/", "/console/runs/", "page"),
        ("/console/environments/", page("automation_workernode", "changelist"), "true"),
        ("/console/trigger/", page("definitions_apidefinition", "changelist"), "true"),
        (page("tokens_apitoken", "add"), page("tokens_apitoken", "changelist"), "true"),
    ],
)
def test_menu_marks_where_the_user_is(admin, address, entry, mark):
    assert current(admin.get(address)) == [(entry, mark)]


def created_by(response) -> list[str]:
    """The addresses of the menu of what can be created."""
    return re.findall(r'<a role="menuitem"[^>]*class="ud-menu-item" href="([^"]*)"', response.content.decode())


def test_only_what_the_user_may_create_is_offered(visit, admin):
    key = page("keys_personalkey", "add")
    assert created_by(visit("tokens.ui_available").get("/console/")) == [key]
    # Without the list there is no way to its form.
    assert created_by(visit("tokens.add_edit").get("/console/")) == [key]
    assert created_by(visit("tokens.ui_available", "tokens.add_edit").get("/console/")) == [
        page("tokens_apitoken", "add"),
        key,
    ]
    script = page("automation_automationscript", "add")
    assert created_by(admin.get("/console/")) == [
        page("definitions_apidefinition", "add"),
        script,
        f"{script}?kind=Library",
        page("tokens_apitoken", "add"),
        page("automation_credential", "add"),
        key,
        page("auth_user", "add"),
        page("auth_group", "add"),
    ]


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("definitions_apidefinition", "New API"),
        ("tokens_apitoken", "New token"),
        ("automation_automationscript", "New script"),
        ("automation_credential", "New credential"),
        ("keys_personalkey", "New personal key"),
        ("auth_user", "New user"),
        ("auth_group", "New group"),
    ],
)
def test_list_has_one_button_in_words(admin, visit, make, model, text):
    lists = page(model, "changelist")
    if not Document(admin.get(lists)).texts("a", class_="ud-button is-primary addlink"):
        # The empty list has it in its middle.
        assert Document(admin.get(lists)).texts("a", class_="ud-button is-primary", href=page(model, "add")) == [text]
    make()
    stored_credential()
    Group.objects.create(name="some")
    create_key(User.objects.get(username="root"), "ci", 1)
    shown = Document(admin.get(lists))
    assert shown.texts("a", class_="ud-button is-primary addlink") == [text]
    assert not shown.texts("a", class_="ud-button is-primary")
    assert not Document(admin.get(page(model, "add"))).texts("a", class_="ud-button is-primary addlink")
    if not model.startswith(("auth", "keys")):
        readers = {"definitions.ui_available", "tokens.ui_available", "automation.ui_available"}
        reader = visit(*readers, "automation.credentials_ui_available")
        assert not Document(reader.get(lists)).texts("a", class_="ud-button is-primary addlink")


def test_windows_say_where_one_is(admin, make):
    api = make(route="encoders/{id}/status").definition
    definition = "definitions_apidefinition"
    titles = {
        "/console/": "Overview",
        page(definition, "changelist"): "APIs",
        page(definition, "add"): "New API · APIs",
        page(definition, "view", api.pk): "encoders/{id}/status · Overview · APIs",
        page(definition, "change", api.pk): "encoders/{id}/status · Edit · APIs",
        page(definition, "raw", api.pk): "encoders/{id}/status · JSON · APIs",
        page("tokens_apitoken", "changelist"): "Tokens",
        page("auth_user", "change", User.objects.get(username="root").pk): "root · Edit · Users",
        "/console/runs/": "Runs",
        page("automation_workernode", "changelist"): "Nodes & queue",
        "/console/environments/": "Environments · Nodes & queue",
        "/console/trigger/": "Trigger · APIs",
        "/console/nothing/": "Page not found",
    }
    for address, title in titles.items():
        assert Document(admin.get(address)).texts("title") == [f"{title} | User-Defined APIs"], address


def test_every_page_has_one_main_part_one_heading_and_a_way_past_the_menu(admin, make):
    api = make().definition
    root = User.objects.get(username="root")
    addresses = ["/console/", "/console/runs/", "/console/trigger/", "/console/environments/", "/console/nothing/"]
    addresses += [page(model, "changelist") for model in ("tokens_apitoken", "auth_user", "events_informationevent")]
    addresses += [
        page("definitions_apidefinition", kind, api.pk) for kind in ("view", "change", "raw", "history", "delete")
    ]
    addresses += [page("auth_user", kind, root.pk) for kind in ("change", "history", "delete")]
    addresses += [page("tokens_apitoken", "add"), "/console/password_change/"]
    for address in addresses:
        document = Document(admin.get(address))
        assert [having["id"] for having in document.attributes("main")] == ["content"], address
        assert len(document.texts("h1")) == 1, address
        assert document.texts("a", class_="ud-skip", href="#content") == ["Skip to content"], address
        labels = [having.get("aria-label") for having in document.attributes("nav")]
        assert all(labels), address
        assert len(set(labels)) == len(labels), address


def test_breadcrumbs_name_no_app_and_keep_names_as_they_are(admin, make):
    script = make.script(name="channel_report")
    for kind in ("view", "history"):
        response = admin.get(page("automation_automationscript", kind, script.pk), follow=True)
        content = response.content.decode()
        (crumbs,) = re.findall(r'<nav class="ud-crumbs".*?</nav>', content, re.DOTALL)
        assert re.findall(r">([^<>]+)</(?:a|span)>", crumbs) == ["Scripts", "channel_report"]
        assert "Channel_report" not in content
        assert "Automation scripts" not in content


def test_link_to_the_list_keeps_search_and_filters(admin, make):
    api = make().definition
    filters = "_changelist_filters=q%3Dchannel%26state%3Ddisabled"
    wanted = f"{page('definitions_apidefinition', 'changelist')}?q=channel&amp;state=disabled"
    for kind in ("view", "change"):
        content = admin.get(f"{page('definitions_apidefinition', kind, api.pk)}?{filters}").content.decode()
        assert f'<a href="{wanted}">APIs</a>' in content, kind


def test_message_waits_for_the_page_that_is_shown(admin, make):
    """Parts of another page that are loaded again in the background don't take it away."""
    token, _secret = make.token(name="told")
    submit(admin, page("tokens_apitoken", "change", token.pk), name="told again")
    overview = "/console/"
    behind = admin.get(overview, headers={"X-Requested-With": "fetch"})
    assert "ud-message " not in behind.content.decode()
    shown = Document(admin.get(overview))
    (said,) = shown.texts("div", role="status", id="messages")
    assert "told again" in said
    assert "Dismiss" not in said
    dismissing = [having for having in shown.attributes("button") if "data-dismiss" in having]
    assert [having["aria-label"] for having in dismissing] == ["Dismiss"]


@pytest.mark.parametrize(("address", "status"), [("/console/nothing/", 404), ("/nothing", 404)])
def test_error_page_has_the_menu_for_those_who_are_logged_in(visit, db, address, status):
    client = visit("tokens.ui_available")
    response = client.get(address)
    assert response.status_code == status
    assert "Tokens" in menu(response)
    stranger = Client().get(address, follow=True)
    assert menu(stranger) == {}


def test_refused_page_has_the_menu(visit):
    response = visit("tokens.ui_available").get(page("auth_user", "changelist"))
    assert response.status_code == 403
    assert list(menu(response))[:2] == ["Overview", "Tokens"]
