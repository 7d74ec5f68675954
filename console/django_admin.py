"""Django's admin, told which site is the console."""

from django.contrib.admin.apps import SimpleAdminConfig


class ConsoleAdminConfig(SimpleAdminConfig):
    """In the place of `django.contrib.admin`.

    The console's pages take 15 MB, so only processes that serve it load them: `udapi_site/urls.py`.
    """

    default_site = "console.site.ConsoleSite"
