"""Typed readers of environment variables. An unusable value stops the start with a sentence that names the variable.

Each reader also accepts `<name>_FILE`, a file with the value. Lists are comma-separated, and empty when not set.
"""

import re
from collections.abc import Mapping
from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path
from ssl import PROTOCOL_TLS_CLIENT, SSLContext, SSLError
from typing import Any
from urllib.parse import unquote, urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from environs import EnvError, FileAwareEnv, validate
from packaging.utils import InvalidName, canonicalize_name

from foundation.texts import UnreadableFileError, read_text

SMALLEST_PEPPER = 32
SMALLEST_BEARER = 32
# How many seconds a thread waits for a free connection to PostgreSQL.
_POOL_TIMEOUT = 5

_env = FileAwareEnv(strip_whitespace=True)


def text(name: str, default: str) -> str:
    try:
        return _env.str(name, default) or default
    except (EnvError, ValueError) as error:
        raise ImproperlyConfigured(str(error)) from error


def number(name: str, default: int, smallest: int, largest: int) -> int:
    """A whole number from `smallest` to `largest`, both included."""
    try:
        return int(_env.int(name, default, validate=validate.Range(smallest, largest)))
    except (EnvError, ValueError) as error:
        raise ImproperlyConfigured(f"{name} must be a whole number from {smallest} to {largest}.") from error


def words(name: str) -> list[str]:
    return [word.strip() for word in text(name, "").split(",") if word.strip()]


def paths(name: str) -> list[Path]:
    found = [Path(word) for word in words(name)]
    if not all(path.is_absolute() for path in found):
        raise ImproperlyConfigured(f"{name} must be absolute paths, such as /srv/data,/opt/tools.")
    return found


def directory(name: str) -> Path | None:
    """The absolute path of a directory, which need not exist; None when not set."""
    value = text(name, "")
    # uv takes a comma for the end of the path, and replaces variables.
    if value and (not Path(value).is_absolute() or not {",", "$"}.isdisjoint(value)):
        raise ImproperlyConfigured(
            f"{name} must be the absolute path of a directory, such as /srv/wheels, without , or $."
        )
    return Path(value) if value else None


def package_names(name: str) -> list[str]:
    """Names of packages of an index, normalised."""
    try:
        return [canonicalize_name(word, validate=True) for word in words(name)]
    except InvalidName as error:
        raise ImproperlyConfigured(f"{name} must be names of packages, such as httpx,lxml.") from error


def modules(name: str) -> list[str]:
    """Names of Python modules that can be found."""
    found = words(name)
    for module in found:
        try:
            is_found = find_spec(module) is not None
        except (ImportError, ValueError):
            is_found = False
        if not is_found:
            raise ImproperlyConfigured(f"{name} must be modules that Python finds, and it does not find {module}.")
    return found


def networks(name: str) -> list[str]:
    """IP addresses and networks."""
    found = words(name)
    try:
        for word in found:
            ip_network(word)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be IP addresses or networks, such as 10.0.0.1,10.1.0.0/16.") from error
    return found


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """One of `allowed`, whose case the variable need not have."""
    value = text(name, default).lower()
    found = next((each for each in allowed if each.lower() == value), None)
    if found is None:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(allowed)}.")
    return found


def secret(name: str, file: Path) -> str:
    """The secret `name` from the environment, else from `file` in the data directory; there is no default."""
    value = _from_environment_or(name, file)
    if not value:
        raise ImproperlyConfigured(
            f"{name} is not set and {file} is missing: start once with `make run`, which makes the file, "
            f"or set {name} or {name}_FILE."
        )
    return value


def _from_environment_or(name: str, file: Path) -> str:
    """Empty if neither the environment nor `file` has it."""
    try:
        return text(name, "") or (read_text(file).strip() if file.is_file() else "")
    except UnreadableFileError as error:
        raise ImproperlyConfigured(str(error)) from error


def origin(name: str, default: str) -> str:
    """An http(s) address without a path."""
    value = text(name, default).rstrip("/")
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query:
        raise ImproperlyConfigured(f"{name} must look like https://apis.example.com, without a path.")
    return value


def elasticsearch(name: str) -> list[str]:
    """The http(s) addresses of one Elasticsearch."""
    found = words(name)
    try:
        parts = [urlsplit(word) for word in found]
        usable = all(part.scheme in {"http", "https"} and part.hostname and part.port != 0 for part in parts)
    except ValueError:
        usable = False
    if not usable:
        # Without the value, which may contain a password.
        raise ImproperlyConfigured(f"{name} must look like https://search.example.com:9200.")
    return found


def package_index(name: str) -> str:
    """The http(s) address of a package index, which may contain a user and a password; empty when not set."""
    return _address(name, "https://packages.example.com/simple/")


def collector(name: str) -> str:
    """The http(s) address of a collector of traces; empty when not set."""
    return _address(name, "http://collector.example.com:4318")


def _address(name: str, example: str) -> str:
    value = text(name, "")
    try:
        parts = urlsplit(value)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if value and not (is_address and value.isascii() and value.isprintable() and " " not in value):
        # Without the value, which may contain a password.
        raise ImproperlyConfigured(f"{name} must look like {example}.")
    return value


