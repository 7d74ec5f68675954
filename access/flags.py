"""The flags in the database: Django permissions, and the only ones.

Django creates four permissions for every model. The forms of users and groups would offer them although they have no
meaning, so they are not created.
"""

from typing import Any

from django.apps import AppConfig, apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Permission
from django.db.models import Q, QuerySet
from django.db.models.signals import post_migrate

from access.policy import FLAGS, POLICY, Action

_STOCK = "django.contrib.auth.management.create_permissions"
_APPS = frozenset(flag.partition(".")[0] for flag in FLAGS)


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


def create_flags(app_config: AppConfig, **kwargs: Any) -> None:
    """Create the flags of an app; called after every migrate."""
    create_permissions(app_config, **kwargs)


def replace_stock() -> None:
    """Let a migrate create the flags instead of Django's own permissions."""
    post_migrate.disconnect(dispatch_uid=_STOCK)
    for label in sorted(_APPS):
        post_migrate.connect(create_flags, sender=apps.get_app_config(label), dispatch_uid=f"access.flags.{label}")
