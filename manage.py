#!/usr/bin/env python
"""Django's command line for this project."""

import os
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from foundation import linux

if __name__ == "__main__":
    linux.hide_memory()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "udapi_site.settings")
    try:
        settings.configured or settings.DATABASES  # noqa: B018  an unusable setting is one sentence, not a traceback
    except ImproperlyConfigured as error:
        sys.exit(f"Error: {error}")
    execute_from_command_line(sys.argv)
