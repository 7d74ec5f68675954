"""The two look-ups of a trigger, in SQL: always fresh, and by index whatever the number of objects.

The ORM would take more than ten times the processor time for the same rows; only this module does without it.
"""

import json
from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections, models

from definitions import routes
from definitions.content_types import USUAL_TYPES

_FIND_BY_DIGEST = """
SELECT id, is_disabled, rate_limit, rate_window_seconds
FROM tokens_apitoken WHERE secret_digest IN ({marks})
"""

# `walk` follows the request's segments along the prefixes of dynamic routes, literals and placeholders alike; a static
# route is found by its signature alone.
_FIND_BY_ROUTE = """
WITH RECURSIVE
segment (depth, literal) AS (VALUES {segments}),
walk (depth, prefix) AS (
  SELECT 0, CAST('' AS text)
  UNION ALL
  SELECT walk.depth + 1, walk.prefix || part.content
  FROM walk
  JOIN (
    SELECT depth, '/' || literal AS content FROM segment
    UNION ALL SELECT depth, '/{{}}' FROM segment
  ) part ON part.depth = walk.depth + 1
  WHERE EXISTS (SELECT 1 FROM definitions_routeprefix p WHERE p.prefix = walk.prefix || part.content)
)
SELECT d.id, d.route, d.action_type, d.input_type, d.is_disabled, d.script_id,
       s.id, s.name, COALESCE(d.script_version, s.current_version),
       v.content_hash, v.parameters, v.has_api_trigger, v.has_run,
       EXISTS (SELECT 1 FROM definitions_allowedtoken a WHERE a.definition_id = d.id AND a.token_id = %s),
       d.keep_bodies, d.max_concurrent, d.content_types, d.server_timing,
       EXISTS (SELECT 1 FROM automation_credentialgrant g WHERE g.script_id = s.id)
FROM (SELECT prefix AS signature FROM walk WHERE depth = {depth} UNION SELECT %s) candidate
JOIN definitions_apidefinition d ON d.signature = candidate.signature
LEFT JOIN automation_automationscript s ON s.id = d.script_id
LEFT JOIN automation_scriptversion v
  ON v.script_id = s.id AND v.number = COALESCE(d.script_version, s.current_version)
ORDER BY d.literal_count DESC, d.shape DESC
LIMIT 1
"""

_uuid_field: "models.UUIDField[UUID, UUID]" = models.UUIDField()


@dataclass(frozen=True, slots=True)
class TokenRow:
    id: UUID
    is_disabled: bool
    rate_limit: int | None
    rate_window_seconds: int | None


@dataclass(frozen=True, slots=True)
class ScriptRow:
    """A script in the version that a definition runs; `version` is None if there is no such version."""

    id: UUID
    name: str
    version: int | None
    parameters: list[str]
    has_api_trigger: bool
    has_run: bool
    content_hash: str = ""
    has_credentials: bool | None = None
    """Whether credentials are granted to it; None if nobody has looked."""


@dataclass(frozen=True, slots=True)
class DefinitionRow:
    """`script` is None when the row that `script_id` names is gone."""

    id: UUID
    route: str
    action_type: str
    input_type: str
    is_disabled: bool
    script_id: UUID | None
    script: ScriptRow | None
    is_allowed: bool
    keep_bodies: str = "Nothing"
    max_concurrent: int | None = None
    content_types: Set[str] = frozenset(USUAL_TYPES)
    server_timing: bool = False


def find_token(digests: Sequence[str]) -> TokenRow | None:
    """The token with one of these digests."""
    row = _first(_by_digest(len(digests)), list(digests))
    return None if row is None else TokenRow(_uuid(row[0]), bool(row[1]), row[2], row[3])


def find_definition(segments: Sequence[str], token_id: UUID) -> DefinitionRow | None:
    """The definition that answers a request's decoded `segments`, and whether the token may call it."""
    if not 0 < len(segments) <= routes.MOST_SEGMENTS:
        return None
    literals = [routes.literal(part) if routes.may_match_literal(part) else None for part in segments]
    static = None if None in literals else "/" + "/".join(map(str, literals))
    token = _uuid_field.get_db_prep_value(token_id, connections[DEFAULT_DB_ALIAS])
    row = _first(_by_route(len(segments)), [*literals, token, static])
    return None if row is None else _definition(row)


@cache
def _by_digest(digests: int) -> str:
    return _FIND_BY_DIGEST.format(marks=", ".join(["%s"] * digests))


@cache
def _by_route(depth: int) -> str:
    segments = ", ".join(f"({number}, CAST(%s AS text))" for number in range(1, depth + 1))
    # Short, because Django scans the whole text for each query.
    return " ".join(_FIND_BY_ROUTE.format(segments=segments, depth=depth).split())


def _first(sql: str, parameters: list[Any]) -> tuple[Any, ...] | None:
    # `django.db.connection` would look the connection up for each attribute.
    database = connections[DEFAULT_DB_ALIAS]
    with database.cursor() as cursor:
        cursor.execute(sql, parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
    # PostgreSQL's connection returns to the pool at once, so that no slow body and no waiting trigger holds one.
    if not database.in_atomic_block:
        database.close_if_unusable_or_obsolete()
    return row


def _definition(row: tuple[Any, ...]) -> DefinitionRow:
    definition_id, route, action_type, input_type, is_disabled, script_id, *found = row
    *of_script, is_allowed, keep_bodies, limit, content_types, has_timing, has_credentials = found
    script_id = None if script_id is None else _uuid(script_id)
    script = None if script_id is None or of_script[0] is None else _script(script_id, *of_script[1:], has_credentials)
    what = _uuid(definition_id), route, action_type, input_type, bool(is_disabled)
    of_runs = keep_bodies, limit, _types(content_types), bool(has_timing)
    return DefinitionRow(*what, script_id, script, bool(is_allowed), *of_runs)


@lru_cache(maxsize=1_024)
def _types(content_types: str) -> Set[str]:
    return frozenset(json.loads(content_types))


def _script(
    script_id: UUID, name: str, version: int | None, content_hash: str | None, parameters: str, *flags: Any
) -> ScriptRow:
    if content_hash is None:
        return ScriptRow(script_id, name, None, [], has_api_trigger=False, has_run=False)
    has_api_trigger, has_run, has_credentials = map(bool, flags)
    what = script_id, name, version, json.loads(parameters), has_api_trigger, has_run
    return ScriptRow(*what, content_hash, has_credentials)


def _uuid(value: Any) -> UUID:
    """SQLite returns ids as hexadecimal text, PostgreSQL as UUIDs."""
    return value if isinstance(value, UUID) else UUID(value)
