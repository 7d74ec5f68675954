"""One trigger is one tree of spans, across web server, queue, node and subscripts."""

import json
import secrets
import time

import psutil
import pytest

from testbed.stack import wait_until
from tests.traces.conftest import HEADER_SECRET
from tests.traces.scripts import PARENT, TELLS, calls_subscripts, traceparent

SERVER, INTERNAL = 2, 1
_FAILS = "def on_api_trigger(engine, request):\n    raise ValueError(request.raw_body)\n"


@pytest.fixture
def trace_id():
    return secrets.token_hex(16)


def by_name(spans):
    """The spans by name; those of the queued subscript, which go on alone, are `queue 2` and `run 2`."""
    found = {}
    for span in sorted(spans, key=lambda span: span.began_at):
        found[f"{span.name} 2" if span.name in found else span.name] = span
    return found


def test_trigger_with_subscripts_is_one_tree(traced_stack, collector, publish, trace_id):
    api = calls_subscripts(publish, "traces/{id}")
    headers = {"traceparent": traceparent(trace_id), "tracestate": "foo=1"}
    answer = api.call(traced_stack.client, path="/api/custom/traces/7", headers=headers)
    spans = by_name(collector.trace(trace_id, 7))
    parents = {
        name: spans[span].span_id for name, span in {"server": "POST /api/custom/traces/{id}", "run": "run"}.items()
    }
    assert {name: span.parent_id for name, span in spans.items()} == {
        "POST /api/custom/traces/{id}": PARENT,
        "admission": parents["server"],
        "queue": parents["server"],
        "run": parents["server"],
        "subscript": parents["run"],
        "queue 2": parents["run"],
        "run 2": parents["run"],
    }
    assert len({span.span_id for span in spans.values()}) == 7
    told = answer.json()
    places = {"run": told["own"], "subscript": told["waited"]}
    for name, place in places.items():
        own = f"00-{trace_id}-{spans[name].span_id}-01"
        assert place == {"engine": own, "TRACEPARENT": own, "TRACESTATE": "foo=1"}
    assert {span.state for span in spans.values()} == {"foo=1"}


def test_spans_say_what_ran_and_how_it_ended(traced_stack, collector, publish, trace_id):
    api = publish(TELLS, name="of the trace")
    answer = api.call(traced_stack.client, headers={"traceparent": traceparent(trace_id)})
    spans = by_name(collector.trace(trace_id, 4))
    route, trigger_id = f"/api/custom/{api.definition.route}", answer.headers["X-Trigger-Id"]
    server = spans[f"POST {route}"]
    assert (server.kind, server.has_failed) == (SERVER, False)
    assert server.attributes == {
        "http.request.method": "POST",
        "http.route": route,
        "http.response.status_code": 200,
        "udapi.trigger_id": trigger_id,
    }
    run = spans["run"]
    node = run.attributes["udapi.node"]
    assert run.attributes == {
        "udapi.trigger_id": trigger_id,
        "udapi.node": node,
        "udapi.script.name": "of the trace",
        "udapi.script.version": 1,
        "udapi.status": "Succeeded",
        "udapi.response_code": 200,
    }
    assert run.kind == INTERNAL
    assert spans["queue"].attributes == spans["admission"].attributes == {"udapi.trigger_id": trigger_id}
    assert {span.resource["service.name"] for span in spans.values()} == {"udapi"}
    assert {span.resource["deployment.environment.name"] for span in spans.values()} == {"tests"}


def test_logs_of_web_server_and_node_name_the_trace(traced_stack, publish, trace_id):
    headers = {"traceparent": traceparent(trace_id)}
    trigger_id = publish(TELLS).call(traced_stack.client, headers=headers).headers["X-Trigger-Id"]
    for name in ("endpoint.log", "manager.log"):
        lines = [json.loads(line) for line in traced_stack.log_text(name).splitlines() if trigger_id in line]
        assert {(line["trigger_id"], line["trace_id"]) for line in lines} == {(trigger_id, trace_id)}, name


def test_no_span_ends_before_it_begins_and_steps_follow_each_other(traced_stack, collector, publish, trace_id):
    publish(TELLS).call(traced_stack.client, headers={"traceparent": traceparent(trace_id)})
    spans = by_name(collector.trace(trace_id, 4))
    assert all(span.began_at <= span.ended_at for span in spans.values())
    assert spans["admission"].ended_at <= spans["run"].began_at <= spans["run"].ended_at
    assert spans["queue"].ended_at <= spans["run"].began_at


def test_refused_and_failed_triggers_say_why(traced_stack, collector, publish, trace_id):
    api, client = publish(_FAILS), traced_stack.client
    wanted = {"traceparent": traceparent(trace_id)}
    refused = client.post("/api/custom/nowhere", headers=wanted | {"Authorization": "Bearer none"})
    failed = api.call(client, content="text", headers=wanted | {"Content-Type": "text/plain"})
    assert (refused.status_code, failed.status_code) == (401, 500)
    spans = collector.trace(trace_id, 6)
    servers = {span.attributes["http.response.status_code"]: span for span in spans if span.kind == SERVER}
    assert servers[401].name == "POST" and not servers[401].has_failed
    assert servers[401].attributes["udapi.error_code"] == 1010 and "http.route" not in servers[401].attributes
    assert servers[500].has_failed and servers[500].attributes["error.type"] == "AutomationActionError"
    (run,) = (span for span in spans if span.name == "run")
    assert run.has_failed and run.attributes["udapi.status"] == "Failed"


