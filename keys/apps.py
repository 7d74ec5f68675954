"""Start-up of the personal keys."""

from importlib import import_module

from django.apps import AppConfig


class KeysConfig(AppConfig):
    """Connects the receiver that ends keys."""

    name = "keys"

    def ready(self) -> None:
        """Receivers connect when their module is imported."""
        import_module("keys.password_changes")
