"""Start-up of the definitions."""

from importlib import import_module

from django.apps import AppConfig


class DefinitionsConfig(AppConfig):
    """Connects the receivers that keep the route index."""

    name = "definitions"

    def ready(self) -> None:
        """Receivers connect when their module is imported."""
        import_module("definitions.changes")
