from importlib import import_module

from django.apps import AppConfig


class LoginsConfig(AppConfig):
    name = "logins"

    def ready(self) -> None:
        # Importing the module connects its receivers.
        import_module("logins.sessions")
        import_module("logins.superusers")
        import_module("logins.traces")
