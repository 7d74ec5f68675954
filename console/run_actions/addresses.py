"""The addresses of what users do with runs."""

from typing import Any

from django.urls import URLPattern, path

from console.run_actions.again_page import again_page
from console.run_actions.cancel_page import cancel_page
from console.run_actions.series_page import repeat_one, series_page


def urls(site: Any) -> list[URLPattern]:
    return [
        path("runs/<uuid:run_id>/cancel/", site.admin_view(cancel_page), name="run_cancel"),
        path("runs/<uuid:run_id>/again/", site.admin_view(again_page), name="run_again"),
        path("runs/again/", site.admin_view(repeat_one), name="run_series_repeat"),
        path("runs/again/<uuid:definition_id>/", site.admin_view(series_page), name="run_series"),
    ]
