"""All encoders as a file for a spreadsheet: GET demo/encoders.csv."""

import csv
import io
import json
import os
from pathlib import Path

from automation.sdk import ApiTriggerInput, ApiTriggerOutput, Engine


def on_api_trigger(engine: Engine, request: ApiTriggerInput) -> ApiTriggerOutput:
    """Answer with CSV, which browsers and curl -OJ save as encoders.csv."""
    file = Path(os.environ["STATE_DIRECTORY"], "demo-encoders.json")
    known = json.loads(file.read_text()) if file.exists() else {}
    table = io.StringIO()
    rows = csv.writer(table)
    rows.writerow(["id", "state", "bitrate"])
    rows.writerows([_harmless(name), each["state"], each["bitrate"]] for name, each in sorted(known.items()))
    # The byte order mark tells spreadsheets that the file is UTF-8.
    output = ApiTriggerOutput(response_body_bytes=table.getvalue().encode("utf-8-sig"))
    output.response_headers.set("Content-Type", "text/csv; charset=utf-8")
    output.response_headers.set("Content-Disposition", 'attachment; filename="encoders.csv"')
    return output


def _harmless(text: str) -> str:
    """Text that no spreadsheet runs as a formula; callers choose the names of encoders."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
