"""Moving credentials to the current key, step by step, while web servers and nodes go on with both."""

from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Count

from automation import credential_keys
from automation.credentials import Credential

STEP: Final = 100
"""How many credentials are locked together."""


def counts() -> dict[str, int]:
    """How many credentials each key has, by the key's fingerprint."""
    rows = Credential._base_manager.order_by().values_list("key_fingerprint").annotate(Count("pk"))
    return dict(rows)


def rotate() -> list[str]:
    """Move what an older active key has to the current one. This is no change of the credentials.

    Returns the names of those that could not be moved, because no active key opens them.
    """
    current, *older = credential_keys.fingerprints()
    left = Credential._base_manager.filter(key_fingerprint__in=older).exclude(key_fingerprint=current).order_by("pk")
    unopened: dict[UUID, str] = {}
    while True:
        with transaction.atomic():
            rows = list(left.exclude(pk__in=unopened).select_for_update()[:STEP])
            unopened |= {row.pk: row.name for row in rows if not _move(row)}
        if not rows:
            return sorted(unopened.values())


def _move(row: Credential) -> bool:
    """Encrypt the value anew; the caller has locked the row."""
    try:
        ciphertext, fingerprint = credential_keys.encrypt(credential_keys.decrypt(row.ciphertext))
    except credential_keys.CredentialKeyMissingError:
        return False
    Credential._base_manager.filter(pk=row.pk).update(ciphertext=ciphertext, key_fingerprint=fingerprint)
    return True
