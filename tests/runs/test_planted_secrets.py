"""What callers and users send under the name of a secret is kept nowhere: no table, log, key, page or answer."""

import base64
import json
import threading
import zlib
from secrets import token_hex

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse

from definitions.changes import save_definition
from keys.changes import create_key
from runs import observation, store
from runs.models import Run, RunBodies
from testbed.people import remove_users
from testbed.stack import wait_until

ROOT = "/api/management/"

ANSWERS = """
import json, time
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    asked = request.query_parameters
    engine.log("begun")
    time.sleep(float(asked.get("seconds", "0")))
    if asked.get("fails"):
        raise RuntimeError("as asked")
    names = ["password", "sessionCookie", "privateKey"]
    body = json.dumps({"public": "visible", "inner": [{name: request.raw_body} for name in names]})
    output = ApiTriggerOutput(response_body=body)
    output.response_headers.add("X-Api-Key", asked.get("api_key", "none"))
    output.response_headers.add("X-Auth-Next", asked.get("Access_Token", "none"))
    return output
"""


class Plants:
    """Makes secrets, and finds where they are."""

    def __init__(self) -> None:
        self.values: list[str] = []

    def new(self) -> str:
        self.values.append(f"planted{token_hex(12)}")
        return self.values[-1]

    def pairs(self, *names: str) -> dict[str, str]:
        return {name: self.new() for name in names}

    def found(self, texts):
        """Number of the secret and name of each text that holds one."""
        return {
            (number, name)
            for number, value in enumerate(self.values)
            for name, text in texts.items()
            if any(each in text for each in _spellings(value))
        }


def _spellings(value):
    """As text, and as base64 at any offset."""
    encoded = [base64.b64encode(b"\0" * offset + value.encode()).decode()[4:-4] for offset in range(3)]
    return [value, value.upper(), value.encode().hex(), "".join(f"{letter}\0" for letter in value), *encoded]


@pytest.fixture
def plants():
    return Plants()


@pytest.fixture
def root(stack, plants):
    """Headers of a superuser's personal key, and a client that is logged in to the console."""
    user = User.objects.create_superuser("gardener", password=plants.new())
    key = create_key(user, "ci", 1)[1]
    plants.values.append(key)
    console = Client()
    console.force_login(user)
    plants.values.append(console.cookies["sessionid"].value)
    yield {"Authorization": f"Token {key}"}, console
    remove_users(pk=user.pk)


@pytest.fixture
def api(publish, plants):
    made = publish(ANSWERS)
    made.definition.keep_bodies = "Everything"
    save_definition(made.definition, "system")
    plants.values.append(made.secret)
    return made


def test_planted_secrets_are_kept_nowhere(stack, plants, root, api, publish):
    headers, console = root
    ids = [*_called(stack, plants, api), *_refused(stack, plants, publish), *_run_as_user(stack, plants, api, headers)]
    _store(ids)
    ids += _again(stack, plants, api, headers, console, ids[0])
    while_it_runs = _redis_while_it_runs(stack, plants, api)
    _store(ids)
    assert RunBodies.objects.filter(pk__in=ids, request__isnull=False).count() >= 6
    everywhere = {
        "redis": _redis(stack), "running": while_it_runs, "tables": _tables(), "logs": _logs(stack),
        **_answers(stack, headers, ids), **_pages(console, ids, api),
    }  # fmt: skip
    assert "•••" in everywhere["tables"]
    assert "visible" in everywhere["tables"]
    assert not plants.found(everywhere)


def _called(stack, plants, api):
    """Call with secrets everywhere; the ids of the runs."""
    nested = {"a": {"password": plants.new(), "list": [{"clientSecret": plants.new()}]}, "token": {"x": [plants.new()]}}
    text = json.dumps({"payload": json.dumps({"credential": plants.new()})})
    broken = '{"token": "' + plants.new() + '", "list": ['
    kinds = [
        ("application/json", json.dumps(nested)), ("application/json", text), ("application/json", broken),
        ("text/plain", json.dumps({"authCode": plants.new()})),
    ]  # fmt: skip
    ids = []
    for content_type, body in kinds:
        for fails in ("", "1"):
            answer = api.call(stack.client, content=body, params=_query(plants) | {"fails": fails},
                              headers=_headers(plants) | {"Content-Type": content_type})  # fmt: skip
            assert answer.status_code == (500 if fails else 200), answer.text
            ids.append(answer.headers["X-Trigger-Id"])
    return ids


def _query(plants):
    return plants.pairs("api_key", "Access_Token", "apikey", "X-Amz-Signature")


def _headers(plants):
    return plants.pairs("Cookie", "X-Api-Key", "Proxy-Authorization", "X-Auth-Code", "X-Session-Cookie", "X-Secret")


def _refused(stack, plants, publish):
    """Triggers that fail on the way: parameters cannot be read, or are missing."""
    made = publish(ANSWERS, input_type="Parameters", parameters=["password", "other"])
    made.definition.keep_bodies = "Failures"
    save_definition(made.definition, "system")
    plants.values.append(made.secret)
    bodies = [{"password": {"x": plants.new()}}, {"password": plants.new()}, [{"password": plants.new()}]]
    texts = [*map(json.dumps, bodies), '{"password": "' + plants.new()]
    answers = [made.call(stack.client, content=text, params=_query(plants) | {"fails": "1"},
                         headers={"Content-Type": "application/json"}) for text in texts]  # fmt: skip
    assert all(answer.status_code >= 400 for answer in answers)
    return [answer.headers["X-Trigger-Id"] for answer in answers]


