"""Refused changes: status, reason and details."""

import pytest

from definitions.models import ApiDefinition
from tests.management.conftest import ROOT, only, refused
from tokens.models import ApiToken

NOBODY = "00000000-0000-4000-8000-000000000000"
GOOD = "def run(engine): pass"
SECRET = "an-own-secret-of-more-than-32-characters"


def field(name):
    return {"reason": "InvalidField", "field": name}


INVALID_NAME = {"reason": "InvalidName"}
INVALID_SECRET = {"reason": "InvalidSecret"}
TOKENS = [
    ({}, INVALID_NAME),
    ({"name": ""}, INVALID_NAME),
    ({"name": " \t\n"}, INVALID_NAME),
    ({"name": "n" * 201}, INVALID_NAME),
    ({"name": "a\0b"}, INVALID_NAME),
    ({"name": "a\ud800b"}, INVALID_NAME),
    ({"name": 5}, field("name")),
    ({"name": None}, field("name")),
    ({"name": ["x"]}, field("name")),
    ({"name": "x", "secret": ""}, INVALID_SECRET),
    ({"name": "x", "secret": "short"}, INVALID_SECRET),
    ({"name": "x", "secret": "s" * 513}, INVALID_SECRET),
    ({"name": "x", "secret": "not allowed " * 5}, INVALID_SECRET),
    ({"name": "x", "secret": "udapi_" + "A" * 46}, INVALID_SECRET),
    ({"name": "x", "secret": "\ud800" * 40}, INVALID_SECRET),
    ({"name": "x", "secret": 5}, field("secret")),
    ({"name": "x", "isDisabled": "true"}, field("isDisabled")),
    ({"name": "x", "isDisabled": 1}, field("isDisabled")),
    ({"name": "x", "isDisabled": None}, field("isDisabled")),
    ({"name": "x", "rateLimit": 5}, field("rateLimit")),
    ({"name": "x", "rateLimit": [1, 2]}, field("rateLimit")),
    ({"name": "x", "rateLimit": {"limit": 1, "windowSeconds": 1, "burst": 2}}, field("burst")),
    ({"name": "x", "colour": "red"}, field("colour")),
    ({"name": "x", "is_disabled": True}, field("is_disabled")),
    ({"name": "x", "secretDigest": "a"}, field("secretDigest")),
    ({"name": "x", "version": 1}, field("version")),
    *[
        ({"name": "x", name: value}, field(name))
        for name, value in {
            "id": NOBODY,
            "createdBy": "me",
            "createdAt": "2026-01-01T00:00:00Z",
            "lastModifiedBy": None,
            "lastModified": 5,
        }.items()
    ],
]
LIMITS = [
    {},
    {"limit": 5},
    {"windowSeconds": 5},
    {"limit": 0, "windowSeconds": 5},
    {"limit": 101, "windowSeconds": 5},
    {"limit": 5, "windowSeconds": 0},
    {"limit": 5, "windowSeconds": 86_401},
    {"limit": "5", "windowSeconds": 5},
    {"limit": True, "windowSeconds": 5},
    {"limit": 5.5, "windowSeconds": 5},
    {"limit": None, "windowSeconds": None},
    {"limit": 10**30, "windowSeconds": 5},
    {"limit": -1, "windowSeconds": 5},
]


@pytest.mark.parametrize(("body", "expected"), TOKENS)
def test_a_refused_token(admin, body, expected):
    assert only(admin.post(f"{ROOT}tokens/", body), 400) == expected
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(("body", "expected"), [case for case in TOKENS if case[0]])
def test_a_refused_change_of_a_token(admin, make, body, expected):
    token, _ = make.token()
    for method in (admin.patch, admin.put):
        assert only(method(f"{ROOT}tokens/{token.pk}/", body), 400) == expected | {"id": str(token.pk)}
    assert ApiToken.objects.get().revision == 1


RATES: list[object] = [0, 49.999, 100, 99.9999, -1, "99", True, []]
LONGEST: list[object] = [0, -1, 120_001, 5.5, "5", True, 10**30]
OBJECTIVES: list[dict[str, object]] = [
    {},
    {"successRate": None, "p95Milliseconds": None},
    *({"successRate": rate} for rate in RATES),
    *({"successRate": 99, "p95Milliseconds": limit} for limit in LONGEST),
]


