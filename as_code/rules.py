"""What the rules of an object have against an entry, as faults of the file."""

from collections.abc import Iterator

from django.core.exceptions import NON_FIELD_ERRORS, ObjectDoesNotExist, ValidationError

from as_code.documents import Entry
from as_code.faults import Place, shown

_HINTS = {
    "RouteInUse": "; take over its id into the file, or leave the id out",
    "NameInUse": "; take over its id into the file, or leave the id out",
}


def faults_of(error: ValidationError | ObjectDoesNotExist | Exception, entry: Entry) -> Iterator[tuple[Place, str]]:
    """Each rule that refuses the entry, at the property that it is about."""
    if not isinstance(error, ValidationError):
        yield entry.place, f"{_title(entry)} has been deleted meanwhile: start the import again"
        return
    by_field = error.error_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.error_list}
    for model_field, singles in by_field.items():
        for single in singles:
            yield _place(entry, model_field, single), f"{_title(entry)}: {_sentence(single)}"


def _title(entry: Entry) -> str:
    return f"{entry.kind.noun} {shown(entry.title)}"


def _place(entry: Entry, model_field: str, error: ValidationError) -> Place:
    details = error.params or {}
    if model_field == "source":
        return Place(entry.source_file, int(details.get("line") or 1))
    return entry.at(str(details.get("field") or entry.kind.property_of(model_field)))


def _sentence(error: ValidationError) -> str:
    sentence = " ".join(error.messages)
    return sentence.rstrip(".") + _HINTS[error.code] if error.code in _HINTS else sentence
