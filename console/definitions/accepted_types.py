"""The form field of the content types that a definition accepts: a choice and a text, one type per line."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from definitions.content_types import ANY_TYPE, USUAL_TYPES, default_content_types

_ANY = "any"


class AcceptedTypesInput(forms.Widget):
    """Shows a text, and reads a list of types: None if the browser has sent neither choice nor text."""

    template_name = "console/definitions/accepted_types.html"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        is_any = value == ANY_TYPE
        further = {"any_value": _ANY, "is_any": is_any, "text": "\n".join(USUAL_TYPES) if is_any else value}
        return super().get_context(name, value, attrs) | further

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str] | None:
        if self.value_omitted_from_data(data, files, name):
            return None
        if data.get(f"{name}_kind") == _ANY:
            return [ANY_TYPE]
        lines = (line.strip() for line in data.get(name, "").splitlines())
        return [line for line in lines if line]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return name not in data and f"{name}_kind" not in data


class AcceptedTypesField(forms.Field):
    """The rule is the model's. A form that was opened before there was such a field changes nothing."""

    widget = AcceptedTypesInput

    def __init__(self) -> None:
        super().__init__(required=False, initial=default_content_types, label=_("Accepted content types"))

    def prepare_value(self, value: Any) -> str:
        """One type per line."""
        return "\n".join(value or ())

    def has_changed(self, initial: Any, data: Any) -> bool:
        return data is not None and data != initial
