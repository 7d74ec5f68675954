"""Scripts that tell where they stand in a trace."""

from testbed.publisher import Api, Publisher

TRACE, PARENT = "12345678901234567890123456789012", "1234567890123456"

_PLACE = """
import json, os
from automation.sdk import ApiTriggerOutput

def place(engine):
    names = "TRACEPARENT", "TRACESTATE"
    return {"engine": engine.traceparent} | {name: os.environ.get(name) for name in names}
"""
TELLS = f"""{_PLACE}
def on_api_trigger(engine, request):
    return ApiTriggerOutput.json(place(engine))

def run(engine):
    return place(engine)
"""
CALLS = f"""{_PLACE}
def on_api_trigger(engine, request):
    waited = engine.run_subscript("tells", {{}})
    queued = engine.run_subscript("tells", {{}}, wait=False)
    return ApiTriggerOutput.json({{"own": place(engine), "waited": waited, "queued": queued}})
"""


def traceparent(trace_id: str = TRACE, flags: str = "01") -> str:
    return f"00-{trace_id}-{PARENT}-{flags}"


def calls_subscripts(publish: Publisher, route: str | None = None) -> Api:
    """An API whose script waits for a subscript, and queues it once more."""
    publish.script(TELLS, name="tells")
    return publish(CALLS, route=route)
