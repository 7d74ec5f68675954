"""The APIs that miss their objectives. To know it means reading a month of each, so Redis keeps it for a minute."""

import json
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final, cast
from uuid import UUID

import redis
from django.db.models import Q

from broker.client import brief_client
from broker.installation import prefix
from definitions.models import ApiDefinition
from runs.statistics import objectives

KEPT_SECONDS: Final = 60


def missed(now: datetime) -> Sequence[ApiDefinition]:
    """By route: those whose objectives are used up, or were so up to a minute ago."""
    aiming = Q(objective_success_rate__isnull=False) | Q(objective_p95_milliseconds__isnull=False)
    names = ("route", "objective_success_rate", "objective_p95_milliseconds")
    definitions = list(ApiDefinition.objects.filter(aiming).order_by("route").only(*names))
    if not definitions:
        return []
    key = _key(definitions)
    try:
        kept = cast(bytes | None, brief_client().get(key))
    except redis.RedisError:
        return _look(definitions, now)
    if kept is not None:
        ids = {UUID(text) for text in json.loads(kept)}
        return [each for each in definitions if each.pk in ids]
    return _keep(key, _look(definitions, now))


def _look(definitions: Sequence[ApiDefinition], now: datetime) -> Sequence[ApiDefinition]:
    states = objectives.states(definitions, now)
    return [each for each in definitions if states[each.pk].is_used_up]


def _keep(key: str, found: Sequence[ApiDefinition]) -> Sequence[ApiDefinition]:
    try:
        brief_client().set(key, json.dumps([str(each.pk) for each in found]), ex=KEPT_SECONDS)
    except redis.RedisError:
        return found
    return found


def _key(definitions: Sequence[ApiDefinition]) -> str:
    """A changed objective is another question."""
    asked = [(str(each.pk), each.objective_success_rate, each.objective_p95_milliseconds) for each in definitions]
    return f"{prefix()}missed:{sha256(json.dumps(asked).encode()).hexdigest()[:16]}"
