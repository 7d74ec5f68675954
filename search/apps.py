"""Start-up of the mirror."""

from importlib import import_module

from django.apps import AppConfig
from django.conf import settings


class SearchConfig(AppConfig):
    """Connects the receivers that note changes; what talks to Elasticsearch is loaded only where there is one."""

    name = "search"

    def ready(self) -> None:
        """Receivers connect when their module is imported, and so does what answers searches."""
        import_module("search.noting")
        if settings.ELASTICSEARCH_URL:
            # Its client takes 20 MB of every process.
            import_module("search.finding")
