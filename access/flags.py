"""The flags in the database: Django permissions, and the only ones.

Django creates four permissions for every model. The forms of users and groups would offer them although they have no
meaning, so they are not created.
"""

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Permission
from django.db.models import Q, QuerySet
from django.db.models.signals import post_migrate

from access.policy import FLAGS, POLICY, Action

_STOCK = "django.contrib.auth.management.create_permissions"


def flags() -> "QuerySet[Permission]":
    """The product's flags, sorted by name."""
    known = Q()
    for flag in FLAGS:
        app_label, _, codename = flag.partition(".")
        known |= Q(content_type__app_label=app_label, codename=codename)
    return Permission.objects.filter(known).select_related("content_type").order_by("name")


def needed(model_label: str, action: Action) -> str:
    """The flags that the policy asks for, in words."""
    names = {f"{flag.content_type.app_label}.{flag.codename}": flag.name for flag in flags()}
    return " or ".join(" and ".join(names[flag] for flag in sorted(need)) for need in POLICY[model_label, action])


def replace_stock() -> None:
    """Let a migrate create permissions only for the apps that have flags."""
    post_migrate.disconnect(dispatch_uid=_STOCK)
    for label in sorted({flag.partition(".")[0] for flag in FLAGS}):
        config = apps.get_app_config(label)
        post_migrate.connect(create_permissions, sender=config, dispatch_uid=f"access.flags.{label}")
