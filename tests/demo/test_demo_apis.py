"""Each API of the demo, called over HTTP as a client would."""

import csv
import io
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from automation.models import AutomationScript
from definitions.models import ApiDefinition
from testbed.stack import wait_until
from tests.automation.stored_credentials import stored_credential
from tests.demo.conftest import DEMO
from tests.edge.webhook_senders import github
from tests.endpoint.catalogue import assert_error


@pytest.fixture
def encoder() -> str:
    """A name that no other test uses, because the demo's state lives as long as the stack."""
    return f"enc-{uuid.uuid4().hex[:8]}"


def assert_refused(answer, status: int, detail: str) -> None:
    """An error of the script: in the form of the platform's errors, but without an errorCode."""
    assert answer.status_code == status, answer.text
    (entry,) = answer.json()["errors"]
    assert set(entry) == {"title", "detail"}
    assert detail in entry["detail"]


def test_every_demo_script_is_published(demo):
    files = {file.stem for file in DEMO.glob("*.py") if not file.name.startswith("test_")}
    scripts = yaml.safe_load((DEMO / "apis.yaml").read_text())["scripts"]
    assert {script["source"] for script in scripts} == {f"{name}.py" for name in files}
    libraries = {script["name"] for script in scripts if script.get("kind") == "Library"}
    assert set(ApiDefinition.objects.values_list("script__name", flat=True)) == files - libraries
    (encoders,) = libraries
    users = AutomationScript.objects.get(name=encoders).versions.get().uses
    assert set(users.values_list("version__script__name", flat=True)) == {
        "change_encoder",
        "encoder_status",
        "encoders_csv",
    }


def test_echo_answers_with_the_body(demo):
    assert demo.call("POST", "demo/echo", json={"a": 1}).json() == {"a": 1}


def test_an_encoder_is_created_changed_and_shown(demo, encoder):
    made = demo.call("PUT", f"demo/encoders/{encoder}", json={"state": "on"})
    assert (made.status_code, made.json()) == (201, {"id": encoder, "state": "on", "bitrate": 1000})
    changed = demo.call("PATCH", f"demo/encoders/{encoder}", json={"bitrate": 4500})
    assert (changed.status_code, changed.json()) == (200, {"id": encoder, "state": "on", "bitrate": 4500})
    assert demo.call("GET", f"demo/encoders/{encoder}/status").json() == changed.json()


def test_an_unknown_encoder_is_404_with_the_scripts_own_words(demo, encoder):
    assert_refused(demo.call("GET", f"demo/encoders/{encoder}/status"), 404, encoder)
    assert_refused(demo.call("PATCH", f"demo/encoders/{encoder}", json={"state": "on"}), 404, encoder)
    # A name must not lead to a file.
    assert_refused(demo.call("GET", "demo/encoders/..%5Cecho/status"), 404, "no encoder")


NONSENSE = [{"state": "maybe"}, {"state": True}, {"colour": "red"}]
NONSENSE += [{"bitrate": rate} for rate in (99, 50_001, "9" * 5_000, "-500", "0x100")]


def test_a_change_that_makes_no_sense_changes_nothing(demo, encoder):
    demo.call("PUT", f"demo/encoders/{encoder}", json={"state": "on", "bitrate": 2000})
    for change in NONSENSE:
        assert_refused(demo.call("PATCH", f"demo/encoders/{encoder}", json=change), 400, "An encoder has a state")
    assert demo.call("GET", f"demo/encoders/{encoder}/status").json()["bitrate"] == 2000
    assert_refused(demo.call("DELETE", f"demo/encoders/{encoder}"), 405, "PUT or PATCH")
    assert_error(demo.call("PUT", f"demo/encoders/{encoder}", json={"state": ["on"]}), 10)


def test_concurrent_changes_are_all_kept(demo, encoder):
    with demo.stack.another_worker(), ThreadPoolExecutor(8) as callers:
        names = [f"{encoder}-{number}" for number in range(24)]
        answers = callers.map(lambda name: demo.call("PUT", f"demo/encoders/{name}", json={"state": "on"}), names)
        assert {answer.status_code for answer in answers} == {201}
    assert {demo.call("GET", f"demo/encoders/{name}/status").status_code for name in names} == {200}


def test_the_csv_is_a_file_for_a_spreadsheet(demo, encoder):
    demo.call("PUT", f"demo/encoders/{encoder},ü", json={"state": "on", "bitrate": 3000})
    demo.call("PUT", f"demo/encoders/=cmd()-{encoder}", json={})
    answer = demo.call("GET", "demo/encoders.csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="encoders.csv"'
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0] == ["id", "state", "bitrate"]
    assert [f"{encoder},ü", "on", "3000"] in rows
    assert [f"'=cmd()-{encoder}", "off", "1000"] in rows


