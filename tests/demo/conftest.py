"""The demo as the first start loads it."""

from dataclasses import dataclass

import httpx
import pytest

from as_code.importer import import_files
from as_code.permissions import Actor
from testbed.stack import ROOT, Stack

DEMO = ROOT / "demo"


@dataclass
class Demo:
    stack: Stack
    secret: str

    def call(self, method: str, route: str, **options) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.secret}"} | options.pop("headers", {})
        return self.stack.client.request(method, f"/api/custom/{route}", headers=headers, **options)


@pytest.fixture
def demo(stack) -> Demo:
    report = import_files([DEMO / "apis.yaml"], Actor())
    return Demo(stack, report.secrets["demo"])
