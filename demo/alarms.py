"""Counts the alarms of a monitoring system that speaks XML: POST demo/alarms, XML in, JSON out.

<alarms>
  <alarm severity="Critical"><element>encoder 7</element><text>Signal lost</text></alarm>
</alarms>
"""

import json
from collections import Counter
from xml.etree import ElementTree

from automation.sdk import ApiTriggerInput, ApiTriggerOutput, Engine, StatusCode

LONGEST = 1_000_000


class PlainXml(ElementTree.TreeBuilder):
    """Refuses a DOCTYPE, and with it entities that could expand without limit."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        """The parser calls this at the beginning of a DOCTYPE, before it reads what is in it."""
        raise ValueError("A DOCTYPE is not allowed.")


def on_api_trigger(engine: Engine, request: ApiTriggerInput) -> ApiTriggerOutput:
    """Answer with the number of alarms by severity, and the critical ones in full."""
    if len(request.raw_body) > LONGEST:
        return _refused(413, "Too large", f"At most {LONGEST} characters of XML are read.")
    try:
        root = ElementTree.fromstring(request.raw_body, ElementTree.XMLParser(target=PlainXml()))  # noqa: S314 - see PlainXml
    except (ElementTree.ParseError, ValueError) as error:
        return _refused(StatusCode.BAD_REQUEST, "Invalid XML", str(error))
    alarms = [(each.get("severity", "Unknown"), each) for each in root.iter("alarm")]
    critical = [
        {"element": each.findtext("element", ""), "text": each.findtext("text", "")}
        for severity, each in alarms
        if severity == "Critical"
    ]
    counts = Counter(severity for severity, _ in alarms)
    return ApiTriggerOutput(response_body=json.dumps({"alarms": counts, "critical": critical}))


def _refused(code: int, title: str, detail: str) -> ApiTriggerOutput:
    """An error of this API, in the form of the platform's errors but without an errorCode."""
    return ApiTriggerOutput(code, json.dumps({"errors": [{"title": title, "detail": detail}]}))
