"""System checks of the settings, with stable ids."""

import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution

_LOCAL = {"localhost", "127.0.0.1", "::1"}


@register(Tags.security)
def check_data_dir(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """`udapi.E001`: the data directory cannot be written; `udapi.W001`: others can read a secret file in it."""
    found: list[CheckMessage] = []
    root = settings.DATA_DIR.root
    if not os.access(root, os.W_OK | os.X_OK):
        found.append(Error(f"The data directory {root} cannot be written.", id="udapi.E001"))
    for file in (settings.DATA_DIR.secret_key_file, settings.DATA_DIR.peppers_file):
        if file.exists() and file.stat().st_mode & 0o077:
            hint = f"Run `chmod 600 {file}`."
            found.append(Caution(f"{file} can be read by other users.", hint=hint, id="udapi.W001"))
    return found


@register(Tags.security)
def check_fleet(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """`udapi.W002`: a shared Redis together with an embedded database, which other machines cannot see."""
    shared_broker = urlsplit(settings.REDIS_URL).hostname not in {None, *_LOCAL}
    embedded = settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
    if not (shared_broker and embedded):
        return []
    message = "REDIS_URL names a server, but the database is a file of this machine."
    hint = "Set DATABASE_URL as well when worker nodes run on other machines."
    return [Caution(message, hint=hint, id="udapi.W002")]


@register(Tags.security)
def check_redis(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """`udapi.W006`: the password of a Redis elsewhere, and all that goes through it, travel unencrypted."""
    url = urlsplit(settings.REDIS_URL)
    if url.scheme != "redis" or url.hostname in _LOCAL or not (url.password or settings.REDIS_CA):
        return []
    message = "REDIS_URL is not rediss: the password of Redis and every request travel in the clear."
    return [Caution(message, hint="Let Redis speak TLS and write rediss:// instead.", id="udapi.W006")]


@register(Tags.security)
def check_elasticsearch(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """`udapi.E002`: two ways to log in; `udapi.W004`: the one that there is travels unencrypted."""
    urls = [urlsplit(url) for url in settings.ELASTICSEARCH_URL]
    password = settings.ELASTICSEARCH_PASSWORD or any(url.password for url in urls)
    if urls and password and settings.ELASTICSEARCH_API_KEY:
        message = "ELASTICSEARCH_API_KEY and a password of Elasticsearch are both set."
        return [Error(message, hint="Set one of them.", id="udapi.E002")]
    open_urls = [url for url in urls if url.scheme == "http" and url.hostname not in _LOCAL]
    if not (open_urls and (password or settings.ELASTICSEARCH_API_KEY)):
        return []
    message = "ELASTICSEARCH_URL is not https: what logs in to Elasticsearch travels in the clear."
    return [Caution(message, id="udapi.W004")]


@register(Tags.security, deploy=True)
def check_public_url(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """`udapi.W003`: secrets travel unencrypted."""
    if settings.UDAPI_PUBLIC_URL.startswith("https://"):
        return []
    message = "UDAPI_PUBLIC_URL is not https: secrets and passwords travel in the clear."
    return [Caution(message, id="udapi.W003")]