def test_trial_message_and_replay_have_a_span_each(traced_stack, collector, publish, user, trace_id):
    api = publish(TELLS)
    bodies = {
        "trigger": {"requestMethod": "Post", "route": api.definition.route, "secret": api.secret},
        "scripts/trial": {"source": TELLS, "method": "Post"},
    }
    for address, body in bodies.items():
        headers = user | {"traceparent": traceparent(trace_id)}
        traced_stack.client.post(f"/api/management/{address}/", json=body, headers=headers).raise_for_status()
    spans = collector.trace(trace_id, 8)
    entries = {span.name: span for span in spans if span.parent_id == PARENT}
    assert set(entries) == {"message", "trial"}
    for entry in entries.values():
        assert {span.name for span in spans if span.parent_id == entry.span_id} == {"admission", "queue", "run"}


def test_trace_begins_here_without_a_caller_and_stays_unrecorded_if_the_caller_says_so(
    traced_stack, collector, publish, trace_id
):
    api = publish(TELLS)
    unsampled = api.call(traced_stack.client, headers={"traceparent": traceparent(trace_id, "00")}).json()
    begun = api.call(traced_stack.client).json()
    assert unsampled["engine"].startswith(f"00-{trace_id}-") and unsampled["engine"].endswith("-00")
    own = begun["TRACEPARENT"].split("-")[1]
    spans = by_name(collector.trace(own, 4))
    assert spans["run"].span_id == begun["TRACEPARENT"].split("-")[2]
    (root,) = (span for span in spans.values() if not span.parent_id)
    assert root.kind == SERVER
    assert not collector.of_trace(trace_id)


def test_nothing_secret_reaches_collector_log_or_script(traced_stack, collector, publish, trace_id):
    planted = {name: f"planted-{name}-{secrets.token_hex(4)}" for name in ("path", "query", "body", "header")}
    source = TELLS.replace("json.dumps", "json.dumps").replace(
        "place(engine))", "place(engine) | {'all': dict(os.environ), 'initial': open('/proc/self/environ').read()})", 1
    )
    api = publish(source, route="planted/{value}")
    answer = api.call(
        traced_stack.client,
        path=f"/api/custom/planted/{planted['path']}?q={planted['query']}",
        content=planted["body"],
        headers={"traceparent": traceparent(trace_id), "X-Planted": planted["header"], "Content-Type": "text/plain"},
    )
    assert answer.status_code == 200
    spans = by_name(collector.trace(trace_id, 4))
    assert "POST /api/custom/planted/{value}" in spans
    sent = b"".join(collector.received)
    assert not [text for text in (api.secret, *planted.values()) if text.encode() in sent]
    assert HEADER_SECRET.encode() in sent, "the collector's key"
    assert "OTEL" not in answer.text and HEADER_SECRET not in answer.text
    logs = "".join(traced_stack.log_text(name) for name in ("endpoint.log", "manager.log", "refused.log"))
    assert HEADER_SECRET not in logs + traced_stack.log.read_text()


@pytest.mark.parametrize("fault", ["hangs", "answers 500", "answers 503"])
def test_collector_that_fails_delays_no_trigger_and_costs_no_threads(traced_stack, collector, publish, fault):
    api = publish(TELLS)
    api.call(traced_stack.client)
    processes = [psutil.Process(traced_stack.worker.pid), *traced_stack.web.workers()]
    before = sum(process.num_threads() for process in processes)
    if fault == "hangs":
        collector.hang()
    else:
        collector.status = int(fault.split()[1])
    asked = len(collector.received)
    begun = time.monotonic()
    for _ in range(50):
        assert api.call(traced_stack.client).status_code == 200
    # A collector that is waited for takes ten seconds for each batch.
    assert time.monotonic() - begun < 10
    wait_until(lambda: len(collector.received) > asked, what="an export")
    assert sum(process.num_threads() for process in processes) <= before + 5
    collector.status = 200
    collector.go_on()
    told = api.call(traced_stack.client).json()
    assert collector.trace(told["engine"].split("-")[1], 4)


def test_spans_that_wait_are_sent_when_a_program_ends(traced_stack, collector, publish):
    api = publish(TELLS)
    slow = {"OTEL_BSP_SCHEDULE_DELAY": "600000", "OTEL_SERVICE_NAME": "another"}
    with traced_stack.another_web(**slow) as web:
        trace = json.loads(api.call(web.client).text)["engine"].split("-")[1]
        assert not [span for span in collector.of_trace(trace) if span.kind == SERVER]
    (server,) = (span for span in collector.trace(trace, 4) if span.kind == SERVER)
    assert server.resource["service.name"] == "another"
