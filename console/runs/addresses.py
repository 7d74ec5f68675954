"""The addresses of the pages of runs that change nothing."""

from typing import Any

from django.urls import URLPattern, path

from console.runs.comparison_page import comparison_page
from console.runs.pages import bodies_page, log_of_run, page_of_run, runs_page


def urls(site: Any) -> list[URLPattern]:
    return [
        path("runs/", site.admin_view(runs_page), name="runs"),
        path("runs/<uuid:run_id>/", site.admin_view(page_of_run), name="run"),
        path("runs/<uuid:run_id>/log/", site.admin_view(log_of_run), name="run_log"),
        path("runs/<uuid:run_id>/bodies/", site.admin_view(bodies_page), name="run_bodies"),
        path("runs/<uuid:run_id>/compare/", site.admin_view(comparison_page), name="run_comparison"),
    ]
