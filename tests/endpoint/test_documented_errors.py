"""docs/reference/error-codes.md is the catalogue: each code with its HTTP status and its reasons."""

import re

from endpoint.errors import CATALOGUE
from fleet.answer import Reason
from testbed.stack import ROOT

ROW = re.compile(r"^\| (\d+) \| (\d+) \|([^|]*)\|", re.MULTILINE)


def test_documented_is_the_catalogue():
    page = (ROOT / "docs" / "reference" / "error-codes.md").read_text()
    documented = {
        (int(code), int(status), reason)
        for code, status, reasons in ROW.findall(page)
        for reason in re.findall(r"`(\w+)`", reasons)
    }
    assert documented == {(row.code, row.status, reason) for reason, row in CATALOGUE.items()}


def test_a_worker_node_reports_nothing_else():
    assert set(Reason) - {Reason.NEVER_STARTED} <= set(CATALOGUE)


def test_a_client_is_not_told_what_a_code_means():
    """The page for clients names codes only where they are to do something about it."""
    page = (ROOT / "docs" / "guides" / "calling-an-api.md").read_text()
    assert not [reason for reason in CATALOGUE if reason in page]
