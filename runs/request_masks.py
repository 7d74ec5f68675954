"""Requests that web servers have kept. They know no values of credentials, so these are masked before a row is stored.

Nodes mask what they keep themselves.
"""

import logging
from collections.abc import Iterable, Iterator
from functools import cache

from msgspec.structs import replace

from automation.credential_keys import CredentialKeyMissingError
from automation.granted import granted
from fleet.kept_bodies import masked_kept_request
from fleet.records import RunExtras
from foundation.value_masks import ValueMasks

_log = logging.getLogger("udapi.manager")


def masked(found: Iterable[RunExtras]) -> Iterator[RunExtras]:
    """The extras without values of the credentials that are granted to their scripts now.

    A request is not kept if such a value cannot be decrypted.

    Raises:
        ValueError: one has no id of a script.
        django.db.Error
    """
    masks_of = cache(_masks)
    for each in found:
        if not (each.request and each.unmasked_script_id):
            yield each
            continue
        try:
            yield replace(each, request=masked_kept_request(each.request, masks_of(each.unmasked_script_id)))
        except CredentialKeyMissingError as error:
            _log.error("the request of the run %s is not kept: %s", each.id, error)
            yield replace(each, request=b"")


def _masks(script_id: str) -> ValueMasks:
    return ValueMasks(credential.value for credential in granted(script_id).values())
