"""Template tags for forms that could not be saved."""

from typing import Any

from django import forms, template

register = template.Library()


@register.simple_tag
def wrong_fields(form: forms.BaseForm) -> list[forms.BoundField]:
    """The visible fields with errors, in the order of the page as far as the form knows it."""
    return [field for field in form.visible_fields() if field.errors]


@register.simple_tag
def unplaced_errors(form: Any) -> list[str]:
    """The errors that no visible field shows. A conflict with another user's change has a place of its own."""
    hidden = [error for field in form.hidden_fields() for error in field.errors]
    return hidden if getattr(form, "conflict", None) is not None else [*form.non_field_errors(), *hidden]
