"""Start-up of the project: the Celery application, and the system checks."""

from importlib import import_module

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """Loads what has to be known in every process."""

    name = "udapi_site"

    def ready(self) -> None:
        """Tasks find their application, and `manage.py check` the checks, when their modules are imported."""
        import_module("udapi_site.celery")
        import_module("udapi_site.checks")
        import_module("udapi_site.history_check")
