"""Makes the wheel of the demo's package: python demo/packages/wheel.py DIRECTORY. It needs no network.

A wheel is a zip archive. The same source makes the same bytes, whatever the time and the machine, so that the hash in
rundown.lock stays right.
"""

import base64
import hashlib
import sys
import zipfile
from pathlib import Path

NAME, VERSION = "udapi_demo_timecode", "1.0"
ABOUT = f"{NAME}-{VERSION}.dist-info"
SOURCE = Path(__file__).with_name("source") / "timecode.py"

METADATA = f"""Metadata-Version: 2.1
Name: {NAME}
Version: {VERSION}
Summary: Timecodes of television
Requires-Python: >=3.11
"""
WHEEL = """Wheel-Version: 1.0
Generator: demo
Root-Is-Purelib: true
Tag: py3-none-any
"""


def make(directory: Path) -> Path:
    """The wheel, written to `directory`, which is made if necessary."""
    files = {SOURCE.name: SOURCE.read_bytes(), f"{ABOUT}/METADATA": METADATA.encode(), f"{ABOUT}/WHEEL": WHEEL.encode()}
    record = "".join(f"{name},sha256={_digest(content)},{len(content)}\n" for name, content in files.items())
    files[f"{ABOUT}/RECORD"] = f"{record}{ABOUT}/RECORD,,\n".encode()
    directory.mkdir(parents=True, exist_ok=True)
    wheel = directory / f"{NAME}-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in files.items():
            # Not compressed, with the oldest date that there is.
            file = zipfile.ZipInfo(name)
            file.external_attr = 0o644 << 16
            archive.writestr(file, content)
    return wheel


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(f"Made {make(Path(sys.argv[1]))}.")
