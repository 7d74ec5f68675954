from django.apps import AppConfig


class ManagementConfig(AppConfig):
    """An app, so that Django finds its templates."""

    name = "management"
