"""An import compares, shows, changes and prunes, all in one transaction."""

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from automation.models import AutomationScript
from definitions.models import ApiDefinition, RoutePrefix
from events.models import InformationEvent
from testbed.publisher import ECHO, Publisher
from testbed.stack import ROOT
from tests.as_code.conftest import GOOD, export, import_apis, refused, state
from tokens.models import ApiToken


@pytest.mark.django_db
class TestImport:
    def test_new_objects_are_created_with_an_event_each(self, files):
        import_apis(files())
        definition = ApiDefinition.objects.get()
        script = AutomationScript.objects.get()
        assert (definition.route, definition.script, script.name) == ("encoders/{id}/status", script, "status")
        assert sorted(definition.allowed_tokens.values_list("name", flat=True)) == ["monitoring", "other"]
        assert script.parameters == ["area"]
        events = InformationEvent.objects.order_by("number").values_list("object_type", "verb", "user")
        assert list(events) == [
            ("AutomationScript", "added", "system"),
            ("ApiToken", "added", "system"),
            ("ApiToken", "added", "system"),
            ("ApiDefinition", "added", "system"),
        ]

    def test_a_second_import_changes_nothing(self, files):
        import_apis(files())
        before = state()
        assert "4 added" not in import_apis(files())
        assert state() == before

    def test_only_objects_that_differ_are_changed(self, files):
        import_apis(files())
        main = files(GOOD.replace("limit: 60,", "limit: 61,"))
        import_apis(main)
        assert sorted(ApiToken.objects.values_list("name", "rate_limit", "revision")) == [
            ("monitoring", 61, 2),
            ("other", None, 1),
        ]
        assert InformationEvent.objects.count() == 5

    def test_a_property_that_is_left_out_gets_its_default(self, files):
        import_apis(files())
        import_apis(files(GOOD.replace("    parameters: [area]\n", "").replace("    allowedTokens", "    name: x\n#")))
        definition = ApiDefinition.objects.get()
        assert AutomationScript.objects.get().parameters == []
        assert (definition.name, definition.allowed_tokens.count()) == ("x", 0)

    def test_a_changed_token_keeps_its_secret(self, files):
        token = Publisher().token(name="monitoring")[0]
        import_apis(files())
        assert ApiToken.objects.get(pk=token.pk).secret_digest == token.secret_digest

    def test_a_dry_run_shows_the_difference_and_changes_nothing(self, files):
        import_apis(files())
        before = state()
        changed = GOOD.replace("limit: 60,", "limit: 61,").replace("  - name: other\n", "  - name: third\n")
        main = files(changed.replace(", other]", ", third]"), **{"status.py": ECHO.replace("raw_body", "route")})
        printed = import_apis(main, "--dry-run", "--prune").splitlines()
        assert state() == before
        assert "--- script status" in printed
        assert "-      return ApiTriggerOutput(response_body=request.raw_body)" in printed
        assert "+      return ApiTriggerOutput(response_body=request.route)" in printed
        assert {"-  limit: 60", "+  limit: 61", "+name: third", "-name: other"} <= set(printed)
        assert {"--- definition encoders/{id}/status", "-  - other", "+  - third"} <= set(printed)
        assert printed[-1] == "A dry run: nothing was changed."

    def test_a_dry_run_finds_the_faults_of_rules(self, files):
        Publisher()(route="a")
        main = files("tokens:\n  - name: ' '\n")
        assert "apis.yaml:2" in refused(main, "--dry-run")

    def test_objects_can_exchange_names_and_routes(self, files, tmp_path):
        publish = Publisher()
        one, other = publish(route="one/{a}", name="first"), publish(route="other/{b}", name="second")
        export(tmp_path)
        main = tmp_path / "apis.yaml"
        swapped = main.read_text()
        for a, b in (("one/{a}", "other/{b}"), ("name: first", "name: second"), ("script: first", "script: second")):
            swapped = swapped.replace(a, "\0").replace(b, a).replace("\0", b)
        main.write_text(swapped)
        import_apis(main)
        routes = dict(ApiDefinition.objects.values_list("pk", "route"))
        assert routes == {one.definition.pk: "other/{b}", other.definition.pk: "one/{a}"}
        assert AutomationScript.objects.get(api_definitions=one.definition).name == "second"
        assert set(RoutePrefix.objects.values_list("prefix", flat=True)) == {"/one", "/one/{}", "/other", "/other/{}"}
        assert InformationEvent.objects.filter(verb="updated").count() == 4

    def test_prune_deletes_what_no_file_names(self, files):
        import_apis(files())
        main = files("scripts:\n  - {name: new, source: status.py}\ntokens: []\ndefinitions: []\n")
        printed = import_apis(main, "--prune")
        assert "tokens: 0 added, 0 changed, 2 deleted, 0 unchanged" in printed
        assert list(AutomationScript.objects.values_list("name", flat=True)) == ["new"]
        assert not ApiDefinition.objects.exists()
        assert InformationEvent.objects.filter(verb="deleted", message__contains="'status'").count() == 1

    def test_prune_leaves_kinds_without_a_section_alone(self, files):
        import_apis(files())
        import_apis(files("definitions: []\n"), "--prune")
        assert (AutomationScript.objects.count(), ApiToken.objects.count()) == (1, 2)
        assert not ApiDefinition.objects.exists()

    def test_an_object_in_use_is_not_pruned(self, files):
        import_apis(files())
        message = refused(files("tokens: []\n"), "--prune")
        assert "apis.yaml:1: the token monitoring cannot be pruned: In use by 1 API definition(s)" in message

    def test_a_pruned_route_is_free_for_another(self, files):
        import_apis(files())
        old = ApiDefinition.objects.get().pk
        new = "2faa728c-218d-4139-8aa1-8f033c60dd07"
        import_apis(files(GOOD.replace("- route", f"- id: {new}\n    route")), "--prune")
        assert str(ApiDefinition.objects.get().pk) == new
        assert InformationEvent.objects.filter(object_id=old, verb="deleted").exists()

    def test_a_definition_may_refer_to_stored_objects(self, files):
        publish = Publisher()
        publish.script(name="stored script")
        publish.token(name="stored token")
        import_apis(files("definitions:\n  - {route: r, script: stored script, allowedTokens: [stored token]}\n"))
        assert ApiDefinition.objects.get().allowed_tokens.get().name == "stored token"

    def test_the_difference_can_be_printed_on_an_ascii_terminal(self, files):
        narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
        call_command("import_apis", str(files("tokens:\n  - name: 编码\n")), "--dry-run", stdout=narrow)
        narrow.seek(0)
        assert "+name: \\u7f16\\u7801" in narrow.read()

    def test_an_unknown_user_is_refused(self, files):
        assert "There is no user 'nobody'" in refused(files(), "--as", "nobody")
        assert "There is no user" in refused(files(), "--as", "a\0b")

    def test_changes_are_made_by_the_named_user(self, files, django_user_model):
        django_user_model.objects.create_superuser("jane", first_name="Jane", last_name="Doe")
        Publisher.forget_people()
        import_apis(files(), "--as", "jane")
        assert set(InformationEvent.objects.values_list("user", "user_name")) == {("Jane Doe", "jane")}
        assert ApiDefinition.objects.get().created_by == "jane"