@pytest.mark.parametrize("objectives", OBJECTIVES)
def test_refused_objectives(admin, make, objectives):
    address = f"{ROOT}definitions/{make().definition.pk}/"
    error = only(admin.patch(address, {"objectives": objectives}), 400)
    assert "a success rate from 50 to 99.999 percent" in error.pop("message") and error.pop("id")
    assert error == {"reason": "InvalidObjectives"}


@pytest.mark.parametrize("limit", LIMITS)
def test_a_refused_rate_limit(admin, limit):
    error = only(admin.post(f"{ROOT}tokens/", {"name": "x", "rateLimit": limit}), 400)
    assert error.pop("message")
    assert error == {"reason": "InvalidRateLimit"}


def test_the_secret_of_another_token_is_refused(admin, make):
    make.token(SECRET)
    other, _ = make.token()
    body = {"name": "x", "secret": SECRET}
    assert only(admin.post(f"{ROOT}tokens/", body), 400) == INVALID_SECRET
    for response in (
        admin.patch(f"{ROOT}tokens/{other.pk}/", {"secret": SECRET}),
        admin.post(f"{ROOT}tokens/{other.pk}/rotate/", {"secret": SECRET}),
    ):
        assert only(response, 400) == INVALID_SECRET | {"id": str(other.pk)}
        assert SECRET not in response.content.decode()


@pytest.mark.parametrize("secret", ["", "short", "udapi_" + "A" * 46])
def test_a_refused_rotation_leaves_the_secret(admin, make, secret):
    token, _ = make.token()
    before = token.secret_digest
    assert only(admin.post(f"{ROOT}tokens/{token.pk}/rotate/", {"secret": secret}), 400)["reason"] == "InvalidSecret"
    assert ApiToken.objects.get().secret_digest == before


@pytest.mark.parametrize("action", ["rotate", "enable", "disable"])
def test_actions_refuse_unknown_properties(admin, make, action):
    token, _ = make.token()
    assert only(admin.post(f"{ROOT}tokens/{token.pk}/{action}/", {"name": "x"}), 400)["field"] == "name"


def test_all_faults_are_listed(admin):
    errors = refused(admin.post(f"{ROOT}tokens/", {"name": " ", "secret": "short", "rateLimit": {"limit": 1}}), 400)
    assert {error["reason"] for error in errors} == {"InvalidName", "InvalidSecret", "InvalidRateLimit"}
    errors = refused(admin.post(f"{ROOT}tokens/", {"name": 1, "isDisabled": "no", "colour": 3}), 400)
    assert {error["field"] for error in errors} == {"name", "isDisabled", "colour"}


def test_a_token_in_use_is_not_deleted(admin, make):
    api = make()
    second = make(token=(api.token, api.secret))
    error = only(admin.delete(f"{ROOT}tokens/{api.token.pk}/"), 409)
    links = sorted(str(one.definition.pk) for one in (api, second))
    assert error == {"reason": "TokenInUse", "id": str(api.token.pk), "apiDefinitionIdLinks": links, "count": 2}


def test_a_script_in_use_is_not_deleted(admin, make):
    api = make()
    script = api.definition.script
    error = only(admin.delete(f"{ROOT}scripts/{script.name}/"), 409)
    assert error["reason"] == "ScriptInUse"
    assert error["apiDefinitionIdLinks"] == [str(api.definition.pk)]


