"""Start-up of the mirror."""

from importlib import import_module

from django.apps import AppConfig
from django.conf import settings


class SearchConfig(AppConfig):
    """Connects the receivers that write intents. Only processes with `ELASTICSEARCH_URL` load its client."""

    name = "search"

    def ready(self) -> None:
        import_module("search.intents")
        if settings.ELASTICSEARCH_URL:
            # The client takes 20 MB of every process. Loaded before the fork, most of it is shared.
            import_module("search.elasticsearch_query")
