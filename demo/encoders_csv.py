"""All encoders as a file for a spreadsheet: GET demo/encoders.csv."""

import csv
import io

from automation.sdk import ApiTriggerInput, ApiTriggerOutput, Engine
from scripts.encoders import encoders


def on_api_trigger(engine: Engine, request: ApiTriggerInput) -> ApiTriggerOutput:
    """Answer with CSV, which browsers and curl -OJ save as encoders.csv."""
    table = io.StringIO()
    rows = csv.writer(table)
    rows.writerow(["id", "state", "bitrate"])
    rows.writerows([_harmless(name), each["state"], each["bitrate"]] for name, each in sorted(encoders().items()))
    # The byte order mark tells spreadsheets that the file is UTF-8.
    output = ApiTriggerOutput(response_body_bytes=table.getvalue().encode("utf-8-sig"))
    output.response_headers.set("Content-Type", "text/csv; charset=utf-8")
    output.response_headers.set("Content-Disposition", 'attachment; filename="encoders.csv"')
    return output


def _harmless(text: str) -> str:
    """Text that no spreadsheet runs as a formula; callers choose the names of encoders."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