def headers(name: str) -> Mapping[str, str]:
    """`"name=value,name=value"`, each value URL-encoded; the names in lower case."""
    found: dict[str, str] = {}
    for pair in words(name):
        key, separator, value = pair.partition("=")
        key, value = key.strip().lower(), unquote(value.strip())
        if not separator or not re.fullmatch("[a-z0-9!#$%&'*+.^_`|~-]+", key) or not re.fullmatch("[ -~]*", value):
            # Without the value, which is a secret.
            raise ImproperlyConfigured(f"{name} must look like name=value,name=value, with URL-encoded values.")
        found[key] = value
    return found


def ratio(name: str) -> float:
    """A number from 0 to 1, which is the default."""
    value = text(name, "1")
    if not re.fullmatch(r"0*(0|1|0?\.\d+|1\.0+)", value):
        raise ImproperlyConfigured(f"{name} must be a number from 0 to 1.")
    return float(value)


def certificates(name: str) -> str:
    """Certificates in PEM; empty when not set."""
    value = text(name, "")
    try:
        if value:
            SSLContext(PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=value.encode("ascii").decode())
    except (SSLError, ValueError) as error:
        raise ImproperlyConfigured(f"{name} must be certificates in PEM form.") from error
    return value


def header(name: str) -> str:
    """A word that an HTTP header can carry."""
    return _matching(name, "", "[!-~]*", "one word of ASCII characters")


def bearer(name: str) -> str:
    """A secret that clients send as bearer; empty when not set."""
    rule = f"at least {SMALLEST_BEARER} ASCII characters without a space: `openssl rand -hex 32` makes some"
    return _matching(name, "", f"([!-~]{{{SMALLEST_BEARER},}})?", rule)


def index_prefix(name: str, default: str) -> str:
    """The start of the name of an Elasticsearch index."""
    return _matching(name, default, "[a-z0-9][a-z0-9_-]{0,39}", "1 to 40 of a-z 0-9 _ -, a letter or digit first")


def installation(name: str) -> str:
    """The id of an installation; empty when not set."""
    return _matching(name, "", "[a-z0-9-]{0,40}", "1 to 40 characters of a-z, 0-9 and -, such as staging")


def _matching(name: str, default: str, pattern: str, rule: str) -> str:
    value = text(name, default)
    if not re.fullmatch(pattern, value):
        raise ImproperlyConfigured(f"{name} must be {rule}.")
    return value


def peppers(value: str) -> Mapping[int, bytes]:
    """`"2:secret,1:secret"` as id → pepper, the current one first; each has at least 32 characters."""
    result: dict[int, bytes] = {}
    for entry in value.split(","):
        number_text, separator, pepper = entry.strip().partition(":")
        if not separator or not number_text.isdecimal() or len(pepper) < SMALLEST_PEPPER:
            raise ImproperlyConfigured(
                "UDAPI_SECRET_PEPPERS must look like 2:<secret>,1:<secret>, the current one first, "
                f"each secret at least {SMALLEST_PEPPER} characters long."
            )
        if int(number_text) in result:
            raise ImproperlyConfigured(f"UDAPI_SECRET_PEPPERS names pepper {int(number_text)} twice.")
        result[int(number_text)] = pepper.encode()
    return result


def credential_keys(name: str, file: Path) -> tuple[str, ...]:
    """The Fernet keys `name` from the environment, else from `file` in the data directory; empty if neither has any."""
    value = _from_environment_or(name, file)
    keys = tuple(key.strip() for key in value.split(",")) if value else ()
    if not all(map(_is_fernet_key, keys)) or len(set(keys)) < len(keys):
        raise ImproperlyConfigured(
            f"{name} must be keys separated by commas, the newest first, none twice, each 32 random bytes in URL-safe "
            "base64: `openssl rand -base64 32 | tr +/ -_` makes one."
        )
    return keys


def _is_fernet_key(key: str) -> bool:
    return bool(re.fullmatch("[A-Za-z0-9_-]{43}=", key))


def database(url: str, pool_size: int, pool_seconds: int) -> dict[str, Any]:
    """Django's settings of the database at `url` (`sqlite:///…` or `postgresql://…`).

    On PostgreSQL, each process has up to `pool_size` connections and renews each after `pool_seconds`.
    """
    try:
        config: dict[str, Any] = dict(dj_database_url.parse(url))
    except (ValueError, dj_database_url.ParseError, dj_database_url.UnknownSchemeError) as error:
        raise ImproperlyConfigured("DATABASE_URL is not a valid database address.") from error
    options = dict(config.get("OPTIONS") or {})
    if config["ENGINE"] == "django.db.backends.sqlite3":
        # A write takes its lock at BEGIN: two writers wait for each other instead of failing half-way.
        options |= {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": "PRAGMA journal_mode=WAL;"}
        config["CONN_MAX_AGE"] = None
    elif config["ENGINE"] == "django.db.backends.postgresql":
        # A connection returns to the pool as soon as it is closed, so that waiting triggers hold none.
        options["pool"] = {"min_size": 1, "max_size": pool_size, "max_lifetime": pool_seconds, "timeout": _POOL_TIMEOUT}
        config |= {"CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": True}
    else:
        raise ImproperlyConfigured("DATABASE_URL must be a sqlite:/// or a postgresql:// address.")
    return config | {"OPTIONS": options}
