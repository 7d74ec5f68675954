"""The settings of the mirror, and that without them nothing of it is loaded or runs."""

import os
import subprocess
import sys
from io import StringIO

import pytest
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from foundation import env
from testbed.stack import ROOT
from udapi_site import timetable
from udapi_site.checks import check_elasticsearch


def test_without_elasticsearch_its_client_is_not_loaded():
    code = (
        "import django, sys; django.setup(); import udapi_site.urls; print([m for m in sys.modules if 'elastic' in m])"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "UDAPI_DATA_DIR": str(django_settings.DATA_DIR.root),
        "DJANGO_SETTINGS_MODULE": "udapi_site.settings",
    }
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert ended.stdout.strip() == "[]", ended.stderr


@pytest.mark.parametrize("urls", [[], ["http://127.0.0.1:9200"]])
def test_periodic_tasks_of_the_mirror_are_sent_only_where_there_is_elasticsearch(settings, urls):
    settings.ELASTICSEARCH_URL = urls
    assert ("search.tasks.bring_changes" in timetable.entries()) == bool(urls)
    assert ("search.tasks" in timetable.task_modules()) == bool(urls)


@pytest.mark.parametrize("command", ["check", "repair", "rebuild", "restore", "follow"])
def test_mirror_commands_without_elasticsearch_name_the_missing_setting(db, settings, command):
    settings.ELASTICSEARCH_URL = []
    with pytest.raises(CommandError, match="ELASTICSEARCH_URL"):
        call_command("mirror", command)


def test_status_without_elasticsearch_is_off(db, settings):
    settings.ELASTICSEARCH_URL = []
    out = StringIO()
    call_command("mirror", "status", stdout=out)
    assert out.getvalue() == "mirror: off\n"


@pytest.mark.parametrize("value", ["search.example.com", "ftp://a", "http://", "http://a:99999", "https://u:hidden@:x"])
def test_invalid_address_stops_the_start_without_showing_the_password(monkeypatch, value):
    monkeypatch.setenv("ELASTICSEARCH_URL", value)
    with pytest.raises(ImproperlyConfigured) as error:
        env.elasticsearch("ELASTICSEARCH_URL")
    assert "hidden" not in str(error.value)


def test_several_addresses_are_read_from_the_setting(monkeypatch):
    monkeypatch.setenv("ELASTICSEARCH_URL", "https://a:9200, https://b")
    assert env.elasticsearch("ELASTICSEARCH_URL") == ["https://a:9200", "https://b"]


@pytest.mark.parametrize(
    ("url", "password", "key", "found"),
    [
        ("https://a", "p", "k", ["udapi.E002"]),
        ("http://a", "p", "", ["udapi.W004"]),
        ("http://u:p@a", "", "", ["udapi.W004"]),
        ("http://a", "", "", []),
        ("http://127.0.0.1", "p", "", []),
        ("https://a", "p", "", []),
    ],
)
def test_system_check_reports_double_or_unencrypted_credentials(settings, url, password, key, found):
    settings.ELASTICSEARCH_URL = [url]
    settings.ELASTICSEARCH_PASSWORD = password
    settings.ELASTICSEARCH_API_KEY = key
    assert [message.id for message in check_elasticsearch(None)] == found


def test_credentials_come_from_the_address_or_are_an_api_key_and_never_appear_in_errors(
    mirror_settings, settings, caplog
):
    from search.connection import MirrorError, client

    user, password = settings.ELASTICSEARCH_USER, settings.ELASTICSEARCH_PASSWORD
    if not password:
        pytest.skip("needs a server of the tests' own")
    settings.ELASTICSEARCH_USER = settings.ELASTICSEARCH_PASSWORD = ""
    bare = mirror_settings.server.url.removeprefix("http://")
    mirror_settings.use(f"http://{user}:{password}@{bare}")
    assert client().cluster.health()["status"]
    # The tests' server has no API keys, so it refuses this one: the key was sent, not the password.
    settings.ELASTICSEARCH_API_KEY = "a2V5OmtleQ=="
    mirror_settings.use(mirror_settings.server.url)
    with pytest.raises(MirrorError, match="401"):
        client().cluster.health()
    settings.ELASTICSEARCH_API_KEY = ""
    mirror_settings.use(f"http://{user}:wrong-password@{bare}")
    with pytest.raises(MirrorError) as error:
        client().cluster.health()
    assert "wrong-password" not in str(error.value) + caplog.text
    settings.ELASTICSEARCH_USER, settings.ELASTICSEARCH_PASSWORD = user, password