def _run_as_user(stack, plants, api, headers):
    """Run the API as a user, with a message, and as a trial."""
    lists = {name: [value] for name, value in plants.pairs("Authorization", "Cookie", "X-Api-Key").items()}
    fields = "&".join(f"{name}={value}" for name, value in plants.pairs("passwd", "private_key", "privatekey").items())
    part = f'--b\r\nContent-Disposition: form-data; name="signature"\r\n\r\n{plants.new()}\r\n--b--\r\n'
    form, parts = (lists | {"Content-Type": [kind]} for kind in (
        "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"))  # fmt: skip
    definition = {"definitionId": str(api.definition.pk), "method": "Post"}
    query = {name: [value] for name, value in _query(plants).items()}
    sent = [
        ("runs/", definition | {"headers": lists, "query": query, "rawBody": json.dumps({"secret": plants.new()})}),
        ("runs/", definition | {"headers": form, "rawBody": fields}),
        ("runs/", definition | {"headers": parts, "rawBody": part}),
        ("trigger/", {"requestMethod": "Post", "route": api.definition.route, "secret": api.secret,
                      "rawBody": json.dumps({"token": plants.new()}), "queryParameters": query}),
        ("scripts/trial/", {"method": "Post", "source": ANSWERS, "headers": lists, "query": query,
                            "rawBody": json.dumps({"token": plants.new()})}),
    ]  # fmt: skip
    answers = [stack.client.post(ROOT + path, json=body, headers=headers) for path, body in sent]
    assert [answer.status_code for answer in answers] == [200] * len(sent), [answer.text for answer in answers]
    return [answer.json()["statistics"]["triggerId"] for answer in answers]


def _again(stack, plants, api, headers, console, run_id):
    """Repeat a run: masked values are not sent, those that a user enters are not kept either."""
    again = {"definitionId": str(api.definition.pk), "replayOf": run_id}
    refused = stack.client.post(f"{ROOT}runs/", json=again, headers=headers)
    assert refused.status_code == 400
    assert not plants.found({"refused": refused.text})
    form = console.get(reverse("admin:run_again", args=[run_id]))
    assert form.status_code == 200
    assert not plants.found({"form": form.content.decode()})
    # This page runs in the test's process; it sends the script what the user enters.
    draft = form.context["draft"]
    asked = {
        "method": "POST",
        "query": [["api_key", plants.new()]],
        "headers": [["X-Api-Key", plants.new()]],
        "rawBody": draft.body,
        "masked": [json.dumps(plants.new()) for _ in draft.marks],
    }
    answer = console.post(reverse("admin:run_again", args=[run_id]), asked, "application/json")
    assert answer.status_code == 200, answer.content
    return [answer.json()["id"]]


def _redis_while_it_runs(stack, plants, api):
    """What Redis holds while a run goes on for more than a moment."""
    body = json.dumps({"token": plants.new()})
    calling = threading.Thread(target=api.call, args=(stack.client,),
                               kwargs={"content": body, "params": _query(plants) | {"seconds": "3"},
                                       "headers": _headers(plants) | {"Content-Type": "application/json"}})  # fmt: skip
    calling.start()
    wait_until(lambda: ":live" in _redis(stack))
    observation.observe()
    seen = _redis(stack)
    calling.join()
    return seen


def _store(ids):
    wait_until(lambda: store.store_all() == 0 and Run.objects.filter(pk__in=ids).count() == len(ids))


def _readable(value):
    if isinstance(value, memoryview | bytes):
        try:
            return zlib.decompress(bytes(value)).decode()
        except zlib.error:
            return bytes(value).decode(errors="replace")
    return str(value)


def _tables():
    with connection.cursor() as cursor:
        rows = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608  quoted
            # The key of a session is what the cookie holds, as Django has it.
            rows += [row for row in cursor.fetchall() if table != "django_session"]
    assert any("gardener" in row for row in rows)
    return "\n".join(_readable(value) for row in rows for value in row)


def _redis(stack):
    """Every key with its value."""
    with stack.redis_client() as client:
        read = {
            b"string": client.get, b"hash": client.hgetall, b"stream": client.xrange,
            b"list": lambda key: client.lrange(key, 0, -1), b"set": client.smembers,
            b"zset": lambda key: client.zrange(key, 0, -1),
        }  # fmt: skip
        return str([(key, read[kind](key)) for key in client.scan_iter() if (kind := client.type(key)) in read])


def _logs(stack):
    files = [*stack.data.log_dir.rglob("*"), stack.log]
    found = "\n".join(file.read_text(errors="replace") for file in files if file.is_file())
    assert "as asked" in found
    return found


def _answers(stack, headers, ids):
    """The answers of the management API by path."""
    paths = ["runs/", "events/", "events/export/csv/", "events/export/jsonl/", "nodes/", "definitions/", "tokens/"]
    for run_id in ids:
        paths += [f"runs/{run_id}/{page}" for page in ("", "log/", "bodies/", f"compare/?with={ids[0]}")]
    answers = {path: stack.client.get(ROOT + path, headers=headers) for path in paths}
    assert {answer.status_code for answer in answers.values()} == {200}
    return {path: answer.text for path, answer in answers.items()}


def _pages(console, ids, api):
    """The console's pages by address."""
    found = {address: console.get(address) for address in (reverse("admin:index"), reverse("admin:runs"))}
    found["series"] = console.get(reverse("admin:run_series", args=[api.definition.pk]))
    for run_id in ids:
        for name in ("run", "run_log", "run_again", "run_comparison"):
            found[name + run_id] = console.get(reverse(f"admin:{name}", args=[run_id]))
        found["bodies" + run_id] = console.post(reverse("admin:run_bodies", args=[run_id]), follow=True)
        comparison = reverse("admin:run_comparison", args=[run_id]) + f"?with={ids[1]}"
        found["comparison" + run_id] = console.post(comparison)
    assert {page.status_code for page in found.values()} == {200}
    return {name: page.content.decode() for name, page in found.items()}
