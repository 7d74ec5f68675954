"""How uv is called: its program, its arguments, and the variables that it gets."""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import uv

from hosts.build_errors import BuildError

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_SYSTEM_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
RETRIES = "3"
"""How often uv asks an index again that does not answer."""
_SEARCH_PATH = "/usr/local/bin:/usr/bin:/bin"
_CONFIGURATION = "configuration"
_FOR_LINUX = """[tool.uv]
environments = ["sys_platform == 'linux'"]
"""
_ALWAYS = (
    "--no-python-downloads",
    "--color",
    "never",
    "--only-binary",
    ":all:",
    "--python",
    sys.executable,
)


def program() -> Path:
    """Where uv lies. Raises BuildError."""
    beside = Path(sys.executable).parent / "uv"
    if beside.is_file():
        return beside
    try:
        return Path(uv.find_uv_bin())
    except FileNotFoundError as error:
        raise BuildError("This node has no uv, which installs packages.", is_of_node=True) from error


def configure(home: Path) -> Path:
    """Files that have uv resolve for Linux alone, and read no others; returns their directory.

    What packages need elsewhere could be forbidden, or missing where packages come from.
    """
    project = home / _CONFIGURATION
    # uv reads one configuration of the system, and looks for this one first.
    for name, text in {"uv/uv.toml": "", "pyproject.toml": _FOR_LINUX}.items():
        file = project / name
        file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o644)
    return project


def compile_arguments(python: str, project: Path, cache: Path, wheelhouse: Path | None) -> list[str]:
    """What makes a lock of the requirements on standard input, for Python from the version `python` on.

    `project` has been made by `configure`.
    """
    wanted = ["--universal", "--python-version", python, "--generate-hashes", "--no-header", "--no-annotate"]
    return ["pip", "compile", "--project", str(project), *_ALWAYS, *_sources(cache, wheelhouse), *wanted, "-"]


def install_arguments(target: Path, cache: Path, wheelhouse: Path | None) -> list[str]:
    """What installs the lock on standard input into a directory."""
    wanted = ["--target", str(target), "--require-hashes", "--no-deps", "--link-mode", "copy", "--compile-bytecode"]
    return ["pip", "install", "--no-config", *_ALWAYS, *_sources(cache, wheelhouse), *wanted, "-r", "-"]


def _sources(cache: Path, wheelhouse: Path | None) -> list[str]:
    found = ["--no-index", "--find-links", str(wheelhouse)] if wheelhouse else []
    return ["--cache-dir", str(cache), *found]


def variables(home: Path, index_url: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of uv, made of the worker's: the only place of the address of the index."""
    passed = {name: environment[name] for name in _passed() if name in environment}
    index = {"UV_DEFAULT_INDEX": index_url} if index_url else {}
    own = {"PATH": _SEARCH_PATH, "LANG": "C.UTF-8", "HOME": str(home), "TMPDIR": str(home), "UV_HTTP_RETRIES": RETRIES}
    # The authorities that the machine trusts, such as the operator's own, rather than those that uv brings.
    trusted = {"UV_SYSTEM_CERTS": "true"} if os.path.isfile(_SYSTEM_CERTIFICATES) else {}
    return own | trusted | passed | index | {"XDG_CONFIG_DIRS": str(home / _CONFIGURATION)}


def secret_urls(index_url: str, environment: Mapping[str, str]) -> list[str]:
    """Addresses that may hold passwords."""
    return [index_url, *(environment.get(name, "") for name in _passed() if "PROXY" in name.upper())]


def certificates(environment: Mapping[str, str]) -> list[str]:
    """The paths of certificates that the node trusts besides those of the system."""
    return [path for name in _CERTIFICATES for path in environment.get(name, "").split(os.pathsep) if path]


def _passed() -> Iterator[str]:
    yield from _CERTIFICATES
    for name in _PROXIES:
        yield from (name, name.lower())