DEFINITIONS = [
    ({"name": " \t"}, {"reason": "InvalidName"}),
    ({"name": "n" * 201}, {"reason": "InvalidName"}),
    ({"name": "\0"}, {"reason": "InvalidName"}),
    ({"description": "\ud800"}, field("description")),
    ({"description": "\0"}, field("description")),
    ({"description": None}, field("description")),
    *[
        ({"route": route}, {"reason": "InvalidRoute", "route": route})
        for route in ("", "/a", "a/", "a//b", "a/..", "a b", "a%b", "do{x}it", "{a}/{a}", "x" * 260, "a\0", "\ud800")
    ],
    ({"route": 5}, field("route")),
    ({"route": None}, field("route")),
    ({"actionType": "Other"}, field("actionType")),
    ({"actionType": 5}, field("actionType")),
    ({"actionMeta": 5}, field("actionMeta")),
    ({"actionMeta": None}, field("actionMeta")),
    ({"actionMeta": {"scriptName": "missing"}}, {"reason": "InvalidActionMeta"}),
    ({"actionMeta": {"scriptName": "\0"}}, {"reason": "InvalidActionMeta"}),
    ({"actionMeta": {"scriptName": 5}}, field("scriptName")),
    ({"actionMeta": {"scriptName": "echo", "inputType": "Other"}}, {"reason": "InvalidActionMeta"}),
    ({"actionMeta": {"scriptName": "echo", "inputType": ""}}, {"reason": "InvalidActionMeta"}),
    ({"actionMeta": {"scriptName": "echo", "script": 1}}, field("script")),
    (
        {"actionType": "AutomationScriptNoEntryPoint"},
        {"reason": "InvalidActionMeta", "entryPoint": "run"},
    ),
    (
        {
            "actionType": "AutomationScriptNoEntryPoint",
            "actionMeta": {"scriptName": "plain", "inputType": "RawBody"},
        },
        {"reason": "InvalidActionMeta"},
    ),
    ({"securitySettings": 5}, field("securitySettings")),
    ({"securitySettings": {"tokens": []}}, field("tokens")),
    ({"securitySettings": {"allowedTokens": "x"}}, field("allowedTokens")),
    ({"securitySettings": {"allowedTokens": ["x"]}}, field("allowedTokens")),
    ({"securitySettings": {"allowedTokens": [5]}}, field("allowedTokens")),
    ({"securitySettings": {"allowedTokens": [NOBODY]}}, field("allowedTokens")),
    *[({"contentTypes": value}, field("contentTypes")) for value in (None, "text/plain", [], [1], [None], ["text/*"])],
    *[({"keepBodies": value}, field("keepBodies")) for value in ("", "nothing", "Everything ", "\0", None, True, 1)],
    *[({"maxConcurrent": value}, field("maxConcurrent")) for value in (0, -1, 1_001, 10**30, "5", 5.5, True, "")],
    *[({"objectives": value}, field("objectives")) for value in (1, "", True)],
    ({"objectives": []}, field("objectives")),
    ({"objectives": {"successRate": 99, "p99Milliseconds": 1}}, field("p99Milliseconds")),
    *[({"serverTiming": value}, field("serverTiming")) for value in (None, 1, "true")],
    ({"scriptName": "echo"}, field("scriptName")),
    ({"signature": "/a"}, field("signature")),
    ({"createdBy": "me"}, field("createdBy")),
]


@pytest.mark.parametrize(("change", "expected"), DEFINITIONS)
def test_a_refused_definition(admin, make, change, expected):
    make.script(name="echo")
    make.script(GOOD, name="plain")
    body = {"route": "a", "actionMeta": {"scriptName": "echo"}} | change
    error = only(admin.post(f"{ROOT}definitions/", body), 400)
    # An object that a rule refused has the id that it would have got.
    error.pop("id", None)
    assert error == expected
    assert not ApiDefinition.objects.exists()


@pytest.mark.parametrize(("change", "expected"), DEFINITIONS)
def test_a_refused_change_of_a_definition(admin, make, change, expected):
    script = make.script(name="echo")
    make.script(GOOD, name="plain")
    definition = make(route="first").definition
    definition.script = script
    address = f"{ROOT}definitions/{definition.pk}/"
    assert only(admin.patch(address, change), 400) == expected | {"id": str(definition.pk)}
    assert ApiDefinition.objects.get().revision == 1


def test_a_definition_without_route_and_action_is_refused_with_both_reasons(admin):
    errors = refused(admin.post(f"{ROOT}definitions/", {}), 400)
    assert {error["reason"] for error in errors} == {"InvalidRoute", "InvalidActionMeta"}
    assert all(error["id"] for error in errors)


