"""The demo's scripts, published under the demo's routes."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from definitions.models import ActionType, InputType
from tests.publishing import Publisher
from tests.stack import ROOT, Stack

DEMO = ROOT / "demo"


@dataclass
class Demo:
    stack: Stack
    secret: str

    def call(self, method: str, route: str, **options) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.secret}"} | options.pop("headers", {})
        return self.stack.client.request(method, f"/api/custom/{route}", headers=headers, **options)


APIS: list[tuple[str, str, dict[str, Any]]] = [
    ("echo", "demo/echo", {}),
    ("encoder_status", "demo/encoders/{id}/status", {}),
    ("change_encoder", "demo/encoders/{id}", {"input_type": InputType.PARAMETERS}),
    ("encoders_csv", "demo/encoders.csv", {}),
    ("alarms", "demo/alarms", {}),
    ("logbook", "demo/logbook", {"action_type": ActionType.NO_ENTRY_POINT, "parameters": ["author", "text"]}),
    ("scan", "demo/scans", {"parameters": ["scan", "channels"]}),
    ("scan_status", "demo/scans/{id}", {}),
]


@pytest.fixture
def demo(stack, publish: Publisher) -> Demo:
    token = publish.token()
    for name, route, fields in APIS:
        publish((DEMO / f"{name}.py").read_text(), route=route, name=name, token=token, **fields)
    return Demo(stack, token[1])