def test_xml_comes_in_and_json_goes_out(demo):
    xml = """<?xml version="1.0" encoding="UTF-8"?>
    <alarms xmlns:x="urn:x">
      <alarm severity="Critical"><element>encoder 7</element><text>Signal lost &amp; gone</text></alarm>
      <alarm severity="Minor"><element>mux</element></alarm><alarm severity="Minor"/><alarm/>
    </alarms>"""
    answer = demo.call("POST", "demo/alarms", content=xml, headers={"Content-Type": "application/xml"})
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.json() == {
        "alarms": {"Critical": 1, "Minor": 2, "Unknown": 1},
        "critical": [{"element": "encoder 7", "text": "Signal lost & gone"}],
    }


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


def test_invalid_or_malicious_xml_is_refused(demo):
    for xml, detail in [
        ("", "no element"),
        ("<alarms>", "no element"),
        ("plain text", "syntax error"),
        (f'<!DOCTYPE a [<!ENTITY l0 "lol">{LAUGHS}]><a>&l9;</a>', "DOCTYPE"),
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "DOCTYPE"),
        ('<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><a/>', "DOCTYPE"),
        ("<a>&undeclared;</a>", "undefined entity"),
    ]:
        answer = demo.call("POST", "demo/alarms", content=xml, headers={"Content-Type": "text/xml"})
        assert_refused(answer, 400, detail)


def test_xml_that_is_too_long_is_refused(demo):
    xml = f"<a>{'x' * 1_000_000}</a>"
    assert_refused(demo.call("POST", "demo/alarms", content=xml, headers={"Content-Type": "text/xml"}), 413, "1000000")


EVERY_BYTE = bytes(range(256))


def test_a_file_is_downloaded_as_it_was_uploaded(demo):
    name, image = f"{uuid.uuid4().hex}.png", {"Content-Type": "image/png"}
    made = demo.call("PUT", f"demo/attachments/{name}", content=EVERY_BYTE, headers=image)
    assert (made.status_code, made.json()["bytes"]) == (201, 256)
    answer = demo.call("GET", f"demo/attachments/{name}")
    assert (answer.headers["Content-Type"], answer.content) == ("image/png", EVERY_BYTE)
    assert_refused(demo.call("GET", f"demo/attachments/..%5C{name}"), 400, "A name has")
    assert_refused(demo.call("DELETE", f"demo/attachments/{name}"), 405, "PUT uploads")


def test_a_form_is_read(demo):
    answer = demo.call("POST", "demo/problems", data={"channel": ["7", "8"], "text": "No sound, é"})
    assert (answer.status_code, answer.json()) == (201, {"channels": ["7", "8"], "text": "No sound, é"})
    assert_refused(demo.call("POST", "demo/problems", data={"text": "x"}), 400, "a number for each channel")
    assert_error(demo.call("POST", "demo/problems", json={}), 1003)


def test_a_webhook_is_verified_with_a_credential(demo):
    sent = github("made-up-for-this-test", "push")
    fields = dict(sent.fields)
    # As the demo is loaded: nobody has stored the secret yet.
    assert_error(demo.call("POST", "demo/github", content=sent.body, headers=fields), 12)
    script = AutomationScript.objects.get(name="github_webhook")
    stored_credential("github-webhook", "made-up-for-this-test", [script])
    answer = demo.call("POST", "demo/github", content=sent.body, headers=fields)
    assert (answer.status_code, answer.json()["event"]) == (200, "push")
    assert_refused(demo.call("POST", "demo/github", content=sent.body + b" ", headers=fields), 401, "does not match")


def test_an_existing_script_writes_into_the_logbook(demo, encoder):
    answer = demo.call("POST", "demo/logbook", json={"author": encoder, "text": "all\nquiet"})
    assert (answer.status_code, answer.content) == (200, b"")
    book = Path(demo.stack.data.state_dir, "demo-logbook.txt").read_text()
    assert f"Z {encoder}: all quiet\n" in book.replace("+00:00", "Z")
    assert_error(demo.call("POST", "demo/logbook", json={"author": encoder}), 16, missing=["text"])
    assert_error(demo.call("POST", "demo/logbook", json={"author": encoder, "text": " "}), 12)
    assert "An entry needs an author and a text." in demo.stack.log_text("manager.log")


def test_a_scan_is_accepted_and_shows_its_progress(demo):
    begun = demo.call("POST", "demo/scans", params={"channels": "3"})
    assert begun.status_code == 202, begun.text
    where = begun.headers["Location"].removeprefix("/api/custom/")
    assert where == f"demo/scans/{begun.json()['id']}"
    notes = []

    def is_done():
        notes.append(demo.call("GET", where).json())
        return notes[-1]["state"] == "done"

    wait_until(is_done, what="the scan")
    assert notes[-1] == {"id": begun.json()["id"], "state": "done", "done": 3, "channels": 3}
    assert [note["done"] for note in notes] == sorted(note["done"] for note in notes)


def test_a_scan_of_an_invalid_number_of_channels_is_refused(demo):
    for channels in ("0", "-1", "1001", "99999", "many", ""):
        assert_refused(demo.call("POST", "demo/scans", params={"channels": channels}), 400, "1 to 1000")


def test_an_unknown_scan_is_404(demo):
    for scan in ("7", "%2e%2e%5cx", str(uuid.UUID(int=0))):
        assert_refused(demo.call("GET", f"demo/scans/{scan}"), 404, "no such scan")
