"""Start-up of the runs."""

from importlib import import_module

from django.apps import AppConfig


class RunsConfig(AppConfig):
    """Connects the receivers of the runs."""

    name = "runs"

    def ready(self) -> None:
        import_module("runs.retention")
