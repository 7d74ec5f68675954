"""The refusal of a change, as faults at the lines of the files that it is about."""

from collections.abc import Iterator

from django.core.exceptions import ValidationError

from as_code.entries import Entry, FilePosition, shown

_HINTED = ("RouteInUse", "NameInUse")


def called(entry: Entry) -> str:
    """What messages call the object of an entry; for a version, they also name the script."""
    return f"{entry.kind.noun} {shown(entry.title)}" if entry.title else f"the {entry.kind.noun}"


def faults_of(error: Exception, entry: Entry, title: str = "") -> Iterator[tuple[FilePosition, str]]:
    """Each rule that refuses the entry, at the property that it is about; none about a property with a fault.

    `title` is what messages call the object, if not as `called` does.
    """
    title = title or called(entry)
    if not isinstance(error, ValidationError):
        yield entry.position, f"{title} has been deleted meanwhile: start the import again"
        return
    for model_field, singles in error.update_error_dict({}).items():
        for single in singles:
            details = single.params or {}
            name = str(details.get("field") or entry.kind.property_of(model_field))
            if "entryPoint" in details and entry.values.get("scriptVersion") is not None:
                # The version that it is pinned to lacks the function.
                name = "scriptVersion"
            if name in entry.broken:
                continue
            if name == "source" and entry.source_file:
                yield source_fault(entry, int(details.get("line") or 1), title, _sentence(single))
            else:
                yield entry.at(name), f"{title}: {_sentence(single)}"


def source_fault(entry: Entry, line: int, title: str, message: str) -> tuple[FilePosition, str]:
    """A fault in the source of an entry, with the position of the entry."""
    return FilePosition(entry.source_file, line), f"{title} ({entry.position}): {message}"


def _sentence(error: ValidationError) -> str:
    if error.code == "InvalidScript" and error.params:
        # The sentence begins with the line, which is part of the fault's position.
        return f"{error.params['message']}"
    sentence = " ".join(error.messages)
    hint = "; copy its id into the file, or leave the id out"
    return f"{sentence.rstrip('.')}{hint}" if error.code in _HINTED else sentence
