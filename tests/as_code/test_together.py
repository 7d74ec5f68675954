"""New objects are added together, with the same result as if each were saved by itself."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection
from django.db.models import F, Model
from django.db.models.signals import post_save
from django.test.utils import CaptureQueriesContext

from as_code import importer
from automation.models import AutomationScript
from definitions.changes import add_definitions, save_definition
from definitions.models import AllowedToken, ApiDefinition, RoutePrefix
from events.models import InformationEvent
from objects.authorship import AuthoredModel
from objects.changes import add_checked, added_together, save_checked
from search.models import Intent
from testbed.publisher import ECHO, Publisher
from tests.as_code.conftest import import_apis, refused
from tests.refusals import refused as refused_change
from tokens.models import ApiToken

pytestmark = pytest.mark.django_db

_OF_EVENTS = ("message", "user", "user_name", "verb", "object_type", "object_id", "properties", "position")
OWN_DIFFERENCES = {"id", "created_at", "last_modified", "secret_digest", "script_id"}


def _objects(count: int) -> str:
    """Scripts, tokens, and definitions with static and dynamic routes."""
    numbers = range(count)
    scripts = "".join(f"  - {{name: s{n}, source: status.py}}\n" for n in numbers)
    tokens = "".join(f"  - {{name: t{n}, isDisabled: {'false' if n % 2 else 'true'}}}\n" for n in numbers)
    definitions = "".join(
        f"  - {{route: 'Area/{n}{'/{id}' if n % 2 else ''}', script: s{n}, allowedTokens: [t{n}, t0]}}\n"
        for n in numbers
    )
    return f"scripts:\n{scripts}tokens:\n{tokens}definitions:\n{definitions}"


def _columns(model: type[Model], by: str) -> list[dict[str, Any]]:
    rows = model._base_manager.order_by(by).values()
    return [{name: value for name, value in row.items() if name not in OWN_DIFFERENCES} for row in rows]


def _stored() -> dict[str, Any]:
    """Everything except ids, times and secrets."""
    titles = {script.pk: script.name for script in AutomationScript.objects.all()}
    titles |= {token.pk: token.name for token in ApiToken.objects.all()}
    titles |= {definition.pk: definition.route for definition in ApiDefinition.objects.all()}
    return {
        "scripts": _columns(AutomationScript, "name"),
        "tokens": _columns(ApiToken, "name"),
        "definitions": _columns(ApiDefinition, "route"),
        "used": sorted(ApiDefinition.objects.values_list("route", "script__name")),
        "allowed": sorted(AllowedToken.objects.values_list("definition__route", "token__name")),
        "prefixes": sorted(RoutePrefix.objects.values_list("definition__route", "prefix")),
        "intents": sorted((intent.kind, titles[_uuid(intent.object_id)]) for intent in Intent.objects.all()),
        "events": [
            event | {"message": event["message"].replace(str(event["object_id"]), ""), "object_id": None}
            for event in InformationEvent._base_manager.order_by("number").values(*_OF_EVENTS)
        ],
    }


def _uuid(text: str) -> Any:
    return AutomationScript._meta.pk.to_python(text)


def _one_by_one(*args: Any, **kwargs: Any) -> None:
    raise IntegrityError


def test_objects_added_together_are_stored_as_if_added_one_by_one(files, settings, monkeypatch, django_user_model):
    django_user_model.objects.create_superuser("jane", first_name="Jane", last_name="Doe")
    Publisher.forget_people()
    settings.ELASTICSEARCH_URL = "http://localhost:1"
    monkeypatch.setattr(importer, "TOGETHER", 4)
    main = files(_objects(10))
    import_apis(main, "--as", "jane")
    together = _stored()
    assert len(together["events"]) == 30
    assert len(together["intents"]) == 20
    Publisher.clean()
    Intent.objects.all().delete()
    monkeypatch.setattr(importer, "add_checked", _one_by_one)
    monkeypatch.setattr(importer, "add_definitions", _one_by_one)
    import_apis(main, "--as", "jane")
    assert _stored() == together


def test_ten_times_as_many_objects_need_no_more_queries(files):
    counts = []
    for count in (3, 30):
        main = files(_objects(count))
        with CaptureQueriesContext(connection) as captured:
            import_apis(main)
        counts.append(len(captured))
        Publisher.clean()
    few, many = counts
    assert many - few < 10, counts


def test_faults_are_found_in_every_batch(files):
    other = Publisher()(route="Area/7/{number}").definition
    text = _objects(10).replace("name: s5,", f"name: {'x' * 201},").replace("script: s5", "script: s6")
    text = text.replace("name: t3,", "name: ' ', key: t3,")
    text = text.replace("route: 'Area/7/{id}'", "id: 2faa728c-218d-4139-8aa1-8f033c60dd07, route: 'Area/7/{id}'")
    script, token, definition, end = refused(files(text)).splitlines()
    assert "apis.yaml:7: script 'xxx" in script
    assert "apis.yaml:16: token ' '" in token
    assert f"apis.yaml:31: definition 'Area/7/{{id}}': The API definition {other.pk} matches" in definition
    assert end == "3 fault(s), nothing was changed."


def _scripts() -> list[AutomationScript]:
    return [AutomationScript(name=name, source=ECHO) for name in "abc"]


def _tokens() -> list[ApiToken]:
    tokens = [ApiToken(name=name) for name in "abc"]
    for token in tokens:
        token.set_secret(None)
    return tokens


def _definitions() -> list[ApiDefinition]:
    script = Publisher().script()
    return [ApiDefinition(route=f"{name}/{{id}}", script=script) for name in "abc"]


def _spoil(objects: list[Any], name: str, value: Any) -> None:
    setattr(objects[1], name, value)


@pytest.mark.parametrize(
    ("make", "name", "value"),
    [
        (_scripts, "name", " "),
        (_scripts, "name", "a"),
        (_scripts, "timeout_seconds", 0),
        (_tokens, "name", ""),
        (_tokens, "rate_limit", 101),
        (_tokens, "pepper_id", None),
        (_definitions, "route", "a//b"),
        (_definitions, "route", "A/{other}"),
        (_definitions, "input_type", "Xml"),
        (_definitions, "script", None),
    ],
)
def test_objects_added_together_are_all_refused_with_one_of_them(make: Callable[[], list[AuthoredModel]], name, value):
    objects = make()
    before = InformationEvent.objects.count()
    _spoil(objects, name, value)
    with pytest.raises((ValidationError, IntegrityError)):
        add_checked(objects, "system")
    model = type(objects[0])
    assert not model._base_manager.filter(pk__in=[one.pk for one in objects]).exists()
    assert InformationEvent.objects.count() == before
    assert not RoutePrefix.objects.exists()
    save_checked(objects[0], "somebody")
    stored = model._base_manager.get(pk=objects[0].pk)
    assert (stored.revision, stored.created_by, objects[0].acting) == (1, "somebody", "system")


def test_a_deleted_token_refuses_all_definitions_added_together():
    definitions, gone = _definitions(), Publisher().token()[0]
    pk = gone.pk
    gone.delete()
    change = (definitions, "system", {definitions[2].pk: {pk}})
    assert refused_change(add_definitions, *change) == ("InvalidField", {"field": "allowedTokens"})
    assert not ApiDefinition.objects.exists()
    save_definition(definitions[2], "system", [])


def test_a_script_that_has_lost_its_entry_point_refuses_all_definitions_added_together():
    definitions = _definitions()
    script = AutomationScript.objects.get()
    script.source = "def run(engine):\n    pass\n"
    save_checked(script, "system")
    assert definitions[0].script is not script
    assert refused_change(add_definitions, definitions, "system", {})[0] == "InvalidActionMeta"


@pytest.mark.parametrize("model", [AutomationScript, ApiToken, ApiDefinition])
def test_receivers_of_saves_also_receive_additions(model):
    """Adding together sends no `post_save`, so an app without a receiver of `added_together` misses new objects."""
    assert _listeners(added_together, model) == _listeners(post_save, model) != set()


def _listeners(signal: Any, model: type[Model]) -> set[str]:
    receivers, _asynchronous = signal._live_receivers(model)[:2]
    return {receiver.__module__ for receiver in receivers}


def test_revisions_of_objects_added_together_count_on(files):
    import_apis(files(_objects(2)))
    import_apis(files(_objects(2).replace("isDisabled: false", "isDisabled: true")))
    assert dict(ApiToken.objects.values_list("name", F("revision"))) == {"t0": 1, "t1": 2}
