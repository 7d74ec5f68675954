"""The keys that encrypt the values of credentials. The first one is current; the others still open what they closed."""

import hmac
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Final

from django.conf import settings

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

FINGERPRINT_LENGTH: Final = 16


class CredentialKeyMissingError(Exception):
    """No active key opens a value, or there is no key to encrypt it."""


def fingerprints() -> list[str]:
    """What tells the active keys apart without revealing them, the current one first."""
    return [_fingerprint(key) for key in settings.UDAPI_CREDENTIAL_KEYS]


def encrypt(text: str) -> tuple[str, str]:
    """`text` under the current key, different each time, and the fingerprint of that key.

    Raises:
        CredentialKeyMissingError: there is no key.
    """
    keys = _active()
    return _box(keys).encrypt(text.encode()).decode(), _fingerprint(keys[0])


def decrypt(ciphertext: str) -> str:
    """The text that `encrypt` has encrypted, perhaps under an older key that is still active.

    Raises:
        CredentialKeyMissingError: no active key opens it.
    """
    keys = _active()
    invalid: type[Exception] = import_module("cryptography.fernet").InvalidToken
    try:
        return _box(keys).decrypt(ciphertext.encode()).decode()
    except invalid as error:
        raise CredentialKeyMissingError("No key of UDAPI_CREDENTIAL_KEYS opens this credential.") from error


def _active() -> tuple[str, ...]:
    keys: tuple[str, ...] = settings.UDAPI_CREDENTIAL_KEYS
    if not keys:
        raise CredentialKeyMissingError("UDAPI_CREDENTIAL_KEYS is not set: credentials can be neither stored nor read.")
    return keys


@lru_cache(maxsize=1)
def _box(keys: tuple[str, ...]) -> "MultiFernet":
    # Loaded with the first credential: it takes up to 8 MB of each process that has it.
    fernet = import_module("cryptography.fernet")
    box: MultiFernet = fernet.MultiFernet([fernet.Fernet(key) for key in keys])
    return box


def _fingerprint(key: str) -> str:
    return hmac.digest(key.encode(), b"fingerprint of a credential key", "sha256").hex()[:FINGERPRINT_LENGTH]
