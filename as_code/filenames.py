"""File names for scripts: safe on every disk, also on one that takes `A.py` and `a.py` for the same."""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

from as_code.reading import SOURCE_SUFFIX

LONGEST = 80
HASH_LENGTH = 10

_UNSAFE = re.compile(r"[^a-z0-9_]+")
# Names of devices on Windows, whatever follows the dot.
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])\Z")


def file_names(names: Iterable[str]) -> dict[str, str]:
    """A file name for each script's name.

    Where several would get the same, one that is spelled like its file keeps it, and the others get a hash of their
    name: so a new script does not rename the files of others.
    """
    stems = {name: _stem(name) for name in names}
    count = Counter(stems.values())
    plain = {name for name, stem in stems.items() if count[stem] == 1 or stem == name}
    taken = {stems[name] for name in plain}
    for name in sorted(stems.keys() - plain):
        stems[name] = _free(stems[name], name, taken)
        taken.add(stems[name])
    return {name: f"{stem}{SOURCE_SUFFIX}" for name, stem in stems.items()}


def _stem(name: str) -> str:
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = _UNSAFE.sub("-", ascii_only).strip("-")[:LONGEST].strip("-")
    return f"script-{stem}".strip("-") if not stem or _RESERVED.match(stem) else stem


def _free(stem: str, name: str, taken: set[str]) -> str:
    digits = hashlib.sha256(name.encode()).hexdigest()
    length = HASH_LENGTH
    while f"{stem}-{digits[:length]}" in taken:
        length += 1
    return f"{stem}-{digits[:length]}"
