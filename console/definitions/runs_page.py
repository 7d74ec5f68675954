"""The runs of an API, within its pages."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path

from access.policy import RUN, allows
from console.object_pages import ReadablePages
from console.runs.pages import list_of_runs, run_typed


class RunsPage(ReadablePages):
    """The list of runs with the API fixed."""

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_runs"
        return [
            path("<path:object_id>/runs/", self.admin_site.admin_view(self.runs_page), name=name),
            *super().get_urls(),
        ]

    def runs_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The runs, the newest first. The id of a run leads to its page.

        Raises:
            PermissionDenied: the user may not view the API, or no runs.
            Http404: there is no such API.
        """
        definition = self._viewed(request, object_id)
        if not allows(request.user, RUN, "view"):
            raise PermissionDenied
        if run := run_typed(request):
            return HttpResponseRedirect(run)
        listed = list_of_runs(request, definition.pk) | {"list_page": self.page_of(definition, "runs")}
        return self._answer(request, definition, "console/definitions/runs.html", listed)
