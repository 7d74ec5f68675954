"""The addresses of management API and console; `endpoint/middleware.py` has answered triggers before."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.generic import RedirectView

from as_code.selected import export_selected
from management.views import NotFoundView

admin.autodiscover()

urlpatterns = [
    path("api/management", NotFoundView.as_view()),
    path("api/management/", include("management.urls")),
    path("console/export/", admin.site.admin_view(export_selected), name="export_selected"),
    path("console/", admin.site.urls),
    path("", RedirectView.as_view(pattern_name="admin:index")),
]


def refuse(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The answer to a foreign `Host`: 400 without a body."""
    return HttpResponse(status=400)


handler400 = "udapi_site.urls.refuse"
