"""Start-up of permissions."""

from importlib import import_module

from django.apps import AppConfig


class AccessConfig(AppConfig):
    """Comes after `django.contrib.auth`, whose permissions it replaces."""

    name = "access"

    def ready(self) -> None:
        # Models can be imported only now.
        import_module("access.flags").replace_stock()
