"""The look-ups use indexes: even with thousands of rows they scan no table."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from automation.credentials import CredentialGrant
from automation.models import AutomationScript
from automation.versions import ScriptVersion, content_of
from definitions import routes
from definitions.lookups import find_definition, find_token
from definitions.models import AllowedToken, ApiDefinition, RoutePrefix
from tests.automation.stored_credentials import stored_credential
from tokens import peppers
from tokens.models import ApiToken

MANY = 3_000
SCRIPTS, VERSIONS = 10_000, 100
PINNED = 500
BY_VERSION = {"sqlite": "SEARCH v USING INDEX", "postgresql": "version_number_once"}
SOURCE = "def on_api_trigger(engine, request): ..."
TABLES = {
    "tokens_apitoken",
    "definitions_apidefinition",
    "definitions_routeprefix",
    "definitions_allowedtoken",
    "automation_automationscript",
    "automation_scriptversion",
    "automation_credentialgrant",
}


def many_scripts() -> list[AutomationScript]:
    """Scripts with a version each, except that every 500th one has many, of which the definitions run the last."""
    scripts = AutomationScript._base_manager.bulk_create(
        AutomationScript(name=f"script {n}", source=SOURCE, current_version=1 if n % 500 else VERSIONS)
        for n in range(SCRIPTS)
    )
    fixed = {"content_hash": "0" * 64, "created_by": "ann", "created_at": timezone.now(), "has_run": False}
    ScriptVersion._base_manager.bulk_create(
        ScriptVersion(script=script, number=number, has_api_trigger=True, **fixed, **content_of(script))
        for script in scripts
        for number in range(1, (script.current_version or 0) + 1)
    )
    return scripts


@pytest.fixture
def full_tables(db):
    """Thousands of tokens, scripts and definitions, static and dynamic ones; some run one of many versions.

    Credentials are granted to one script in three.
    """
    tokens = ApiToken._base_manager.bulk_create(
        ApiToken(name=f"token {n}", secret_digest=peppers.digests(f"secret-{n}")[1], pepper_id=1) for n in range(MANY)
    )
    scripts = many_scripts()
    definitions = ApiDefinition._base_manager.bulk_create(
        ApiDefinition(route=f"tickets/{{id}}/{n}" if n % 2 else f"static/{n}", script=scripts[n]) for n in range(MANY)
    )
    ApiDefinition._base_manager.filter(pk=definitions[PINNED].pk).update(script_version=7)
    RoutePrefix.objects.bulk_create(
        RoutePrefix(definition=definition, prefix=prefix)
        for definition in definitions[1::2]
        for prefix in routes.prefixes(definition.signature)
    )
    AllowedToken._base_manager.bulk_create(
        AllowedToken(definition=definition, token=token) for definition, token in zip(definitions, tokens, strict=True)
    )
    credential = stored_credential()
    CredentialGrant._base_manager.bulk_create(
        CredentialGrant(credential=credential, script=script) for script in scripts[1::3]
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
    aliases |= {"g": "automation_credentialgrant"}
    aliases |= {"p": "definitions_routeprefix", "a": "definitions_allowedtoken", "v": "automation_scriptversion"}
    names = re.findall(
        r"Seq Scan on (\w+)" if connection.vendor == "postgresql" else r"^SCAN (\w+)", plan, re.MULTILINE
    )
    return {aliases.get(name, name) for name in names} & TABLES


def test_no_table_is_scanned(full_tables):
    token = full_tables[0]
    tokens = [
        lambda: find_token([token.secret_digest]),
        lambda: find_token([token.secret_digest, "0" * 64, "1" * 64]),
    ]
    definitions = [
        lambda: find_definition(("static", "2"), token.pk),
        lambda: find_definition(("tickets", "some", "1"), token.pk),
        lambda: find_definition(("static", "0"), token.pk),
        lambda: find_definition(("static", str(PINNED)), token.pk),
    ]
    found = [definition() for definition in definitions]
    assert [row and row.script and row.script.version for row in found] == [1, 1, VERSIONS, 7]
    assert [row and row.script and row.script.has_credentials for row in found] == [False, True, False, False]
    for _ in range(2):
        plans = [_plan(look_up) for look_up in definitions]
        assert all(BY_VERSION[connection.vendor] in plan for plan in plans), plans
        for plan in [*plans, *map(_plan, tokens)]:
            assert not _scanned(plan), plan
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def test_a_scan_would_be_noticed(publish_in_process):
    publish_in_process("a")
    unindexed = ApiDefinition.objects.order_by("description").first
    assert _scanned(_plan(unindexed)) == {"definitions_apidefinition"}
