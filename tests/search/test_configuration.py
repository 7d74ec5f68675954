"""How the mirror is turned on, and that nothing of it is there where it is not."""

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


def test_without_elasticsearch_its_client_is_not_even_loaded():
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
def test_its_periodic_tasks_are_sent_only_where_there_is_one(settings, urls):
    settings.ELASTICSEARCH_URL = urls
    assert ("search.tasks.bring_changes" in timetable.entries()) == bool(urls)
    assert ("search.tasks" in timetable.task_modules()) == bool(urls)


@pytest.mark.parametrize("command", ["check", "repair", "rebuild", "restore", "follow"])
def test_commands_say_that_there_is_none(settings, command):
    settings.ELASTICSEARCH_URL = []
    with pytest.raises(CommandError, match="ELASTICSEARCH_URL"):
        call_command("mirror", command)


def test_the_state_is_off(db, settings):
    settings.ELASTICSEARCH_URL = []
    out = StringIO()
    call_command("mirror", "status", stdout=out)
    assert out.getvalue() == "mirror: off\n"


@pytest.mark.parametrize("value", ["search.example.com", "ftp://a", "http://", "http://a:99999", "https://u:hidden@:x"])
def test_an_address_that_is_none_stops_the_start_without_saying_it(monkeypatch, value):
    monkeypatch.setenv("ELASTICSEARCH_URL", value)
    with pytest.raises(ImproperlyConfigured) as error:
        env.elasticsearch("ELASTICSEARCH_URL")
    assert "hidden" not in str(error.value)


def test_several_addresses(monkeypatch):
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
def test_what_cannot_be_meant_is_a_system_check(settings, url, password, key, found):
    settings.ELASTICSEARCH_URL = [url]
    settings.ELASTICSEARCH_PASSWORD = password
    settings.ELASTICSEARCH_API_KEY = key
    assert [message.id for message in check_elasticsearch(None)] == found


def test_credentials_in_the_address_log_in_and_an_api_key_is_what_is_sent(mirror_settings, settings, caplog):
    from search.connection import MirrorError, asking, client

    user, password = settings.ELASTICSEARCH_USER, settings.ELASTICSEARCH_PASSWORD
    if not password:
        pytest.skip("needs a server of the tests' own")
    settings.ELASTICSEARCH_USER = settings.ELASTICSEARCH_PASSWORD = ""
    bare = mirror_settings.server.url.removeprefix("http://")
    mirror_settings.use(f"http://{user}:{password}@{bare}")
    assert client().cluster.health()["status"]
    # The tests' server cannot keep API keys, so it refuses any: what was sent was the key, and nothing else.
    settings.ELASTICSEARCH_API_KEY = "a2V5OmtleQ=="
    mirror_settings.use(mirror_settings.server.url)
    with pytest.raises(MirrorError, match="401"), asking():
        client().cluster.health()
    settings.ELASTICSEARCH_API_KEY = ""
    mirror_settings.use(f"http://{user}:wrong-password@{bare}")
    with pytest.raises(MirrorError) as error, asking():
        client().cluster.health()
    assert "wrong-password" not in str(error.value) + caplog.text
    settings.ELASTICSEARCH_USER, settings.ELASTICSEARCH_PASSWORD = user, password
