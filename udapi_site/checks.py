"""System checks of the settings, with stable ids."""

import os
from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import redis
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Info as Note
from django.core.checks import Warning as Caution

from broker import server
from broker.client import server_client
from fleet import confinement

_LOCAL = {"localhost", "127.0.0.1", "::1"}

OURS: Final = "udapi"
"""Checks with this tag are shown to superusers in the console, too."""

SHORTEST_SECRET: Final = 32
FEWEST_CHARACTERS: Final = 10
_REDIS_MESSAGES: Final[dict[str, Callable[..., CheckMessage]]] = {"error": Error, "warning": Caution, "note": Note}
_WORDS: Final = ("changeme", "change-me", "change_me", "secret", "insecure", "password", "example", "0123456789")


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


@register(Tags.security, OURS)
def check_guessable(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """`udapi.W011`: a secret key that can be guessed; `udapi.W012`: such a pepper."""
    make = "`python -c 'import secrets; print(secrets.token_hex(32))'` makes a good one"
    found: list[CheckMessage] = []
    if (why := _guessable(settings.SECRET_KEY)) is not None:
        hint = f"Replace it: {make}. Everybody has to log in again."
        found.append(Caution(f"UDAPI_SECRET_KEY {why}.", hint=hint, id="udapi.W011"))
    for number, pepper in settings.UDAPI_PEPPERS.items():
        if (why := _guessable(pepper.decode())) is not None:
            hint = f"Put a new one before it, and rotate the secrets of the tokens: {make}."
            found.append(Caution(f"Pepper {number} of UDAPI_SECRET_PEPPERS {why}.", hint=hint, id="udapi.W012"))
    return found


def _guessable(secret: str) -> str | None:
    """Why somebody could find `secret` by trying, as the end of a sentence; never a part of it."""
    if len(secret) < SHORTEST_SECRET:
        return f"can be guessed: it has fewer than {SHORTEST_SECRET} characters"
    if len(set(secret)) < FEWEST_CHARACTERS or secret in (secret + secret)[1:-1]:
        return "can be guessed: it repeats itself"
    if any(word in secret.casefold() for word in _WORDS):
        return "can be guessed: it looks like an example"
    return None


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


@register("machine")
def check_confinement(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """`udapi.W010`: scripts are not kept from files; `udapi.W013`: they run as root."""
    found: list[CheckMessage] = []
    if not confinement.is_enforced():
        hint = "Run worker nodes on Linux 5.13 or newer with Landlock, or name a user in UDAPI_SCRIPT_USER."
        found.append(Caution(confinement.UNCONFINED, hint=hint, id="udapi.W010"))
    if os.geteuid() == 0 and not settings.UDAPI_SCRIPT_USER:
        message = "Scripts run as root, though without its privileges."
        hint = "Run the product as an ordinary user, or name a user in UDAPI_SCRIPT_USER."
        found.append(Caution(message, hint=hint, id="udapi.W013"))
    return found


@register(Tags.security)
def check_script_paths(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """`udapi.E010`: a path that the settings open to scripts holds secrets of the product."""
    hint = "Name directories of the scripts' own in UDAPI_SCRIPT_READ_PATHS, UDAPI_SCRIPT_WRITE_PATHS, UDAPI_STATE_DIR."
    return [
        Error(f"{path} must not be open to scripts: it holds the product's own data.", hint=hint, id="udapi.E010")
        for path in confinement.opened_by_mistake()
    ]


@register(Tags.security)
def check_redis(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """`udapi.W006`: the password of a Redis elsewhere, and all that goes through it, travel unencrypted."""
    url = urlsplit(settings.REDIS_URL)
    if url.scheme != "redis" or url.hostname in _LOCAL or not (url.password or settings.REDIS_CA):
        return []
    message = "REDIS_URL is not rediss: the password of Redis and every request travel in the clear."
    return [Caution(message, hint="Let Redis speak TLS and write rediss:// instead.", id="udapi.W006")]


@register("machine")
def check_redis_server(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """What is dangerous about Redis (`broker.server`); nothing if it does not answer yet."""
    try:
        dangers = server.dangers(server.look(server_client()))
    except redis.RedisError:
        return []
    return [_REDIS_MESSAGES[danger.kind](danger.text, id=danger.id) for danger in dangers]


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
