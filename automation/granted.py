"""The credentials that a script may read, as a node needs them for a run."""

from dataclasses import dataclass, field
from uuid import UUID

from automation import credential_keys
from automation.credentials import Credential


@dataclass(frozen=True, slots=True)
class GrantedCredential:
    """A credential's id and its value in clear, which no representation shows."""

    id: str
    value: str = field(repr=False)


def granted(script_id: str) -> dict[str, GrantedCredential]:
    """The credentials that are granted to the script, by name.

    Raises:
        CredentialKeyMissingError: no active key opens one of them; the message names it.
    """
    rows = Credential._base_manager.filter(grants__script=UUID(script_id)).values_list("name", "pk", "ciphertext")
    return {name: GrantedCredential(str(pk), _value(name, ciphertext)) for name, pk, ciphertext in rows}


def _value(name: str, ciphertext: str) -> str:
    try:
        return credential_keys.decrypt(ciphertext)
    except credential_keys.CredentialKeyMissingError as error:
        raise credential_keys.CredentialKeyMissingError(f"Credential {name!r}: {error}") from error
