"""The head of every page about one object: its name, its state, what can be done, and its tabs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString


@dataclass(frozen=True)
class ObjectTab:
    """A page about an object. `kind` is the last part of its address, and of the name of its URL."""

    kind: str
    title: str
    count: int | None = None
    """How many things the page lists, where that is known."""


@dataclass(frozen=True)
class ObjectAction:
    """Something to do with an object: a link to the page where it is done. `tone` is `bad` for what destroys."""

    title: str
    page: str
    icon: str
    is_primary: bool = False
    """Whether it is a button; the others are in a menu."""
    tone: str = ""
    name: str = ""
    """What does it at once posts `value` under this name to the page."""
    value: str = ""


@dataclass(frozen=True)
class LinkedTab:
    """A tab with its address."""

    tab: ObjectTab
    page: str
    is_current: bool


@dataclass(frozen=True)
class ObjectHead:
    """What the head shows. `list_title` and `list_page` lead back to the list, with its search and filters."""

    title: str
    state: SafeString
    tabs: Sequence[LinkedTab]
    actions: Sequence[ObjectAction]
    list_title: str
    list_page: str

    @property
    def buttons(self) -> Iterable[ObjectAction]:
        return [action for action in self.actions if action.is_primary]

    @property
    def menu(self) -> Iterable[ObjectAction]:
        return [action for action in self.actions if not action.is_primary]

    @property
    def current(self) -> ObjectTab | None:
        """The tab of this page, if it belongs to one."""
        return next((one.tab for one in self.tabs if one.is_current), None)
