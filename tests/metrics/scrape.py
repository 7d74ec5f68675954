"""Scrapes `/metrics` and reads what it says."""

import secrets

import httpx
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parsed_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parsed_text

from testbed.stack import Stack

TOKEN = secrets.token_hex(32)
BEARER = {"Authorization": f"Bearer {TOKEN}"}
OPENMETRICS = "application/openmetrics-text; version=1.0.0"

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def node_url(stack: Stack) -> str:
    return f"http://127.0.0.1:{stack.environment['UDAPI_METRICS_PORT']}"


def fetch(url: str, **headers: str) -> httpx.Response:
    return httpx.get(f"{url}/metrics", headers=BEARER | headers, timeout=30)


def scrape(url: str) -> Samples:
    """Every sample of a web server or node, as the text format and OpenMetrics tell it alike."""
    answer = fetch(url)
    assert answer.status_code == 200
    return samples(parsed_text(answer.text))


def scrape_openmetrics(url: str) -> Samples:
    return samples(parsed_openmetrics(fetch(url, Accept=OPENMETRICS).text))


def samples(families) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(found: Samples, sample: str, **labels: str) -> float:
    """The sum of the samples of this name that have these labels, and perhaps others."""
    return sum(number for (name, own), number in found.items() if name == sample and own >= set(labels.items()))


def growth(before: Samples, after: Samples) -> Samples:
    """By how much each sample has grown, without those that have not."""
    return {key: number - before.get(key, 0.0) for key, number in after.items() if number != before.get(key, 0.0)}
