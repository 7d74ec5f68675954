"""The page "Usage" of a definition, token or script."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.policy import RUN, allows
from console.charts.calls import calls_chart
from console.charts.percentiles import durations_chart, waits_chart
from console.charts.ranges import ChosenRange
from console.charts.sparklines import OF_CLIENTS
from console.charts.timeline import MeasuredRuns
from console.object_head import ObjectAction, ObjectTab
from console.object_pages import ReadablePages
from runs.statistics.query import Dimension, StatisticsFilters


class UsagePages(ReadablePages):
    """The usage of an object, with charts of the time that the address asks for."""

    counted_as: ClassVar[Dimension]
    """What an object is in the statistics."""
    counted_kinds: ClassVar[Sequence[str]] = OF_CLIENTS
    """The kinds of runs that count; none for all."""
    calls_page: ClassVar = "usage"
    """The page to which the number of calls in a list leads."""
    counted_title: ClassVar[Promise] = gettext_lazy("Calls")

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_usage"
        return [
            path("<path:object_id>/usage/", self.admin_site.admin_view(self.usage_page), name=name),
            *super().get_urls(),
        ]

    def tabs(self, request: HttpRequest, obj: Any) -> Sequence[ObjectTab]:
        may_view = allows(request.user, RUN, "view") and self.has_usage(obj)
        *others, changes = super().tabs(request, obj)
        return [*others, *([ObjectTab("usage", _("Usage"))] if may_view else []), changes]

    def actions_on(self, request: HttpRequest, obj: Any) -> Sequence[ObjectAction]:
        address = f"{reverse('admin:runs')}?{self.counted_as}={obj.pk}"
        may_view = allows(request.user, RUN, "view") and self.has_usage(obj)
        runs = [ObjectAction(_("Runs"), address, "receipt_long")] if may_view else []
        return [*runs, *super().actions_on(request, obj)]

    def usage_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The page.

        Raises:
            PermissionDenied: the user may not view the object, or no runs.
            Http404: there is no such object, or it has no runs of its own.
        """
        obj = self._viewed(request, object_id)
        if not allows(request.user, RUN, "view"):
            raise PermissionDenied
        if not self.has_usage(obj):
            raise Http404
        measured = self.measured(request, obj)
        context = {
            "title": _("Usage"),
            "chosen": measured.chosen,
            "calls": calls_chart(measured, title=str(self.counted_title)),
            "durations": durations_chart(measured),
            "waits": waits_chart(measured),
        }
        return self._answer(request, obj, "console/usage/page.html", context)

    def measured(self, request: HttpRequest, obj: Any) -> MeasuredRuns:
        """The runs of the object in the time that the address asks for."""
        filters = StatisticsFilters(**{self.counted_as: [obj.pk]}, kind=self.counted_kinds)
        return MeasuredRuns.of(filters, ChosenRange.of(request))

    def has_usage(self, obj: Any) -> bool:
        return True
