"""`manage.py new_script` writes a starter script and never overwrites a file."""

import io
import os

import pytest
from django.core.management import CommandError, call_command

from automation.source import compile_error, has_entry_point
from testbed.stack import ROOT


def new_script(*arguments) -> str:
    output = io.StringIO()
    call_command("new_script", *map(str, arguments), stdout=output)
    return output.getvalue()


@pytest.mark.parametrize(
    ("option", "entry_point", "missing"),
    [((), "on_api_trigger", "run"), (("--run",), "run", "on_api_trigger")],
)
def test_a_new_script_can_be_published_unchanged(tmp_path, option, entry_point, missing):
    told = new_script("status", "--directory", tmp_path, *option)
    source = (tmp_path / "status.py").read_text()
    assert compile_error(source) is None
    assert has_entry_point(source, entry_point)
    assert not has_entry_point(source, missing)
    assert f"run_script {tmp_path}/status.py" in told


def test_a_new_script_can_be_a_copy_of_an_example(tmp_path):
    for name, file in (("hook", "demo/github_webhook.py"), ("slash", "demo/templates/slack_command.py")):
        new_script(name, "--directory", tmp_path, "--example", (ROOT / file).stem)
        assert (tmp_path / f"{name}.py").read_text() == (ROOT / file).read_text()


@pytest.mark.parametrize("example", ["nothing", "encoder_status", "test_echo", "../manage"])
def test_an_unknown_example_is_refused_with_the_known_ones(tmp_path, example):
    """So is one that imports a library, which would be missing."""
    with pytest.raises(CommandError, match=r"The examples are alarms, .*github_webhook, .*twilio_message"):
        new_script("hook", "--directory", tmp_path, "--example", example)
    assert not list(tmp_path.iterdir())


def test_the_page_about_the_first_api_shows_the_new_script(tmp_path):
    new_script("hello", "--directory", tmp_path)
    assert (tmp_path / "hello.py").read_text() in (ROOT / "docs" / "tutorial" / "first-api.md").read_text()


def test_an_existing_file_is_not_overwritten(tmp_path):
    (tmp_path / "status.py").write_text("mine")
    with pytest.raises(CommandError, match="exists already and was not changed"):
        new_script("status.py", "--directory", tmp_path)
    (tmp_path / "link.py").symlink_to(tmp_path / "nowhere.py")
    with pytest.raises(CommandError, match="exists already"):
        new_script("link", "--directory", tmp_path)
    assert (tmp_path / "status.py").read_text() == "mine"
    assert not (tmp_path / "nowhere.py").exists()


@pytest.mark.parametrize("name", ["", "../x", "a/b", "7up", "class", "ünder", "a b", "a\nb", "-x.py", "json"])
def test_a_name_that_no_test_could_import_is_refused(tmp_path, name):
    with pytest.raises(CommandError, match=r"A name has|module of Python"):
        new_script("--directory", tmp_path, "--", name)
    assert not list(tmp_path.iterdir())


def test_a_missing_directory_is_created(tmp_path):
    new_script("status", "--directory", tmp_path / "apis")
    new_script("change", "--directory", tmp_path / "apis")
    assert len(list((tmp_path / "apis").iterdir())) == 2


def test_an_unusable_directory_is_named(tmp_path):
    with pytest.raises(CommandError, match=r"no/where/status\.py cannot be written: No such file"):
        new_script("status", "--directory", tmp_path / "no" / "where")
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match="cannot be written"):
        new_script("status", "--directory", tmp_path / "file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_without_the_right_to_write_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(CommandError, match="Permission denied"):
        new_script("status", "--directory", tmp_path)
