"""Packages made by tests: valid wheels in a directory, from which uv installs."""

import base64
import copy
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

PURE = "py3-none-any"
_PIECE_BYTES = 100 * 1024**2


class Wheelhouse:
    """A directory of wheels."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(exist_ok=True)
        directory.chmod(0o755)
        self.directory = directory

    def add(
        self,
        name: str,
        files: Mapping[str, str | bytes] | None = None,
        *,
        version: str = "1.0",
        requires: Sequence[str] = (),
        requires_python: str = "",
        tag: str = PURE,
    ) -> Path:
        """A wheel with these files, by default one module of its name with a `version`."""
        files = {f"{name}.py": f"version = {version!r}\n"} if files is None else files
        terms = [f"Requires-Dist: {each}" for each in requires]
        terms += [f"Requires-Python: {requires_python}"] if requires_python else []
        described = "\n".join(["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *terms, ""])
        own = {"METADATA": described, "WHEEL": _wheel_file(tag)}
        path = self.directory / f"{name}-{version}-{tag}.whl"
        with _Writer(path, f"{name}-{version}.dist-info") as wheel:
            for file, content in (*files.items(), *((f"{wheel.about}/{file}", text) for file, text in own.items())):
                wheel.write(file, content.encode() if isinstance(content, str) else content)
        return path

    def add_installed(self, name: str) -> Path:
        """A wheel of a package that is installed here, perhaps with C extensions. It must need no other package."""
        found = metadata.distribution(name)
        tags = [line.removeprefix("Tag: ") for line in str(found.read_text("WHEEL")).splitlines() if "Tag: " in line]
        platforms = ".".join(tag.rpartition("-")[2] for tag in tags)
        path = self.directory / f"{name}-{found.version}-{tags[0].rpartition('-')[0]}-{platforms}.whl"
        with _Writer(path, f"{name}-{found.version}.dist-info") as wheel:
            for file in found.files or ():
                kept = ".." not in file.parts and "__pycache__" not in file.parts
                if kept and not file.name.startswith(("RECORD", "INSTALLER", "REQUESTED")):
                    wheel.write(str(file), file.read_binary())
        return path

    def add_large(self, name: str, size_bytes: int) -> Path:
        """A wheel that takes as much as this when it is unpacked, and a thousandth of it before."""
        path = self.add(name)
        with zipfile.ZipFile(path, "a") as wheel:
            info = zipfile.ZipInfo(f"{name}_data/0")
            info.compress_type = zipfile.ZIP_DEFLATED
            wheel.writestr(info, bytes(_PIECE_BYTES), compresslevel=1)
        _repeat_last(path, size_bytes // _PIECE_BYTES)
        return path

    def add_source(self, name: str, version: str = "1.0") -> Path:
        """A package without a wheel."""
        path = self.directory / f"{name}-{version}.tar.gz"
        described = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
        with tarfile.open(path, "w:gz") as archive:
            entry = tarfile.TarInfo(f"{name}-{version}/PKG-INFO")
            entry.size = len(described)
            archive.addfile(entry, io.BytesIO(described))
        return path


def lock_of(*wheels: Path) -> str:
    """The lock of these wheels, without asking uv."""
    return "".join(_locked(wheel) for wheel in wheels)


def digest_of(lock: str) -> str:
    """Some digest of a lock."""
    return hashlib.sha256(lock.encode()).hexdigest()


def _locked(wheel: Path) -> str:
    name, version, *_ = wheel.name.split("-")
    return f"{name}=={version} \\\n    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


def _wheel_file(tag: str) -> str:
    return f"Wheel-Version: 1.0\nGenerator: testbed\nRoot-Is-Purelib: {str(tag == PURE).lower()}\nTag: {tag}\n"


class _Writer:
    """Writes the files of a wheel, and their hashes at the end."""

    def __init__(self, path: Path, about: str) -> None:
        self.about, self._record = about, list[str]()
        self._archive = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)

    def __enter__(self) -> "_Writer":
        return self

    def write(self, name: str, content: bytes) -> None:
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        self._record.append(f"{name},sha256={digest},{len(content)}\n")
        self._archive.writestr(name, content)

    def __exit__(self, *_: object) -> None:
        record = f"{self.about}/RECORD"
        self._archive.writestr(record, "".join([*self._record, f"{record},,\n"]))
        self._archive.close()


def _repeat_last(path: Path, times: int) -> None:
    """Write the compressed bytes of the last file so often, each time as another file."""
    with zipfile.ZipFile(path, "a") as archive:
        last = archive.infolist()[-1]
        content = path.read_bytes()[last.header_offset + len(last.FileHeader()) :][: last.compress_size]
        file = archive.fp
        assert file
        file.seek(archive.start_dir)
        for number in range(1, times):
            piece = copy.copy(last)
            piece.filename, piece.header_offset = last.filename[:-1] + str(number), file.tell()
            file.write(piece.FileHeader() + content)
            archive.filelist.append(piece)
        archive.start_dir = file.tell()
        archive.comment = b"large"  # so that its directory is written again
