"""*Try it*: the tab of an API where one sends it requests and compares the responses."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from console.definitions import curl
from console.object_pages import ReadablePages
from console.trigger_page import panel_context, require_runner
from definitions.models import ApiDefinition


class TryPages(ReadablePages):
    """The page that tries an API, for users who may run it."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.try_page)
        name = f"{self.opts.app_label}_{self.opts.model_name}_try"
        return [path("<path:object_id>/try/", view, name=name), *super().get_urls()]

    def try_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The form and the responses.

        Raises:
            PermissionDenied: the user may not run APIs.
            Http404: there is no such API.
        """
        require_runner(request)
        obj = self._viewed(request, object_id)
        context = panel_context(request, _with_parameters(obj.pk)) | {"is_fixed": True, "title": _("Try it")}
        return TemplateResponse(request, "console/definitions/try.html", self.object_context(request, obj, **context))


def _with_parameters(key: UUID) -> ApiDefinition:
    found = curl.with_parameters(ApiDefinition.objects.filter(pk=key)).first()
    if found is None:
        raise Http404
    return found
