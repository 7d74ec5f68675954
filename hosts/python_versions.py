"""What `requires-python` says about the Python of this node, and about the oldest one."""

import platform

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from foundation import python_specifiers
from hosts.build_errors import BuildError


def lowest(requires_python: str) -> str:
    """The lowest version of Python that may run the script, such as `3.12`. Raises BuildError if none may."""
    found = python_specifiers.lowest(_specifiers(requires_python))
    if found is None:
        raise BuildError(f"No Python from 3.11 on fits requires-python {requires_python}.")
    return found


def require_this(requires_python: str) -> None:
    """Raise BuildError if the Python of this node may not run the script."""
    version = platform.python_version()
    if not _specifiers(requires_python).contains(version, prereleases=True):
        raise BuildError(f"This node has Python {version}; the script requires {requires_python}.", is_of_node=True)


def _specifiers(requires_python: str) -> SpecifierSet:
    try:
        return SpecifierSet(requires_python)
    except InvalidSpecifier as error:
        raise BuildError(f"requires-python is not a version specifier: {requires_python}") from error
