"""Start-up of the events."""

from importlib import import_module

from django.apps import AppConfig


class EventsConfig(AppConfig):
    """Connects the receivers that record events."""

    name = "events"

    def ready(self) -> None:
        import_module("events.recorder")
        import_module("events.user_changes")
