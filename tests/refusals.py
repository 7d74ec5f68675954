"""The reasons and details of refused changes."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError


def errors_of(error: ValidationError) -> list[ValidationError]:
    """The single errors of all fields."""
    if hasattr(error, "error_dict"):
        return [single for errors in error.error_dict.values() for single in errors]
    return list(error.error_list)


def reasons_of(error: ValidationError) -> list[str]:
    """The sorted reasons."""
    return sorted(str(single.code) for single in errors_of(error))


def only_reason(error: ValidationError) -> tuple[str, dict[str, Any]]:
    """The one reason and its details."""
    (single,) = errors_of(error)
    assert error.messages, "every reason has a sentence"
    return str(single.code), dict(single.params or {})


def refused(change: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[str, dict[str, Any]]:
    """Asserts that `change(…)` is refused; returns its one reason and the details."""
    with pytest.raises(ValidationError) as caught:
        change(*args, **kwargs)
    return only_reason(caught.value)
