"""System checks of the settings, with stable ids."""

import os
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import redis
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Info as Note
from django.core.checks import Warning as Caution
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from automation.credential_keys import fingerprints
from automation.credentials import Credential
from broker import server
from broker.client import server_client
from fleet import confinement

_LOCAL = {"localhost", "127.0.0.1", "::1"}

# The console shows checks with this tag to superusers, too.
OURS: Final = "udapi"

SHORTEST_SECRET: Final = 32
FEWEST_CHARACTERS: Final = 10
_REDIS_MESSAGES: Final[dict[str, Callable[..., CheckMessage]]] = {"error": Error, "warning": Caution, "note": Note}
_WORDS: Final = ("changeme", "change-me", "change_me", "secret", "insecure", "password", "example", "0123456789")


Found = Callable[[], Iterator[CheckMessage]]
Check = Callable[..., list[CheckMessage]]


def _check(*tags: str, deploy: bool = False) -> Callable[[Found], Check]:
    """Register a check that yields its messages."""

    def decorate(found: Found) -> Check:
        def check(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
            return list(found())

        register(check, *tags, deploy=deploy)
        return check

    return decorate


@_check(Tags.security)
def check_data_dir() -> Iterator[CheckMessage]:
    """`udapi.E001`: the data directory cannot be written; `udapi.W001`: others can read a secret file in it."""
    root = settings.DATA_DIR.root
    if not os.access(root, os.W_OK | os.X_OK):
        yield Error(f"The data directory {root} cannot be written.", id="udapi.E001")
    data = settings.DATA_DIR
    for file in (data.secret_key_file, data.peppers_file, data.credential_keys_file):
        if file.exists() and file.stat().st_mode & 0o077:
            yield Caution(f"{file} can be read by other users.", hint=f"Run `chmod 600 {file}`.", id="udapi.W001")


@_check(Tags.security, OURS)
def check_guessable() -> Iterator[CheckMessage]:
    """`udapi.W011`: the secret key can be guessed; `W012`: so can a pepper, `W015` another key, `W019` a token."""
    make = "`python -c 'import secrets; print(secrets.token_hex(32))'` makes a good one"
    if (why := _guessable(settings.SECRET_KEY)) is not None:
        hint = f"Replace it: {make}. Everybody will have to log in again."
        yield Caution(f"UDAPI_SECRET_KEY {why}.", hint=hint, id="udapi.W011")
    for number, pepper in settings.UDAPI_PEPPERS.items():
        if (why := _guessable(pepper.decode())) is not None:
            hint = f"Put a new one before it, and rotate the secrets of the tokens: {make}."
            yield Caution(f"Pepper {number} of UDAPI_SECRET_PEPPERS {why}.", hint=hint, id="udapi.W012")
    for number, key in enumerate(settings.UDAPI_CREDENTIAL_KEYS, start=1):
        if (why := _guessable(urlsafe_b64decode(key).decode("latin-1"))) is not None:
            hint = "Put a new one before it, and run `manage.py credential_keys --rotate`."
            yield Caution(f"Key {number} of UDAPI_CREDENTIAL_KEYS {why}.", hint=hint, id="udapi.W015")
    if (token := settings.UDAPI_METRICS_TOKEN) and (why := _guessable(token)) is not None:
        hint = f"Replace it, here and where Prometheus has it: {make}."
        yield Caution(f"UDAPI_METRICS_TOKEN {why}.", hint=hint, id="udapi.W019")


@_check(Tags.security)
def check_metrics() -> Iterator[CheckMessage]:
    """`udapi.W020`: worker nodes have a port for metrics and serve none."""
    if settings.UDAPI_METRICS_PORT and not settings.UDAPI_METRICS_TOKEN:
        message = "UDAPI_METRICS_PORT is set, but no metrics are served without UDAPI_METRICS_TOKEN."
        yield Caution(message, id="udapi.W020")


def _guessable(secret: str) -> str | None:
    """Why somebody could guess `secret`, as the end of a sentence that quotes no part of it."""
    if len(secret) < SHORTEST_SECRET:
        return f"can be guessed: it has fewer than {SHORTEST_SECRET} characters"
    if len(set(secret)) < FEWEST_CHARACTERS or secret in (secret + secret)[1:-1]:
        return "can be guessed: it repeats itself"
    if any(word in secret.casefold() for word in _WORDS):
        return "can be guessed: it looks like an example"
    return None


@_check(Tags.security)
def check_fleet() -> Iterator[CheckMessage]:
    """`udapi.W002`: Redis is shared, but the database is embedded, so that other machines cannot reach it."""
    embedded = settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
    if embedded and urlsplit(settings.REDIS_URL).hostname not in {None, *_LOCAL}:
        message = "REDIS_URL names a server, but the database is a file of this machine."
        hint = "Set DATABASE_URL as well when worker nodes run on other machines."
        yield Caution(message, hint=hint, id="udapi.W002")


@_check("machine")
def check_confinement() -> Iterator[CheckMessage]:
    """`udapi.W010`: scripts are not confined; `udapi.W013`: they run as root."""
    if not confinement.is_enforced():
        hint = "Run worker nodes on Linux 5.13 or newer with Landlock, or name a user in UDAPI_SCRIPT_USER."
        yield Caution(confinement.UNCONFINED, hint=hint, id="udapi.W010")
    if os.geteuid() == 0 and not settings.UDAPI_SCRIPT_USER:
        message = "Scripts run as root, though without its privileges."
        hint = "Run the product as an ordinary user, or name a user in UDAPI_SCRIPT_USER."
        yield Caution(message, hint=hint, id="udapi.W013")


@_check(Tags.security)
def check_script_paths() -> Iterator[CheckMessage]:
    """`udapi.E010`: the settings open a path to scripts that holds secrets of the product."""
    hint = "Name directories of the scripts' own in UDAPI_SCRIPT_READ_PATHS, UDAPI_SCRIPT_WRITE_PATHS, UDAPI_STATE_DIR."
    for path in confinement.opened_by_mistake():
        message = f"{path} must not be open to scripts: it holds the product's own data."
        yield Error(message, hint=hint, id="udapi.E010")


@_check("machine")
def check_wheelhouse() -> Iterator[CheckMessage]:
    """`udapi.W017`: the directory of wheels cannot be read."""
    wheelhouse = settings.UDAPI_WHEELHOUSE
    if wheelhouse and not (wheelhouse.is_dir() and os.access(wheelhouse, os.R_OK | os.X_OK)):
        message = f"UDAPI_WHEELHOUSE names {wheelhouse}, which is not a directory that can be read."
        yield Caution(message, hint="No package is found without it: every worker node needs it.", id="udapi.W017")


@_check(Tags.security)
def check_package_index() -> Iterator[CheckMessage]:
    """`udapi.W018`: the password for the package index travels unencrypted."""
    url = urlsplit(settings.UDAPI_PACKAGE_INDEX_URL)
    if url.scheme == "http" and url.hostname not in _LOCAL and url.username:
        message = "UDAPI_PACKAGE_INDEX_URL is not https: the credentials for the package index travel in the clear."
        yield Caution(message, id="udapi.W018")


@_check(Tags.security)
def check_redis() -> Iterator[CheckMessage]:
    """`udapi.W006`: a remote Redis is used without encryption."""
    url = urlsplit(settings.REDIS_URL)
    if url.scheme == "redis" and url.hostname not in _LOCAL and (url.password or settings.REDIS_CA):
        message = "REDIS_URL is not rediss: the password of Redis and every request travel in the clear."
        yield Caution(message, hint="Let Redis speak TLS and write rediss:// instead.", id="udapi.W006")


@_check("machine")
def check_redis_server() -> Iterator[CheckMessage]:
    """The dangers that `broker.server` finds; none while Redis does not answer."""
    try:
        dangers = server.dangers(server.look(server_client()))
    except redis.RedisError:
        return
    for danger in dangers:
        yield _REDIS_MESSAGES[danger.kind](danger.text, id=danger.id)


@_check(Tags.security)
def check_elasticsearch() -> Iterator[CheckMessage]:
    """`udapi.E002`: there are two ways to log in; `udapi.W004`: the credentials travel unencrypted."""
    urls = [urlsplit(url) for url in settings.ELASTICSEARCH_URL]
    password = settings.ELASTICSEARCH_PASSWORD or any(url.password for url in urls)
    is_open = any(url.scheme == "http" and url.hostname not in _LOCAL for url in urls)
    if urls and password and settings.ELASTICSEARCH_API_KEY:
        message = "ELASTICSEARCH_API_KEY and a password of Elasticsearch are both set."
        yield Error(message, hint="Set one of them.", id="udapi.E002")
    elif is_open and (password or settings.ELASTICSEARCH_API_KEY):
        message = "ELASTICSEARCH_URL is not https: the credentials for Elasticsearch travel in the clear."
        yield Caution(message, id="udapi.W004")


@_check(Tags.security, deploy=True)
def check_public_url() -> Iterator[CheckMessage]:
    """`udapi.W003`: secrets travel unencrypted."""
    if not settings.UDAPI_PUBLIC_URL.startswith("https://"):
        message = "UDAPI_PUBLIC_URL is not https: secrets and passwords travel in the clear."
        yield Caution(message, id="udapi.W003")


@register(Tags.database)
def check_history(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Refuse a database that has only some of the migrations that a squashed one replaces.

    Django would end such a `migrate` with a traceback about lazy references.
    """
    return [
        Error(
            "This database was made by a release before 0.1.0, and its migrations are no longer part of the product.",
            hint="Upgrade to release 0.1.0 first.",
            id="udapi.E016",
        )
        for alias in databases or ()
        if _is_too_old(alias)
    ]


def _is_too_old(alias: str) -> bool:
    applied = set(MigrationRecorder(connections[alias]).applied_migrations())
    squashed = [set(map(tuple, each.replaces)) for each in MigrationLoader(None).disk_migrations.values()]
    return any(applied & replaced and not replaced <= applied for replaced in squashed)


@register(Tags.database)
def check_credentials(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """`udapi.W016`: no key opens some of the stored credentials."""
    lost = sum(map(_lost_credentials, databases or ()))
    if not lost:
        return []
    message = f"No key of UDAPI_CREDENTIAL_KEYS opens {lost} of the stored credentials: scripts cannot read them."
    hint = "Restore the missing key, or give these credentials their values again; see `manage.py credential_keys`."
    return [Caution(message, hint=hint, id="udapi.W016")]


def _lost_credentials(alias: str) -> int:
    if Credential._meta.db_table not in connections[alias].introspection.table_names():
        return 0
    return Credential.objects.using(alias).exclude(key_fingerprint__in=fingerprints()).count()
