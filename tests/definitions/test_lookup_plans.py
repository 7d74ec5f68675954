"""The look-ups use indexes: even with thousands of rows they scan no table."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from automation.models import AutomationScript
from definitions import routes
from definitions.lookups import find_definition, find_token
from definitions.models import AllowedToken, ApiDefinition, RoutePrefix
from tokens import peppers
from tokens.models import ApiToken

MANY = 3_000
SOURCE = "def on_api_trigger(engine, request): ..."
TABLES = {
    "tokens_apitoken",
    "definitions_apidefinition",
    "definitions_routeprefix",
    "definitions_allowedtoken",
    "automation_automationscript",
}


@pytest.fixture
def full_tables(db):
    """Thousands of tokens, scripts and definitions, static and dynamic ones."""
    tokens = ApiToken._base_manager.bulk_create(
        ApiToken(name=f"token {n}", secret_digest=peppers.digests(f"secret-{n}")[1], pepper_id=1) for n in range(MANY)
    )
    scripts = AutomationScript._base_manager.bulk_create(
        AutomationScript(name=f"script {n}", source=SOURCE) for n in range(MANY)
    )
    definitions = ApiDefinition._base_manager.bulk_create(
        ApiDefinition(route=f"tickets/{{id}}/{n}" if n % 2 else f"static/{n}", script=scripts[n]) for n in range(MANY)
    )
    RoutePrefix.objects.bulk_create(
        RoutePrefix(definition=definition, prefix=prefix)
        for definition in definitions[1::2]
        for prefix in routes.prefixes(definition.signature)
    )
    AllowedToken._base_manager.bulk_create(
        AllowedToken(definition=definition, token=token) for definition, token in zip(definitions, tokens, strict=True)
    )
    return tokens


def _plan(look_up) -> str:
    with CaptureQueriesContext(connection) as queries:
        assert look_up() is not None
    (query,) = queries.captured_queries
    with connection.cursor() as cursor:
        cursor.execute(("EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN ") + query["sql"])
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


def _scanned(plan: str) -> set[str]:
    """The tables that are scanned."""
    aliases = {"d": "definitions_apidefinition", "s": "automation_automationscript"}
    aliases |= {"p": "definitions_routeprefix", "a": "definitions_allowedtoken"}
    names = re.findall(
        r"Seq Scan on (\w+)" if connection.vendor == "postgresql" else r"^SCAN (\w+)", plan, re.MULTILINE
    )
    return {aliases.get(name, name) for name in names} & TABLES


def test_no_table_is_scanned(full_tables):
    token = full_tables[0]
    look_ups = [
        lambda: find_token([token.secret_digest]),
        lambda: find_token([token.secret_digest, "0" * 64, "1" * 64]),
        lambda: find_definition(("static", "2"), token.pk),
        lambda: find_definition(("tickets", "some", "1"), token.pk),
    ]
    plans = [_plan(look_up) for look_up in look_ups]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    for plan in [*plans, *(_plan(look_up) for look_up in look_ups)]:
        assert not _scanned(plan), plan


def test_a_scan_would_be_noticed(publish_in_process):
    publish_in_process("a")
    unindexed = ApiDefinition.objects.order_by("description").first
    assert _scanned(_plan(unindexed)) == {"definitions_apidefinition"}
