"""What the header `Content-Type` says about a body."""

import re
from typing import Final

FORM: Final = "application/x-www-form-urlencoded"

_TEXT: Final = {"application/json", "application/xml", FORM}
_PARAMETER: Final = re.compile(r';\s*([^\s;="]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s;]*)')


def media_type(content_type: str) -> str:
    """The media type of the header, in lower case and without parameters; "" if it has none."""
    return content_type.partition(";")[0].strip().lower()


def is_text(content_type: str) -> bool:
    """Whether a body of this content type is text: a text type with the charset UTF-8 or none."""
    kind = media_type(content_type)
    is_text_type = kind in _TEXT or (kind.startswith("text/") and kind != "text/") or kind.endswith(("+json", "+xml"))
    return is_text_type and all(charset.lower() == "utf-8" for charset in _charsets(content_type))


def _charsets(content_type: str) -> list[str]:
    # `charset*` is how RFC 2231 writes a parameter with an encoding of its own, which is not UTF-8 alone.
    found = ((name.lower().partition("*")[0], value) for name, value in _PARAMETER.findall(content_type))
    return [value.strip('"') for name, value in found if name == "charset"]
