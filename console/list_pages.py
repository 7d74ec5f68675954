"""The list of one kind of object: one design, with columns and page size as the user likes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from console.list_rows import ListRows
from console.list_settings import USUAL_SIZE, ListSettings
from console.named_rows import NamedRows


@dataclass(frozen=True)
class RowItem:
    """An entry of the menu of each row: a page of the object, a list with its id in the address, or a script's deed."""

    title: Any
    page: str = ""
    """Below the address of the object: `change/`."""
    address: str = ""
    """An address that the id is put behind."""
    copies: str = ""
    """The data of the row that it copies: `id`."""
    switches: bool = False
    """Whether it enables or disables."""
    tone: str = ""


class ListPages(NamedRows):
    """A list. Its first column is the name of the object and leads to its page."""

    change_list_template = "admin/change_list.html"
    list_per_page = USUAL_SIZE
    list_max_show_all = 0
    list_fullwidth = True
    list_filter_sheet = False
    list_before_template: ClassVar[Any] = None
    list_display_links: Any = None
    actions_selection_counter = False

    usual_columns: ClassVar[Sequence[str]] = ()
    """The columns that are shown until the user chooses others; all if there are none."""
    on_tablets: ClassVar[Sequence[str]] = ()
    """The columns besides the name for which there is room on a tablet."""
    on_phones: ClassVar[Sequence[str]] = ()
    """The columns that make the second line of an object on a phone: two."""
    row_page: ClassVar = "change"
    """The page that the name of an object leads to."""
    is_live: ClassVar = False
    search_hint: ClassVar[Any] = ""
    empty_title: ClassVar[Any] = ""
    empty_text: ClassVar[Any] = ""
    empty_icon: ClassVar = "inbox"

    @property
    def list_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"

    @property
    def list_page(self) -> str:
        return reverse(f"admin:{self.list_name}_changelist")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ListRows]:
        return ListRows

    def available_columns(self, request: HttpRequest) -> list[str]:
        """All columns that the user may see, in their order."""
        return list(self.list_display)  # type: ignore[arg-type]  # names, not functions

    def sortable_columns(self) -> Sequence[str]:
        return [str(name) for name in self.list_display]

    def get_list_display(self, request: HttpRequest) -> Any:
        """The columns that the user has chosen; the first one always."""
        available = self.available_columns(request)
        chosen = ListSettings.of(request, self.list_name).columns or self.usual_columns or available
        return [name for name in available if name in chosen or name == available[0]]

    def row_menu(self, request: HttpRequest) -> Sequence[RowItem]:
        """What the user may do with an object of the list."""
        items = [RowItem(_("Open"), page=f"{self.row_page}/")]
        if self.has_change_permission(request) and self.row_page != "change":
            items.append(RowItem(_("Edit"), page="change/"))
        items += self.further_items(request)
        if self.has_delete_permission(request):
            items.append(RowItem(_("Delete…"), page="delete/", tone="bad"))
        return items

    def further_items(self, request: HttpRequest) -> Sequence[RowItem]:
        """What only some kinds of objects have in the menu of a row."""
        return ()

    def row_data(self, obj: Any) -> dict[str, str]:
        """What the menu of a row knows of its object."""
        return {"id": str(obj.pk), "name": self.name_of(obj)}

    def row_target(self, obj: Any) -> str:
        """Where the name of a row leads to, if not to its own page."""
        return ""

    def row_buttons(self, obj: Any) -> Any:
        """Buttons behind the name, which show when the row is pointed at or has the focus."""
        return ""

    def row_state(self, obj: Any) -> Any:
        """A mark before the name that says how the object is."""
        return ""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.settings_view)
        return [path("look/", view, name=f"{self.list_name}_look"), *super().get_urls()]

    def settings_view(self, request: HttpRequest) -> HttpResponse:
        """Remember the columns and the page size that a user chooses.

        Raises:
            PermissionDenied: the user may not view the list, or the request is no POST.
        """
        if request.method != "POST" or not self.has_view_permission(request):
            raise PermissionDenied
        wanted = ListSettings.of(request, self.list_name).with_sent(request.POST, self.available_columns(request))
        query = request.POST.get("query", "")
        response = HttpResponseRedirect(f"{self.list_page}?{query}" if query else self.list_page)
        wanted.keep(request, response, self.list_name)
        return response
