"""The dashboard and the alert rules use only metrics and labels that a scrape has, and each rule has its runbook."""

import json
import re
from collections.abc import Iterator

import promql_parser
import pytest
import yaml

from endpoint.errors import CATALOGUE
from testbed.stack import ROOT
from tests.docs.pages import anchors
from tests.metrics.scrape import node_url, scrape

DASHBOARD = json.loads((ROOT / "deploy/grafana-dashboard.json").read_text())
RULES = yaml.safe_load((ROOT / "deploy/prometheus-alerts.yml").read_text())["groups"][0]["rules"]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]

# What Prometheus adds, and what only an installation with a mirror has.
ADDED = {"job", "instance"}
OF_THE_MIRROR = {"udapi_mirror_lag_seconds"}
VARIABLES = {"$__rate_interval": "1m", "$__range": "6h"}


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in RULES)
    for panel in PANELS:
        for target in panel["targets"]:
            text = target["expr"]
            for name, value in VARIABLES.items():
                text = text.replace(name, value)
            yield text


def used(node) -> Iterator[tuple[str, set[str]]]:
    """The metrics of an expression, each with the labels that select or group it."""
    match node:
        case promql_parser.VectorSelector():
            yield node.name or "", {matcher.name for matcher in node.matchers.matchers}
        case promql_parser.MatrixSelector():
            yield from used(node.vector_selector)
        case promql_parser.AggregateExpr():
            grouping = set(node.modifier.labels) if node.modifier else set()
            yield from ((name, labels | grouping) for name, labels in used(node.expr))
        case promql_parser.Call():
            yield from (each for argument in node.args for each in used(argument))
        case promql_parser.BinaryExpr():
            yield from used(node.lhs)
            yield from used(node.rhs)
        case promql_parser.ParenExpr() | promql_parser.UnaryExpr():
            yield from used(node.expr)
        case _:
            assert isinstance(node, promql_parser.NumberLiteral), node


@pytest.fixture(scope="module")
def parsed():
    """Metric → the labels that some expression uses."""
    found: dict[str, set[str]] = {}
    for text in expressions():
        for name, labels in used(promql_parser.parse(text)):
            found.setdefault(name, set()).update(labels)
    return found


def test_every_metric_and_label_is_in_a_scrape(measured, publish_here, parsed):
    api = publish_here(route="shown/{id}")
    assert api.call(measured.client, path="/api/custom/shown/1").status_code == 200
    labels: dict[str, set[str]] = {}
    for url in (measured.url, node_url(measured)):
        for name, own in scrape(url):
            labels.setdefault(name, set(ADDED)).update(label for label, _ in own)
    missing = {name: wanted for name, wanted in parsed.items() if not wanted <= labels.get(name, ADDED)}
    assert not missing
    assert set(parsed) - set(labels) == {"up"} | OF_THE_MIRROR
    assert len(parsed) > 20, "the test finds none"


def test_every_reason_and_status_that_a_rule_names_exists():
    """A typing error would make a rule that never fires."""
    named = [names for text in expressions() for names in re.findall('reason=~?"([^"]+)"', text)]
    reasons = [name for names in named for name in names.split("|")]
    assert reasons
    assert set(reasons) <= set(CATALOGUE)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_rule_says_what_happens_and_what_to_do(rule):
    assert set(rule["annotations"]) == {"summary", "description", "runbook"}
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert anchor == rule["alert"].lower()
    assert anchor in anchors(ROOT / page)


def test_panels_use_the_chosen_data_source_and_do_not_overlap():
    cells: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        across, down = range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        taken = {(x, y) for x in across for y in down}
        assert place["x"] + place["w"] <= 24 and not taken & cells, panel["title"]
        cells |= taken
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    assert all(each["datasource"] == chosen for panel in PANELS for each in (panel, *panel["targets"]))
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)


def test_scrape_configuration_asks_with_the_token_and_names_the_rules():
    config = yaml.safe_load((ROOT / "deploy/prometheus.yml").read_text())
    assert config["rule_files"]
    for job in config["scrape_configs"]:
        assert job["authorization"]["credentials_file"] and job["job_name"].startswith("udapi-")
        assert "metrics_path" not in job, "the usual one is ours"


def test_nginx_does_not_hand_metrics_on():
    assert re.search(r"location = /metrics \{\s+return 404;", (ROOT / "deploy/nginx.conf").read_text())
