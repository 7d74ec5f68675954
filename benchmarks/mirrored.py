"""An installation with a mirror, of which this process is a part."""

import os
from pathlib import Path

import django

from testbed.data_dir import make_data_dir
from testbed.elasticsearch import USER
from testbed.stack import Machine


def set_up(directory: Path, url: str, password: str, name: str) -> Machine:
    """Set up a migrated database below `directory`, with a mirror of its own in the Elasticsearch at `url`.

    The machine that it returns starts background programs, which keep the mirror; `end` must be called on it.
    """
    mirror = {
        "ELASTICSEARCH_URL": url,
        "ELASTICSEARCH_USER": USER,
        "ELASTICSEARCH_PASSWORD": password,
        "ELASTICSEARCH_PREFIX": f"{name}-{os.getpid()}",
    }
    data_dir = make_data_dir(directory / "data")
    os.environ |= {"UDAPI_DATA_DIR": str(data_dir), "DJANGO_SETTINGS_MODULE": "udapi_site.settings"} | mirror
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    return Machine(data_dir, mirror)


def clean() -> None:
    """Delete the indices of this mirror."""
    from django.conf import settings

    from search.connection import client

    for index in client().indices.get(index=f"{settings.ELASTICSEARCH_PREFIX}-*"):
        client().indices.delete(index=index)
