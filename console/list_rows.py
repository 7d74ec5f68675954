"""The rows of a list: in the order that the address names by columns, and as many as the user has chosen."""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ORDER_VAR
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.views import ChangeList

from console.list_settings import ListSettings
from foundation.texts import is_storable

SEPARATOR = "."


class ListRows(ChangeList):  # type: ignore[misc]  # django-unfold has no types
    """The address names the columns to sort by, so that it means the same whichever columns are shown."""

    model_admin: Any

    def get_results(self, request: HttpRequest) -> None:
        self.list_per_page = ListSettings.of(request, self.model_admin.list_name).size
        try:
            super().get_results(request)
        except OverflowError as error:
            # A number that SQLite cannot even compare with.
            raise IncorrectLookupParameters from error

    def get_filters(self, request: HttpRequest) -> Any:
        """The filters; texts that no database has are refused as any other nonsense."""
        found = super().get_filters(request)
        if not all(is_storable(text) for name in found[2] for text in request.GET.getlist(name)):
            raise IncorrectLookupParameters
        return found

    @property
    def order(self) -> list[str]:
        """The columns to sort by, with a minus before those that descend."""
        wanted = str(self.params.get(ORDER_VAR, "")).split(SEPARATOR)
        return [each for each in wanted if each.removeprefix("-") in self.model_admin.sortable_columns()]

    def get_ordering(self, request: HttpRequest, queryset: "QuerySet[Any]") -> Sequence[Any]:
        chosen = [self._field(each) for each in self.order]
        usual = self.model_admin.get_ordering(request) or self.lookup_opts.ordering
        # The key makes the order total: no row is on two pages.
        return [*(chosen or usual), *queryset.query.order_by, "pk"]

    def _field(self, wanted: str) -> Any:
        field = self.get_ordering_field(wanted.removeprefix("-"))
        return f"-{field}" if wanted.startswith("-") else field

    def is_narrowed(self) -> bool:
        """Whether a search or a filter leaves rows out."""
        return bool(self.query or self.has_active_filters)
