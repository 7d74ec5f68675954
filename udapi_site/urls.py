"""The addresses of the product: triggers, the management API and the console."""

from csp.decorators import csp_exempt
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from endpoint.views import TriggerView
from management.views import NotFoundView

urlpatterns = [
    # Repeated slashes count as one, and the view reads the raw path itself.
    re_path(r"^/*api/+custom(?:/|\Z)", csp_exempt()(TriggerView.as_view())),
    path("api/management", NotFoundView.as_view()),
    path("api/management/", include("management.urls")),
    path("console/", admin.site.urls),
    path("", RedirectView.as_view(pattern_name="admin:index")),
]


def refuse(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400 without a body: the answer to a Host that is not ours."""
    return HttpResponse(status=400)


handler400 = "udapi_site.urls.refuse"
