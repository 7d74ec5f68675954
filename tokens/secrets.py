"""The form of secrets, their generation and their digests: pure functions.

A generated secret is `udapi_`, 40 random characters and a CRC-32 of both in 6 characters: a scanner recognises a leaked
one, and a mistyped one is refused without a look-up.
"""

import hmac
import re
import secrets
import string
import zlib

PREFIX = "udapi_"
SHORTEST, LONGEST = 32, 512

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_LENGTH = 40
_CHECKSUM_LENGTH = 6
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_ALLOWED = re.compile(rf"[A-Za-z0-9_\-.=+/]{{{SHORTEST},{LONGEST}}}\Z")


def generate() -> str:
    """A new secret of 52 characters with 238 bits of randomness."""
    start = PREFIX + "".join(secrets.choice(_BASE62) for _ in range(_RANDOM_LENGTH))
    return start + _checksum(start)


def is_well_formed(secret: str) -> bool:
    """Whether length, characters and, after our prefix, the checksum are right."""
    start, checksum = secret[:-_CHECKSUM_LENGTH], secret[-_CHECKSUM_LENGTH:]
    return bool(_ALLOWED.match(secret)) and (not secret.startswith(PREFIX) or checksum == _checksum(start))


def digest(secret: str, pepper: bytes) -> str:
    """HMAC-SHA-256 of `secret` under `pepper` in 64 hexadecimal digits: only this is ever stored."""
    return hmac.digest(pepper, secret.encode(), "sha256").hex()


def is_digest(text: str) -> bool:
    return bool(_DIGEST.match(text))


def _checksum(text: str) -> str:
    value = zlib.crc32(text.encode())
    return "".join(_BASE62[value // 62**place % 62] for place in reversed(range(_CHECKSUM_LENGTH)))
