"""The flags in the database: Django permissions, and the only ones there are.

Django makes four permissions for every model. Here they would be offered in the forms of users and groups and mean
nothing, so they are not made at all.
"""

from typing import Any

from django.apps import AppConfig, apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Permission
from django.db.models import Q, QuerySet
from django.db.models.signals import post_migrate

from access.policy import FLAGS

_STOCK = "django.contrib.auth.management.create_permissions"
_APPS = frozenset(flag.partition(".")[0] for flag in FLAGS)


def flags() -> "QuerySet[Permission]":
    """The product's flags, by name."""
    known = Q()
    for flag in FLAGS:
        app_label, _, codename = flag.partition(".")
        known |= Q(content_type__app_label=app_label, codename=codename)
    return Permission.objects.filter(known).select_related("content_type").order_by("name")


def create_flags(app_config: AppConfig, **kwargs: Any) -> None:
    """Make the flags of an app that has some; sent after every migrate."""
    create_permissions(app_config, **kwargs)


def replace_stock() -> None:
    """From here on a migrate makes the flags, and Django's own permissions no more."""
    post_migrate.disconnect(dispatch_uid=_STOCK)
    for label in sorted(_APPS):
        post_migrate.connect(create_flags, sender=apps.get_app_config(label), dispatch_uid=f"access.flags.{label}")
