"""`manage.py trigger` shows the operator a traceback as text."""

import json
import os
import subprocess
import sys

from testbed.stack import ROOT

FAILS = "def on_api_trigger(engine, request):\n    raise ValueError('why it failed')"


def test_traceback_is_printed_as_text_and_not_in_the_json(stack, publish):
    api = publish(FAILS)
    environment = {"PATH": os.environ["PATH"], "UDAPI_TRIGGER_SECRET": api.secret} | stack.environment
    command = [sys.executable, "manage.py", "trigger", api.definition.route]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    (error,) = json.loads(done.stdout)["traceData"]["errorData"]
    assert (error["reason"], error["message"]) == ("AutomationActionError", "ValueError: why it failed")
    assert "\\n" not in done.stdout
    _, told = done.stderr.split("CommandError: ")
    lines = told.splitlines()
    first = f"{api.definition.script.name} (version 1): ValueError: why it failed"
    expected = ["AutomationActionError", first, "Traceback (most recent call last):"]
    assert (lines[:3], lines[-1]) == (expected, "ValueError: why it failed")
