from importlib import import_module

from django.apps import AppConfig


class KeysConfig(AppConfig):
    name = "keys"

    def ready(self) -> None:
        # Importing the module connects its receiver.
        import_module("keys.password_changes")
