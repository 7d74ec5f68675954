"""Reads the body of a request as JSON or as a form. Errors say where it is wrong, never what is in it."""

import json
import math
import re
from typing import Any, Final, NoReturn

from automation.sdk.errors import ApiError
from automation.sdk.status_codes import StatusCode
from automation.sdk.values import FormValues

_NO_JSON: Final = "The request body is not valid JSON."
_NO_FORM: Final = "The request body is not a valid form."

# Only a text with such an escape can become a string that UTF-8 cannot express.
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_ESCAPE: Final = re.compile(rb"%([0-9a-fA-F]{2})")


def as_text(body: bytes) -> str:
    """The body as text. Raises ApiError (400) if it is not UTF-8."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise ApiError(StatusCode.BAD_REQUEST, "The request body is not UTF-8.") from None


def as_json(text: str) -> Any:
    """The value that `text` is the JSON of.

    Raises:
        ApiError: 400; it is not JSON, or Python cannot express it: an infinite number, an int of too many digits, half
            of a surrogate pair, too many levels.
    """
    try:
        value = json.loads(text, parse_constant=_refused, parse_float=_finite)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        place = f"It is wrong at line {error.lineno}, column {error.colno}."
        raise ApiError(StatusCode.BAD_REQUEST, _NO_JSON, place) from None
    except RecursionError:
        raise ApiError(StatusCode.BAD_REQUEST, _NO_JSON, "It is nested too deeply.") from None
    except UnicodeEncodeError:
        raise ApiError(StatusCode.BAD_REQUEST, _NO_JSON, "It contains half of a surrogate pair.") from None
    except ValueError:
        raise ApiError(StatusCode.BAD_REQUEST, _NO_JSON, "It contains a number that cannot be read.") from None
    return value


def as_form(body: bytes) -> FormValues:
    """The fields of a body of the type `application/x-www-form-urlencoded`.

    Like browsers, it keeps a percent sign that begins no escape. Raises ApiError (400) if a name or a value is not
    UTF-8.
    """
    pairs = [field.partition(b"=") for field in body.split(b"&") if field]
    try:
        return FormValues((_unescaped(name), _unescaped(value)) for name, _, value in pairs)
    except UnicodeDecodeError:
        raise ApiError(StatusCode.BAD_REQUEST, _NO_FORM, "A name or a value is not UTF-8.") from None


def no_form() -> ApiError:
    """The error for a body of another content type than that of a form."""
    return ApiError(StatusCode.BAD_REQUEST, _NO_FORM, "Its content type is not application/x-www-form-urlencoded.")


def _refused(constant: str) -> NoReturn:
    raise ValueError


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError
    return number


def _unescaped(part: bytes) -> str:
    return _ESCAPE.sub(_byte, part.replace(b"+", b" ")).decode()


def _byte(escape: re.Match[bytes]) -> bytes:
    return bytes((int(escape[1], 16),))
