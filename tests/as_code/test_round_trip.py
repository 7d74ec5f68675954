"""Export, import into an empty database and export again give the same files, whatever the names."""

import json
import stat
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from as_code import yaml_format
from as_code.files import file_names
from automation.granted import granted
from automation.models import AutomationScript, Credential, CredentialGrant
from definitions.changes import save_definition
from definitions.content_types import default_content_types
from definitions.models import ActionType, ApiDefinition, KeepBodies
from events.models import InformationEvent
from foundation.texts import is_storable
from objects.changes import save_checked
from testbed.publisher import ECHO, Publisher
from tests.as_code.conftest import export, import_apis, refused, run, state
from tests.automation.stored_credentials import stored_credential
from tokens import peppers, secrets
from tokens.models import ApiToken

pytestmark = pytest.mark.django_db

ODD_NAMES = [
    "plain", "Plain", "PLAIN", "a/b", "../../etc/passwd", "con", "yes", "12", "1.50", "2026-01-01", "~", "null", "- x",
    "a: b", "# c", "{d}", "*e", "&f", "!g", "%h", "@i", "`j", "'k'", '"l"', " padded ", "tab\tinside", "line\nbreak",
    "编码器", "Ünïcödé", "e\u0301", "🚀", "\u2028separator", "\x07bell", "\x85nel", "\ufeffbom", "x" * 200, ".hidden",
]  # fmt: skip


def _publish_odd_ones() -> None:
    publish = Publisher()
    other = publish.script(name="other")
    for number, name in enumerate(ODD_NAMES):
        source = ECHO + ("# no line break at the end" if number % 2 else "\r\n# other line ends\r\n")
        script = publish.script(
            source, name=name, description=f"{name}\n  and\n\nmore ", parameters=[name], timeout_seconds=number + 1
        )
        twins = [publish.token(name=name)[0], publish.token(name=name, is_disabled=True)[0]]
        definition = ApiDefinition(name=name, description=name, route=f"odd/{number}/{{编码}}", script=script)
        definition.keep_bodies, definition.max_concurrent = KeepBodies.values[number % 3], number or None
        definition.objective_success_rate = [None, 99.9, 50.0][number % 3]
        definition.objective_p95_milliseconds, definition.server_timing = [None, 250][number % 2], number % 2 == 1
        definition.content_types = [default_content_types(), ["*/*"], ["image/png", "text/csv"]][number % 3]
        save_definition(definition, "somebody", twins)
        credential = stored_credential(name, f"value {number}\n", [script, *([other] if number % 2 else [])])
        credential.description = name
        save_checked(credential, "somebody")
    run_only = publish.script("def run(engine):\n    pass\n", name="run only", memory_limit_mb=64, reuse="fresh")
    definition = ApiDefinition(route="run", script=run_only, action_type=ActionType.NO_ENTRY_POINT, input_type="")
    save_definition(definition, "somebody", [publish.token(name="limited", rate_limit=1, rate_window_seconds=2)[0]])


def _values(script: AutomationScript) -> list[tuple[object, ...]]:
    return [(name, found.id, found.value) for name, found in granted(str(script.pk)).items()]


def _contents() -> list[object]:
    """Everything that users have entered."""
    scripts = "pk", "name", "description", "source", "parameters", "timeout_seconds", "memory_limit_mb", "reuse"
    tokens = "pk", "name", "is_disabled", "rate_limit", "rate_window_seconds"
    definitions = (
        "pk",
        "name",
        "description",
        "route",
        "action_type",
        "script",
        "input_type",
        "content_types",
        "keep_bodies",
        "max_concurrent",
        "objective_success_rate",
        "objective_p95_milliseconds",
        "server_timing",
    )
    rows: list[list[tuple[object, ...]]] = [
        list(AutomationScript.objects.order_by("pk").values_list(*scripts)),
        list(ApiToken.objects.order_by("pk").values_list(*tokens)),
        list(Credential.objects.order_by("pk").values_list("pk", "name", "description")),
        sorted(CredentialGrant.objects.values_list("credential", "script")),
        sorted(value for script in AutomationScript.objects.all() for value in _values(script)),
        list(ApiDefinition.objects.order_by("pk").values_list(*definitions)),
    ]
    return [*rows, sorted(ApiDefinition.objects.values_list("pk", "allowed_tokens"))]


def test_export_import_and_export_give_the_same_files_and_objects(tmp_path):
    _publish_odd_ones()
    before, first = _contents(), export(tmp_path / "first")
    Publisher.clean()
    assert not ApiDefinition.objects.exists()
    values = tmp_path / "values.json"
    values.write_text(json.dumps({name: f"value {number}\n" for number, name in enumerate(ODD_NAMES)}))
    values.chmod(0o600)
    import_apis(tmp_path / "first" / "apis.yaml", "--secrets-from", values)
    assert _contents() == before
    assert export(tmp_path / "second") == first
    after = state()
    printed = import_apis(tmp_path / "first" / "apis.yaml", "--prune", "--secrets-from", values)
    assert state() == after, "a second import changes nothing and leaves no event"
    assert "0 added, 0 changed, 0 deleted" in printed


def test_an_export_contains_no_versions_times_or_authors(tmp_path):
    publish = Publisher()
    publish(route="a")
    first = export(tmp_path)
    script = AutomationScript.objects.get()
    save_checked(script, by="somebody else")
    assert export(tmp_path) == first
    text = first["apis.yaml"].lower()
    assert not [word for word in ("version", "created", "modified", "system") if word in text]


