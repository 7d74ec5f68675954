"""Start-up of the log-ins."""

from importlib import import_module

from django.apps import AppConfig


class LoginsConfig(AppConfig):
    """Connects the receivers that log who logs in and out."""

    name = "logins"

    def ready(self) -> None:
        """Receivers connect when their module is imported."""
        import_module("logins.traces")
