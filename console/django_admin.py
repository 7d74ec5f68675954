"""Django's admin, told which site is the console."""

from django.contrib.admin.apps import AdminConfig


class ConsoleAdminConfig(AdminConfig):
    """In the place of `django.contrib.admin`."""

    default_site = "console.site.ConsoleSite"