def test_a_further_export_removes_deleted_scripts_and_keeps_other_files(tmp_path):
    publish = Publisher()
    gone = publish.script(name="gone")
    publish.script(name="stays")
    export(tmp_path)
    (tmp_path / "scripts" / "own.py").write_text("# not exported")
    gone.delete()
    assert set(export(tmp_path)) == {"apis.yaml", "apis.schema.json", "scripts/stays.py", "scripts/own.py"}


def test_an_apis_yaml_that_is_not_an_export_is_not_overwritten(tmp_path):
    (tmp_path / "apis.yaml").write_text("own: file\n")
    with pytest.raises(Exception, match="is not an export"):
        run("export_apis", tmp_path)
    assert (tmp_path / "apis.yaml").read_text() == "own: file\n"


def test_an_export_replaces_a_link_instead_of_writing_through_it(tmp_path):
    Publisher().script(name="linked")
    other = tmp_path / "other.py"
    other.write_text("mine")
    (tmp_path / "export" / "scripts").mkdir(parents=True)
    (tmp_path / "export" / "scripts" / "linked.py").symlink_to(other)
    assert export(tmp_path / "export")["scripts/linked.py"] == ECHO
    assert other.read_text() == "mine"


def test_an_export_contains_no_secret_and_no_digest(tmp_path):
    secret = Publisher().token(name="t")[1]
    token = ApiToken.objects.get()
    exported = "".join(export(tmp_path).values())
    assert "t" in exported
    for part in (secret, token.secret_digest, secret[6:], peppers.check(1)):
        assert str(part) not in exported


def test_exported_digests_keep_secrets_valid_under_the_same_pepper(tmp_path, settings):
    api = Publisher()(route="a")
    exported = "".join(export(tmp_path, "--with-digests").values())
    assert api.token.secret_digest in exported
    assert api.secret not in exported
    assert stat.S_IMODE((tmp_path / "apis.yaml").stat().st_mode) == 0o600
    main = tmp_path / "apis.yaml"
    Publisher.clean()
    import_apis(main)
    assert ApiToken.objects.get().secret_digest == secrets.digest(api.secret, settings.UDAPI_PEPPERS[1])
    before = state()
    import_apis(main)
    assert state() == before
    Publisher.clean()
    settings.UDAPI_PEPPERS = {1: b"another pepper of the same id, 32 bytes"}
    assert "a pepper that is not active here" in refused(main)


def test_a_digest_of_another_token_is_refused(tmp_path, files):
    token = Publisher().token(name="first")[0]
    digest = f'{{pepperId: 1, pepperCheck: "{peppers.check(1)}", value: "{token.secret_digest}"}}'
    message = refused(files(f"tokens:\n  - name: second\n    secretDigest: {digest}\n"))
    assert "apis.yaml:3: token 'second': Another token has this secret." in message


def test_a_dry_run_shows_no_digest(tmp_path):
    token = Publisher().token(name="t")[0]
    export(tmp_path, "--with-digests")
    Publisher.clean()
    printed = import_apis(tmp_path / "apis.yaml", "--dry-run")
    assert token.secret_digest not in printed
    assert "the one in the file" in printed


def test_secrets_of_new_tokens_are_written_to_a_private_file(files, tmp_path):
    target = tmp_path / "secrets.json"
    printed = import_apis(files(), "--secrets-to", target)
    known = json.loads(target.read_text())
    assert set(known) == {"monitoring", "other"}
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    digests = {peppers.digests(secret)[1] for secret in known.values()}
    assert digests == set(ApiToken.objects.values_list("secret_digest", flat=True))
    assert not [secret for secret in known.values() if secret in printed]
    assert not [event for event in InformationEvent.objects.all() if known["other"] in str(event.properties)]
    assert "exists already" in refused(files(), "--secrets-to", target)
    assert not list(tmp_path.glob("*.new"))


def test_a_refused_import_leaves_no_secret_file(files, tmp_path):
    refused(files("tokens:\n  - name: a\n  - name: ' '\n"), "--secrets-to", tmp_path / "secrets.json")
    assert not list(tmp_path.glob("secrets*"))


@settings(max_examples=150, deadline=None)
@given(st.text().filter(is_storable))
def test_every_text_can_be_written_and_read_back(text):
    root, faults = yaml_format.read_yaml(yaml_format.as_yaml({"a": [{"b": text}]}))
    assert root is not None, faults
    (item,) = root.value["a"].value
    assert item.value["b"].value == text


@given(st.lists(st.text(st.sampled_from("aAäÄ/.-_ 1é"), min_size=1, max_size=8), unique=True))
def test_file_names_are_safe_and_differ_on_every_disk(names):
    found = file_names(names)
    assert len({file.lower() for file in found.values()}) == len(names)
    assert all(set(file) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-.") for file in found.values())


def test_a_script_that_is_spelled_like_its_file_keeps_the_file_name():
    assert file_names(["status"])["status"] == "status.py"
    assert file_names(["status", "Status", "STATUS"])["status"] == "status.py"


def test_a_new_object_gets_the_id_in_the_file(files):
    identity = "2faa728c-218d-4139-8aa1-8f033c60dd07"
    import_apis(files(f"tokens:\n  - id: {identity}\n    name: a\n"))
    assert ApiToken.objects.get().pk == UUID(identity)