_DEADLY = """
import os, signal, sys
import django
django.setup()
from django.core.management import call_command
from django.db import connection

left = int(sys.argv[2])

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def count(execute, sql, *context):
    global left
    left -= sql.startswith(("INSERT", "UPDATE", "DELETE"))
    return die() if left == 0 else execute(sql, *context)

connection.ensure_connection()
if left < 0:
    connection._commit = die
connection.execute_wrappers.append(count)
call_command("import_apis", sys.argv[1], "--prune")
"""


@pytest.mark.parametrize("when", [1, 10, 17, -1], ids=["first", "in between", "last", "at the commit"])
def test_an_import_that_is_killed_leaves_everything_as_it_was(open_db, tmp_path, files, when):
    Publisher()(route="before")
    many = GOOD + "".join(
        f"  - {{route: r/{number}, script: status, allowedTokens: [other]}}\n" for number in range(37)
    )
    main: Path = files(many)
    before = state()
    killed = subprocess.run(
        [sys.executable, "-c", _DEADLY, str(main), str(when)], cwd=ROOT, env=dict(os.environ), capture_output=True
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    connection.close()
    assert state() == before
    assert "definitions: 38 added, 0 changed, 1 deleted, 0 unchanged" in import_apis(main, "--prune")
    assert ApiDefinition.objects.count() == 38
