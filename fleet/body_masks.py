"""The values to mask in a body, and the body with its masks."""

import codecs
from collections.abc import Iterable
from typing import NamedTuple

from fleet import json_masks
from fleet.form_masks import multipart_places, urlencoded_places
from fleet.masks import Holds, Place, ValueKind, holds_nothing, mask_of, merged
from foundation.value_masks import ValueMasks

# Undecodable bytes become lone surrogates, and bytes again at the end.
ERRORS = "surrogateescape"


class MaskedBody(NamedTuple):
    """`masked` says where the masks are in `data`, decoded with `ERRORS`. `is_cut`: there was no room for the rest."""

    data: bytes
    masked: list[Place]
    is_cut: bool


def places(text: str, content_type: str, masks: ValueMasks) -> list[Place]:
    """The values to mask, in their order: those whose name speaks of a secret, and those that `masks` has."""
    found = _by_format(text, content_type, masks.finds if masks else holds_nothing)
    # Also in names, between values, and in a text that is not of the announced type.
    return merged(found, (Place(start, end, "", ValueKind.TEXT) for start, end in masks.spans(text)))


def _by_format(text: str, content_type: str, holds: Holds) -> Iterable[Place]:
    """Many clients announce a form and send JSON."""
    media = content_type.partition(";")[0].strip().lower()
    if "json" in media or json_masks.begins(text):
        return json_masks.places(text, holds=holds)
    if media.startswith("multipart/"):
        return multipart_places(text, content_type, holds)
    return urlencoded_places(text, holds) if media == "application/x-www-form-urlencoded" else ()


def with_masks(text: str, places: Iterable[Place], room: int) -> MaskedBody:
    """The text with its masks, up to the first character or mask for which there is no room."""
    parts: list[bytes] = []
    masked: list[Place] = []
    done, at = 0, 0
    for place in places:
        before, mask = text[done : place.start], mask_of(place.kind)
        part = (before + mask).encode(errors=ERRORS)
        if len(part) > room:
            return MaskedBody(b"".join([*parts, _begin(before, room)]), masked, is_cut=True)
        at += len(before)
        masked.append(place._replace(start=at, end=at + len(mask)))
        parts.append(part)
        room, done, at = room - len(part), place.end, at + len(mask)
    rest = text[done:].encode(errors=ERRORS)
    return MaskedBody(b"".join([*parts, _begin(text[done:], room)]), masked, is_cut=len(rest) > room)


def _begin(text: str, size: int) -> bytes:
    data = text.encode(errors=ERRORS)
    return data if len(data) <= size else codecs.utf_8_decode(data[:size], ERRORS, False)[0].encode(errors=ERRORS)
