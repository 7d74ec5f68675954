"""The pages of automation scripts."""

import pytest

from automation.models import AutomationScript
from testbed.publisher import ECHO
from tests.console.conftest import FLAGS, errors, page, submit

MODEL = "automation_automationscript"
BOTH = "def on_api_trigger(engine, request):\n    pass\n\ndef run(engine):\n    pass\n"


def new(client, **values):
    """Send the form of a new script, valid but for what the test says."""
    return submit(client, page(MODEL, "add"), **{"name": "script", "source": BOTH} | values)


def test_a_script_is_made_as_it_was_written(admin):
    source = "\n    \n" + BOTH + "\n\n"
    response = new(admin, source=source.replace("\n", "\r\n"), parameters="one\r\n\r\n two words \r\n")
    assert response.status_code == 302
    made = AutomationScript.objects.get()
    assert made.source == source
    assert made.parameters == ["one", "two words"]
    assert (made.timeout_seconds, made.created_by) == (60, "root")
    assert (made.memory_limit_mb, made.reuse) == (512, "warm")


def test_memory_limit_and_reuse_are_chosen_in_the_form(admin):
    assert new(admin, memory_limit_mb=64, reuse="fresh").status_code == 302
    made = AutomationScript.objects.get()
    assert (made.memory_limit_mb, made.reuse) == (64, "fresh")


def test_a_form_sent_back_as_it_came_changes_nothing(admin, make):
    source = "\n" + BOTH
    script = make.script(source, parameters=["a", "b"])
    opened = admin.get(page(MODEL, "change", script.pk))
    # Browsers drop one newline after the tag.
    assert b">\n\ndef on_api_trigger" in opened.content
    form = opened.context["adminform"].form
    assert form["parameters"].value() == "a\nb"
    assert submit(admin, page(MODEL, "change", script.pk)).status_code == 302
    script.refresh_from_db()
    assert (script.source, script.parameters) == (source, ["a", "b"])


@pytest.mark.parametrize(
    ("values", "field", "text"),
    [
        ({"name": ""}, "name", "This field is required"),
        ({"name": "n" * 201}, "name", "at most 200"),
        ({"source": ""}, "source", "This field is required"),
        ({"source": "x = 1\r\ndef run(engine:\r\n"}, "source", "Line 2: "),
        ({"source": "x = '%s' %% 1 %"}, "source", "Line 1: "),
        ({"source": "x = 1"}, "source", "needs a function on_api_trigger"),
        ({"parameters": "a\na"}, "parameters", "given twice"),
        ({"timeout_seconds": 0}, "timeout_seconds", "1 to 86400"),
        ({"timeout_seconds": 86_401}, "timeout_seconds", "1 to 86400"),
        ({"timeout_seconds": ""}, "timeout_seconds", "This field is required"),
        ({"memory_limit_mb": 63}, "memory_limit_mb", "64 to 65536"),
        ({"memory_limit_mb": 65_537}, "memory_limit_mb", "64 to 65536"),
        ({"reuse": "cold"}, "reuse", "not one of the available choices"),
    ],
)
def test_a_refused_script_says_why(admin, values, field, text):
    shown = errors(new(admin, **values))
    assert list(shown) == [field]
    assert text in " ".join(shown[field])
    assert not AutomationScript.objects.exists()


def test_a_name_in_use_is_refused(admin, make):
    make.script(name="script")
    assert errors(new(admin)) == {"name": ["Another script has this name."]}


@pytest.mark.parametrize("name", ["add", "change"])
def test_the_form_warns_what_scripts_can_do(admin, make, name):
    script = make.script()
    content = admin.get(page(MODEL, name, *([script.pk] if name == "change" else []))).content.decode()
    assert "rights of the worker's system account" in content


def test_the_source_of_a_script_in_use_needs_execute(visit, make):
    client = visit(*FLAGS - {"automation.execute"})
    used, unused = make().definition.script, make.script()
    shown = errors(submit(client, page(MODEL, "change", used.pk), source=BOTH))
    assert "Automation > Execute" in shown["source"][0]
    assert submit(client, page(MODEL, "change", used.pk), description="x").status_code == 302
    assert submit(client, page(MODEL, "change", unused.pk), source=ECHO + "\n").status_code == 302
    shown = errors(submit(client, page(MODEL, "change", unused.pk), source=BOTH))
    assert "call a script with run(engine) by its name" in shown["source"][0]
    used.refresh_from_db()
    assert (used.source, used.description) == (ECHO, "x")


def test_viewers_read_the_source_line_by_line(visit, make):
    script = make.script("# a < b\n" + BOTH, parameters=["one", "two"])
    content = visit("automation.ui_available").get(page(MODEL, "change", script.pk)).content.decode()
    assert "# a &lt; b\ndef on_api_trigger(engine, request):\n    pass" in content
    assert "Reuse the process (faster)" in content
    assert ">one</code>" in content
    assert ">two</code>" in content
    assert "readonly" in content
    assert 'name="_save"' not in content
