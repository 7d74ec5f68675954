from importlib import import_module

from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "udapi_site"

    def ready(self) -> None:
        # Importing the modules sets the application of all tasks and registers the checks.
        import_module("udapi_site.celery")
        import_module("udapi_site.checks")
