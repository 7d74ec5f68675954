"""The console's pages are loaded by its address alone, and Django's admin finds nothing wrong with them."""

import subprocess
from importlib import import_module

from django.contrib import admin

from testbed.stack import PYTHON, ROOT

LOADED = """
import sys
import django
django.setup()
print("console.admin" in sys.modules, "unfold.admin" in sys.modules)
import udapi_site.urls
print("console.admin" in sys.modules)
"""


def test_only_processes_that_serve_the_console_load_its_pages(stack):
    environment = stack.environment | {"DJANGO_SETTINGS_MODULE": "udapi_site.settings"}
    ended = subprocess.run([PYTHON, "-c", LOADED], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert ended.stdout.split() == ["False", "False", "True"], ended.stderr


def test_djangos_admin_checks_find_nothing():
    import_module("udapi_site.urls")
    assert admin.site.is_registered(import_module("tokens.models").ApiToken)
    assert admin.site.check(None) == []
