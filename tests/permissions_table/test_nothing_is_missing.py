"""The table misses no address, page or bulk action."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import RequestFactory
from django.urls import URLPattern, get_resolver

from events.models import InformationEvent
from tests.console.conftest import page
from tests.permissions_table import (  # noqa: F401  they fill the table
    api,
    api_builds,
    as_code,
    console,
    console_builds,
    console_run_actions,
    console_runs,
    console_statistics,
    events,
    keys,
    run_actions,
    runs,
)
from tests.permissions_table.table import ACTIONS, EVENT, NODE, Caller

pytestmark = pytest.mark.usefixtures("world")


OF_EVERYBODY = {"keys/", "keys/<str:key>/", "schema/", "docs/", ""}


def test_every_address_of_the_management_api_is_in_the_table():
    management: Any
    (management,) = [one for one in get_resolver().url_patterns if str(one.pattern) == "api/management/"]
    known = {str(one.pattern) for one in management.url_patterns if isinstance(one, URLPattern)}
    assert known == {one.covers for one in ACTIONS if one.name.startswith("API") and one.covers} | OF_EVERYBODY


# Django's own pages for everybody who is logged in, and what leads elsewhere.
LOGGING_IN = {"login", "logout", "password_change", "password_change_done"}
FOR_THE_USER = LOGGING_IN | {
    "jsi18n",
    "search",
    "view_on_site",
    "app_list",
    "dismiss_steps",
    "session",
    "palette",
    "own_permissions",
}
OF_SUPERUSERS = {"dismiss_node"}
REFUSED_TO_ALL = {f"{NODE}_{name}" for name in ("add", "change", "delete", "history")} | {
    f"{EVENT}_{name}" for name in ("add", "delete", "history")
}
FOR_SUPERUSERS = ("auth_user", "auth_group")


def test_every_page_of_the_console_is_in_the_table():
    covered = {one.covers for one in ACTIONS}
    for model, model_admin in admin.site._registry.items():
        prefix = f"{model._meta.app_label}_{model._meta.model_name}"
        if prefix in FOR_SUPERUSERS:
            continue
        named = {pattern.name for pattern in model_admin.get_urls() if pattern.name}
        assert named - covered - REFUSED_TO_ALL == set(), prefix


def test_every_other_page_of_the_console_is_known():
    of_models = ("_add", "_changelist", "_change", "_delete", "_history", "_rotate")
    named = {pattern.name for pattern in admin.site.get_urls() if isinstance(pattern, URLPattern) and pattern.name}
    others = {name for name in named if not name.endswith(of_models)}
    assert others - {one.covers for one in ACTIONS} <= FOR_THE_USER | OF_SUPERUSERS


def test_every_bulk_action_is_in_the_table():
    request = RequestFactory().get("/console/")
    request.user = User.objects.create_superuser("root")
    covered = {one.covers for one in ACTIONS}
    for model, model_admin in admin.site._registry.items():
        prefix = f"{model._meta.app_label}_{model._meta.model_name}"
        if prefix not in FOR_SUPERUSERS:
            assert {f"{prefix} {name}" for name in model_admin.get_actions(request)} <= covered


@pytest.mark.parametrize("name", ["add", "delete"])
def test_nobody_adds_or_deletes_nodes_and_events(world, name):
    event: Any = InformationEvent.objects.first()
    root = Caller(is_superuser=True).console
    before = InformationEvent.objects.count()
    address = page(EVENT, name, *([event.pk] if name == "delete" else []))
    assert root.get(address).status_code == 403
    assert root.post(address, {"post": "yes"}).status_code == 403
    assert root.post(page(EVENT, "change", event.pk), {"message": "x"}).status_code == 403
    assert InformationEvent.objects.count() == before
