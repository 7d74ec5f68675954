"""The permission flags after the migrations: exactly those of the contract, under these names."""

from django.apps import apps
from django.contrib.auth.models import Permission

FLAGS = {
    "definitions.ui_available": "User-defined APIs > Definitions > UI available",
    "definitions.add_edit": "User-defined APIs > Definitions > Add/Edit",
    "definitions.delete": "User-defined APIs > Definitions > Delete",
    "tokens.ui_available": "User-defined APIs > Tokens > UI available",
    "tokens.add_edit": "User-defined APIs > Tokens > Add/Edit",
    "tokens.delete": "User-defined APIs > Tokens > Delete",
    "automation.ui_available": "Automation > UI available",
    "automation.add_edit": "Automation > Add/Edit",
    "automation.delete": "Automation > Delete",
    "automation.execute": "Automation > Execute",
    "automation.credentials_ui_available": "Automation > Credentials > UI available",
    "automation.credentials_add_edit": "Automation > Credentials > Add/Edit",
    "automation.credentials_delete": "Automation > Credentials > Delete",
}


def test_exactly_the_flags_of_the_contract_exist(db):
    ours = Permission.objects.filter(content_type__app_label__in=["definitions", "tokens", "automation"])
    found = {
        f"{each.content_type.app_label}.{each.codename}": each.name for each in ours.select_related("content_type")
    }
    assert found == FLAGS


def test_no_model_of_ours_asks_for_stock_permissions():
    ours = [model for model in apps.get_models() if model._meta.app_label in {"definitions", "tokens", "automation"}]
    assert len(ours) >= 6
    for model in ours:
        assert tuple(model._meta.default_permissions) == (), model
