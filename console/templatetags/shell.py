"""Template tags for what surrounds every page."""

from collections.abc import Sequence
from typing import Any

from django import template
from django.contrib.messages import get_messages

from console.shell.creation import Creation, creation_of, creations_for
from console.shell.menu import MenuGroup, menu_for
from console.shell.place import PagePlace, place_of

register = template.Library()


@register.simple_tag(takes_context=True)
def shell_menu(context: Any) -> list[MenuGroup]:
    """The menu; empty where nobody is logged in, or the page was rendered without a request."""
    request = context.get("request")
    return menu_for(request) if request is not None and hasattr(request, "user") else []


@register.simple_tag(takes_context=True)
def shell_creations(context: Any) -> list[Creation]:
    """What the user may create."""
    return creations_for(context["request"].user)


@register.simple_tag
def shell_creation(opts: Any) -> Creation | None:
    """What creates an object of a list."""
    return creation_of(opts.label_lower)


@register.simple_tag(takes_context=True)
def shell_place(context: Any) -> PagePlace:
    """The breadcrumbs, the heading and the title of the window."""
    return place_of(context["request"], context.flatten())


@register.simple_tag(takes_context=True)
def shell_messages(context: Any) -> Sequence[Any]:
    """What the last request said. Parts of pages that are loaded again in the background leave it for the next page."""
    request = context["request"]
    return [] if request.headers.get("X-Requested-With") == "fetch" else list(get_messages(request))
