from django.apps import AppConfig


class ManagementConfig(AppConfig):
    """An app, so that drf-spectacular finds its extensions and templates."""

    name = "management"