def test_a_route_in_use_is_a_conflict(admin, make):
    taken = make(route="ticket/{id}").definition
    other = make().definition
    body = {"route": "Ticket/{ticketId}", "actionMeta": {"scriptName": other.script.name}}
    expected = {"reason": "RouteInUse", "route": body["route"], "conflictingDefinitionId": str(taken.pk)}
    error = only(admin.post(f"{ROOT}definitions/", body), 409)
    assert error.pop("id") not in {str(taken.pk), str(other.pk)}
    assert error == expected
    assert only(admin.put(f"{ROOT}definitions/{other.pk}/", body), 409) == expected | {"id": str(other.pk)}
    # Together with another reason, the status is not that of a conflict.
    errors = refused(admin.patch(f"{ROOT}definitions/{other.pk}/", {"route": "ticket/{id}", "name": " "}), 400)
    assert {error["reason"] for error in errors} == {"RouteInUse", "InvalidName"}


SCRIPTS = [
    ({"name": ""}, {"reason": "InvalidName"}),
    ({"name": "\0"}, {"reason": "InvalidName"}),
    ({"name": 5}, field("name")),
    ({"description": "\0"}, field("description")),
    ({"source": 5}, field("source")),
    ({"source": "x = 1", "parameters": "a"}, field("parameters")),
    ({"parameters": [""]}, field("parameters")),
    ({"parameters": ["a", "a"]}, field("parameters")),
    ({"parameters": [1]}, field("parameters")),
    ({"parameters": ["\0"]}, field("parameters")),
    ({"timeoutSeconds": 0}, field("timeoutSeconds")),
    ({"timeoutSeconds": 86_401}, field("timeoutSeconds")),
    ({"timeoutSeconds": 10**30}, field("timeoutSeconds")),
    ({"timeoutSeconds": "5"}, field("timeoutSeconds")),
    ({"timeoutSeconds": True}, field("timeoutSeconds")),
    ({"memoryLimitMb": 63}, field("memoryLimitMb")),
    ({"memoryLimitMb": 65_537}, field("memoryLimitMb")),
    ({"memoryLimitMb": "512"}, field("memoryLimitMb")),
    ({"memoryLimitMb": None}, field("memoryLimitMb")),
    ({"reuse": "Warm"}, field("reuse")),
    ({"reuse": ""}, field("reuse")),
    ({"reuse": None}, field("reuse")),
    ({"reuse": ["warm"]}, field("reuse")),
    ({"timeout_seconds": 5}, field("timeout_seconds")),
    ({"hasRun": True}, field("hasRun")),
]


@pytest.mark.parametrize(("change", "expected"), SCRIPTS)
def test_a_refused_script(admin, change, expected):
    assert only(admin.post(f"{ROOT}scripts/", {"name": "x", "source": GOOD} | change), 400) == expected


@pytest.mark.parametrize(
    ("source", "line"), [("def run(engine):\n  return (", 2), ("", None), ("x = 1", None), ("# \0", None)]
)
def test_a_script_that_cannot_run_is_reported_with_its_reason(admin, source, line):
    error = only(admin.post(f"{ROOT}scripts/", {"name": "x", "source": source}), 400)
    assert error["reason"] == "InvalidScript"
    assert error["message"]
    if line is not None:
        assert error["line"] == line


def test_a_name_in_use_is_a_conflict(admin, make):
    make.script(name="taken")
    make.script(name="other")
    assert only(admin.post(f"{ROOT}scripts/", {"name": "taken", "source": GOOD}), 409) == {"reason": "NameInUse"}
    assert only(admin.patch(f"{ROOT}scripts/other/", {"name": "taken"}), 409)["reason"] == "NameInUse"


KEYS = [
    ({}, {"reason": "InvalidName"}),
    ({"name": " "}, {"reason": "InvalidName"}),
    ({"name": "\0"}, {"reason": "InvalidName"}),
    ({"name": 1}, field("name")),
    ({"name": "x", "expiresInDays": 0}, field("expiresInDays")),
    ({"name": "x", "expiresInDays": 3_651}, field("expiresInDays")),
    ({"name": "x", "expiresInDays": "1"}, field("expiresInDays")),
    ({"name": "x", "expiresInDays": None}, field("expiresInDays")),
    ({"name": "x", "expiresAt": "2026-01-01T00:00:00Z"}, field("expiresAt")),
    ({"name": "x", "key": "mine"}, field("key")),
]


@pytest.mark.parametrize(("body", "expected"), KEYS)
def test_a_refused_key(admin, body, expected):
    assert only(admin.post(f"{ROOT}keys/", body), 400) == expected
