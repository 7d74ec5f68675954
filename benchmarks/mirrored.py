"""This process as one of an installation that has a mirror."""

import os
from pathlib import Path

import django

from tests.elasticsearch import USER
from tests.environment import make_data_dir


def set_up(directory: Path, url: str, password: str, name: str) -> None:
    """A migrated database below `directory`, with a mirror of its own in the Elasticsearch at `url`."""
    os.environ |= {
        "UDAPI_DATA_DIR": str(make_data_dir(directory / "data")),
        "ELASTICSEARCH_URL": url,
        "ELASTICSEARCH_USER": USER,
        "ELASTICSEARCH_PASSWORD": password,
        "ELASTICSEARCH_PREFIX": f"{name}-{os.getpid()}",
        "DJANGO_SETTINGS_MODULE": "udapi_site.settings",
    }
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def clean() -> None:
    """Delete the indices of this mirror."""
    from django.conf import settings

    from search.connection import client

    for index in client().indices.get(index=f"{settings.ELASTICSEARCH_PREFIX}-*"):
        client().indices.delete(index=index)
