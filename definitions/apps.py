from importlib import import_module

from django.apps import AppConfig


class DefinitionsConfig(AppConfig):
    name = "definitions"

    def ready(self) -> None:
        # Importing the module connects its receivers.
        import_module("definitions.changes")
