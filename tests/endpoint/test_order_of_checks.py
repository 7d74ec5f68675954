"""The order of the checks: of two faults in one request, the earlier one answers.

Each fault adds itself to a call that is right in all else, up to a script that fails: error 12 is behind them all.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from automation.models import AutomationScript
from definitions.changes import save_definition
from definitions.models import ActionType, ApiDefinition
from tests.endpoint.broken_storage import remove_script_row
from tests.endpoint.catalogue import LARGEST_BODY, assert_error, code_of
from tests.endpoint.messages import UNKNOWN
from tests.endpoint.wire import exchange, head
from tests.values import for_each
from tokens import rate_limit
from tokens.models import ApiToken

FAILS = "def run(engine):\n    engine.exit_fail('behind every check')"


@dataclass
class FaultyCall:
    """A call and the state that it meets; faults change both."""

    method: str = "POST"
    path: str | None = None
    query: str = ""
    scheme: str = "Bearer"
    secret: str | None = None
    content_type: str = "application/json"
    body: bytes = b'{"host": "a"}'
    announced: int | None = None
    is_allowed: bool = True
    is_limited: bool = False
    token: dict[str, Any] = field(default_factory=dict)
    definition: dict[str, Any] = field(default_factory=dict)
    has_script: bool = True

    def send(self, url: str, publish):
        limit = {"rate_limit": 1, "rate_window_seconds": 1_000} if self.is_limited else {}
        token, secret = publish.token(**limit)
        api = publish(FAILS, action_type=ActionType.NO_ENTRY_POINT, parameters=["host"], token=(token, secret))
        self._store(api.definition, token)
        request = head(
            self.method, (self.path or api.path) + self.query,
            ("Authorization", f"{self.scheme} {self.secret or secret}"),
            ("Content-Type", self.content_type),
            ("Content-Length", str(self.announced or len(self.body))),
        )  # fmt: skip
        return exchange(url, request, b"" if self.announced else self.body, method=self.method)

    def _store(self, definition: ApiDefinition, token: ApiToken) -> None:
        if self.is_limited:
            rate_limit.retry_after(token.id, 1, 1_000)
        if not self.is_allowed:
            save_definition(definition, "system", allowed_tokens=[])
        if not self.has_script:
            remove_script_row(definition.script or AutomationScript())
        ApiToken._base_manager.filter(pk=token.pk).update(**self.token)
        ApiDefinition._base_manager.filter(pk=definition.pk).update(**self.definition)


@dataclass(frozen=True)
class CallFault:
    step: int
    code: int
    add: Callable[[FaultyCall], None]
    excludes: frozenset[int] = frozenset()


def changes(**values: Any) -> Callable[[FaultyCall], None]:
    def add(call: FaultyCall) -> None:
        for name, value in values.items():
            setattr(call, name, value)

    return add


def stores(**definition: Any) -> Callable[[FaultyCall], None]:
    return lambda call: call.definition.update(definition)


def prefixed(body: bytes) -> Callable[[FaultyCall], None]:
    """Faults of the body are added last to first, so that an earlier one stands further left."""

    def add(call: FaultyCall) -> None:
        call.body = body + call.body

    return add


# `excludes`: the steps of faults that the same call cannot have.
FAULTS = {
    "query": CallFault(1, 1011, changes(query="?" + "q" * 2_049)),
    "method": CallFault(2, 3, changes(method="OPTIONS")),
    "empty route": CallFault(3, 1, changes(path="/api/custom/"), frozenset({8, 9, 10})),
    "announced": CallFault(4, 1009, changes(announced=LARGEST_BODY + 1), frozenset({12, 13})),
    "scheme": CallFault(5, 1008, changes(scheme="Basic")),
    "two headers": CallFault(5, 1008, changes(scheme="Bearer x, Bearer")),
    "malformed": CallFault(6, 1010, changes(secret="short")),
    "unknown": CallFault(6, 1010, changes(secret=UNKNOWN)),
    "disabled token": CallFault(6, 1010, lambda call: call.token.update(is_disabled=True)),
    "limit": CallFault(7, 1014, changes(is_limited=True)),
    "route": CallFault(8, 5, changes(path="/api/custom/nobody/is/here"), frozenset({9, 10})),
    "not allowed": CallFault(9, 1010, changes(is_allowed=False)),
    "disabled API": CallFault(10, 2009, stores(is_disabled=True)),
    "action type": CallFault(10, 11, stores(action_type="Other")),
    "action meta": CallFault(10, 9, stores(input_type="Other")),
    "script": CallFault(10, 15, changes(has_script=False)),
    "content type": CallFault(11, 1003, changes(content_type="image/png")),
    "charset": CallFault(11, 1003, changes(content_type="text/plain; charset=latin-1")),
    "UTF-8": CallFault(12, 1007, prefixed(b"\xff")),
    "conversion": CallFault(13, 10, prefixed(b"[")),
    "missing": CallFault(13, 16, changes(body=b'{"guest": "a"}')),
}
WITHIN_A_STEP = {
    ("disabled API", "action type"),
    ("disabled API", "action meta"),
    ("disabled API", "script"),
    ("action type", "action meta"),
    ("action type", "script"),
    ("action meta", "script"),
    ("conversion", "missing"),
}


def pairs() -> list[tuple[str, str]]:
    """Every pair of faults that one call can have, the earlier one first."""
    combined = []
    for earlier, later in itertools.combinations(FAULTS, 2):
        first, second = FAULTS[earlier], FAULTS[later]
        in_order = first.step < second.step or (earlier, later) in WITHIN_A_STEP
        if in_order and second.step not in first.excludes:
            combined.append((earlier, later))
    return combined


def call_with(*faults: str) -> FaultyCall:
    call = FaultyCall()
    for name in sorted(faults, key=list(FAULTS).index, reverse=True):
        FAULTS[name].add(call)
    return call


def test_without_a_fault_the_script_runs(stack, publish, worker_node):
    assert_error(FaultyCall().send(stack.url, publish), 12, node=worker_node)


@for_each("fault", FAULTS)
def test_a_single_fault_gets_its_error(stack, publish, fault):
    answer = call_with(fault).send(stack.url, publish)
    missing = ["host"] if fault == "missing" else []
    assert_error(answer, FAULTS[fault].code, missing=missing)


@for_each("earlier, later", pairs())
def test_the_earlier_fault_answers(stack, publish, earlier, later):
    answer = call_with(earlier, later).send(stack.url, publish)
    assert code_of(answer) == FAULTS[earlier].code


@for_each("fault", FAULTS)
def test_the_missing_worker_node_is_reported_last(lonely, publish, fault, monkeypatch):
    monkeypatch.setattr(rate_limit, "client", lonely.redis_client)
    assert code_of(call_with(fault).send(lonely.url, publish)) == FAULTS[fault].code


@for_each("fault", [name for name in FAULTS if name != "limit"])
def test_the_broken_broker_is_reported_last(without_broker, publish, fault):
    assert code_of(call_with(fault).send(without_broker.url, publish)) == FAULTS[fault].code


@for_each("fault", FAULTS)
def test_a_broken_broker_stops_a_limited_token_at_the_limit(without_broker, publish, fault, monkeypatch):
    monkeypatch.setattr(rate_limit, "retry_after", lambda *_: 0)
    answer = call_with(fault, "limit").send(without_broker.url, publish)
    assert code_of(answer) == (FAULTS[fault].code if FAULTS[fault].step < 7 else 1006)


def test_a_chunked_body_is_counted_before_it_is_decoded(stack, publish):
    api = publish(FAILS, action_type=ActionType.NO_ENTRY_POINT, parameters=["host"])
    content = itertools.repeat(b"\xff" * 1_048_576, 31)
    headers = api.headers | {"Content-Type": "text/plain"}
    assert_error(httpx.post(stack.url + api.path, content=content, headers=headers), 1009)


def test_the_type_of_a_chunked_body_comes_before_its_size(stack, publish):
    api = publish()
    content = itertools.repeat(b"\xff" * 1_048_576, 31)
    headers = api.headers | {"Content-Type": "image/png"}
    assert_error(httpx.post(stack.url + api.path, content=content, headers=headers), 1003)


@for_each("earlier", [{"secret": UNKNOWN}, {"path": "/api/custom/nobody/is/here"}, {"is_allowed": False}])
def test_a_request_refused_earlier_is_answered_without_its_body(stack, publish, earlier):
    """The answer comes although the announced body never does."""
    answer = FaultyCall(announced=1_000, **earlier).send(stack.url, publish)
    assert code_of(answer) in (1010, 5)
