"""The addresses of statistics."""

from typing import Any

from django.urls import URLPattern, path

from console.charts.csv_page import csv_page
from console.charts.overview import statistics_page


def urls(site: Any) -> list[URLPattern]:
    return [
        path("statistics/", site.admin_view(statistics_page), name="statistics"),
        path("statistics.csv", site.admin_view(csv_page), name="statistics_csv"),
    ]
