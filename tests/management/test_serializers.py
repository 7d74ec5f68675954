"""What files, mirror and API derive from the serializers: names, defaults, reading and writing of each property."""

import pytest
from rest_framework.fields import empty

from automation.models import AutomationScript
from automation.serializers import CredentialSerializer, ScriptSerializer
from definitions.models import ApiDefinition
from definitions.serializers import DefinitionSerializer
from objects.serializers import StrictSerializer
from tokens.models import ApiToken
from tokens.serializers import TokenSerializer

ALL = [TokenSerializer, DefinitionSerializer, ScriptSerializer, CredentialSerializer]
TOKEN = ApiToken(name="a", is_disabled=True, rate_limit=5, rate_window_seconds=60)
SCRIPT = AutomationScript(
    name="s", description="d", kind="Library", source="x", parameters=["a"], timeout_seconds=5, reuse="fresh"
)


def test_content_is_what_clients_write_and_read():
    assert list(TokenSerializer.content()) == ["name", "isDisabled", "rateLimit"]
    assert list(ScriptSerializer.content()) == [
        "name", "description", "kind", "source", "parameters", "timeoutSeconds", "memoryLimitMb", "reuse",
    ]  # fmt: skip
    assert list(CredentialSerializer.content()) == ["name", "description", "allowedScripts"]
    required = {name for one in ALL for name, field in one.content().items() if field.required}
    assert required == {"name", "route", "source", "actionMeta"}


@pytest.mark.parametrize("serializer", ALL)
def test_defaults_are_those_of_the_model(serializer):
    blank = serializer.Meta.model()
    for name, field in serializer.content().items():
        if field.default is not empty:
            assert field.value_of(blank) == field.get_default(), name


@pytest.mark.parametrize(("serializer", "instance"), [(TokenSerializer, TOKEN), (ScriptSerializer, SCRIPT)])
def test_properties_are_read_from_one_instance_and_put_into_another(serializer, instance):
    copy = type(instance)()
    for field in serializer.content().values():
        field.put(copy, field.value_of(instance))
        assert field.value_of(copy) == field.value_of(instance)
    columns = serializer().columns()
    assert {getattr(copy, column) == getattr(instance, column) for column in columns if column != "secret"} == {True}


def test_a_nested_object_fills_its_columns_or_clears_them():
    limit, token = TokenSerializer.content()["rateLimit"], ApiToken()
    assert isinstance(limit, StrictSerializer)
    assert list(limit.properties) == ["limit", "windowSeconds"]
    limit.put(token, {"limit": 7, "windowSeconds": 8})
    assert (token.rate_limit, token.rate_window_seconds) == (7, 8)
    limit.put(token, None)
    assert (token.rate_limit, token.rate_window_seconds, limit.value_of(token)) == (None, None, None)


def test_columns_are_those_that_a_client_fills():
    assert TokenSerializer().columns() == ["name", "is_disabled", "rate_limit", "rate_window_seconds"]
    assert ScriptSerializer().columns() == [
        "name", "description", "kind", "source", "parameters", "timeout_seconds", "memory_limit_mb", "reuse",
        "version_note",
    ]  # fmt: skip
    assert DefinitionSerializer().columns() == [
        "name", "description", "is_disabled", "route", "action_type", "script", "input_type", "script_version",
        "content_types", "keep_bodies", "max_concurrent", "objective_success_rate", "objective_p95_milliseconds",
        "server_timing",
    ]  # fmt: skip
    assert CredentialSerializer().columns() == ["name", "description"]
    assert ApiDefinition().action_type == DefinitionSerializer.content()["actionType"].default
