"""Start-up of the management API."""

from django.apps import AppConfig


class ManagementConfig(AppConfig):
    """An app of its own, so that its parts of the OpenAPI document are found."""

    name = "management"
