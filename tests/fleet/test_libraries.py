"""Libraries on a worker node: which version a run gets, and how many there can be."""

import re

import pytest
from django.core.exceptions import ValidationError

from automation.libraries import MOST_LIBRARIES
from automation.models import AutomationScript
from automation.source import contents_of
from automation.versions import Reuse, ScriptKind
from definitions.changes import save_definition
from definitions.models import ApiDefinition
from objects.changes import add_checked, save_checked
from testbed.publisher import Api

TELLS = """
import os
from automation.sdk import ApiTriggerOutput
from scripts.outer import value

def on_api_trigger(engine, request):
    return ApiTriggerOutput(response_body=f"{value} {os.getpid()}")

def run(engine):
    print("the value is", value)
"""

CALLS = """
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    engine.run_subscript("tells")
    return ApiTriggerOutput()
"""


def library(publish, source: str, name: str) -> AutomationScript:
    saved: AutomationScript = publish.script(source, name=name, kind=ScriptKind.LIBRARY)
    return saved


def renewed(script: AutomationScript) -> int | None:
    script.refresh_from_db()
    script.renews_libraries = True
    return save_checked(script, "system").current_version


def pinned(api: Api) -> Api:
    """The same script under another route, pinned to its present version."""
    script = api.definition.script
    assert script is not None
    version = script.current_version
    definition = ApiDefinition(route="tests/pinned", script=script, input_type="RawBody", script_version=version)
    return Api(save_definition(definition, by="system", allowed_tokens=[api.token]), api.token, api.secret)


def test_change_of_a_library_reaches_a_script_only_when_it_is_renewed(stack, publish):
    inner = library(publish, "value = 1", "inner")
    outer = library(publish, "from scripts.inner import value", "outer")
    warm, fresh = publish(TELLS, name="tells"), publish(TELLS, reuse=Reuse.FRESH)
    old, calls = pinned(warm), publish(CALLS)

    def values() -> list[str]:
        return [api.call(stack.client).text.split()[0] for api in (warm, fresh, old)]

    process = warm.call(stack.client).text
    assert values() == ["1", "1", "1"]
    inner.source = "value = 2"
    save_checked(inner, "system")
    assert values() == ["1", "1", "1"]
    assert renewed(outer) == 2
    assert warm.call(stack.client).text == process, "the same host"
    assert [renewed(api.definition.script) for api in (warm, fresh)] == [2, 2]
    assert values() == ["2", "2", "1"]
    assert warm.call(stack.client).text != process
    assert old.call(stack.client).text == process, "the warm host of the old version"
    assert calls.call(stack.client).status_code == 200
    assert re.search(r'version=2 name="tells": the value is 2', stack.log_text("manager.log"))


def test_error_in_a_library_names_the_version_and_its_lines(stack, publish):
    library(publish, "def fails():\n    return {}['key']", "broken")
    source = "from scripts.broken import fails\ndef on_api_trigger(engine, request):\n    fails()"
    api = publish(source, name="uses it")
    assert api.call(stack.client).json()["errors"][0]["errorCode"] == 12
    logged = stack.log_text("manager.log").rpartition("AutomationActionError")[2]
    assert re.match(r' script=[0-9a-f-]{36} version=1 name="uses it": KeyError: \'key\'\n', logged)
    assert re.search(r'File "<script broken>", line 2, in fails\n.* return {}\[.key.\]\n', logged)
    assert "_bootstrap" not in logged


def test_twenty_libraries_deep_and_a_hundred_altogether_work(stack, publish):
    deep = [f"from scripts.deep_{depth} import depth as below\ndepth = below + 1" for depth in range(20)]
    deep[0] = "depth = 1"
    # One start of the compiler instead of twenty.
    assert not any(found.error for found in contents_of(deep))
    for number, source in enumerate(deep, 1):
        library(publish, source, f"deep_{number}")
    wide = [f"wide_{number}" for number in range(MOST_LIBRARIES - 19)]
    add_checked([AutomationScript(name=name, source="", kind=ScriptKind.LIBRARY) for name in wide], "system")
    imports = "".join(f"import scripts.{name}\n" for name in wide[1:])
    source = f"""{imports}from automation.sdk import ApiTriggerOutput
from scripts.deep_20 import depth
def on_api_trigger(engine, request):
    return ApiTriggerOutput(response_body=str(depth))
"""
    assert publish(source).call(stack.client).text == "20"
    with pytest.raises(ValidationError, match="at most 100 libraries"):
        publish(f"import scripts.{wide[0]}\n{source}")
