"""A secret is in the answer that sets it, and nowhere else."""

import base64
import json
import time

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection

from keys.changes import create_key
from testbed.listener import Listener
from testbed.people import remove_users
from testbed.stack import wait_until
from tests.management.conftest import ROOT

OWN = "own-secret-that-nobody-may-ever-see-again"
PASSWORD = "a-password-that-nobody-may-ever-see-again"
WRONG = "a-wrong-password-that-nobody-may-ever-see-again"
READ = (
    "tokens/", "definitions/", "scripts/", "keys/", "nodes/", "events/", "events/export/csv/", "events/export/jsonl/",
    "schema/", "schema/?format=yaml", "docs/", "docs/?script=",
)  # fmt: skip


@pytest.fixture
def user(stack):
    """A superuser with a password."""
    user = User.objects.create_superuser("officer", password=PASSWORD)
    yield user
    remove_users(pk=user.pk)


class Client:
    """Sends requests with a personal key; keeps all secrets, and the answers that must not show any."""

    def __init__(self, client, key):
        self._client = client
        self._headers = {"Authorization": f"Token {key}"}
        self.seen: list[str] = []
        self.secrets = [key]

    def sets(self, path, body=None, shown="secret"):
        """Set a secret; keep the answer without it."""
        answer = self._client.request("POST", ROOT + path, json=body, headers=self._headers)
        content = answer.json()
        self.secrets.append(content.pop(shown))
        self.seen += [json.dumps(content), str(answer.headers)]
        return content | {shown: self.secrets[-1]}

    def send(self, method, path, body=None, headers=None):
        """Send a request whose answer must not show a secret."""
        answer = self._client.request(method, path, json=body, headers=headers or self._headers)
        assert answer.status_code < 500
        self.seen += [answer.text, str(answer.headers), str(answer.url)]
        return answer


def test_a_secret_is_only_in_the_answer_that_sets_it(stack, publish, user, capsys):
    client = Client(stack.client, create_key(user, "ci", 1)[1])
    with_stream = Listener(stack.url, client.secrets[0])
    try:
        _use(client)
        _trigger(client, publish())
        with_stream.wait_for(5)
    finally:
        with_stream.close()
    assert len(client.secrets) == 10
    streamed = str([message.data for message in with_stream.messages])
    assert "was updated by officer" in streamed
    everywhere = {
        "answers": "\n".join(client.seen), "stream": streamed, "tables": _tables(), "dump": _dump(capsys),
        "redis": _redis(stack), "logs": _logs(stack),
    }  # fmt: skip
    places = {(name, number) for number, one in enumerate(client.secrets) for name in everywhere
              if one in everywhere[name] or _in_base64(one) in everywhere[name]}  # fmt: skip
    assert not places, "the secrets themselves are not shown here either"


def _use(client):
    """Set secrets in every way, and let some be refused."""
    client.secrets += [OWN, OWN + "2", PASSWORD, WRONG]
    generated = client.sets("tokens/", {"name": "a"})["secret"]
    own = client.sets("tokens/", {"name": "b", "secret": OWN})
    token = f"{ROOT}tokens/{own['id']}/"
    client.sets(f"tokens/{own['id']}/rotate/")
    client.sets("keys/", {"name": "k"}, shown="key")
    client.send("PATCH", token, {"secret": OWN + "2"})
    # Refused requests that contain a secret.
    client.send("POST", f"{ROOT}tokens/", {"name": "c", "secret": OWN + "2"})
    client.send("PATCH", token, {"secret": generated, "x": 1})
    client.send("POST", f"{token}rotate/", {"secret": generated})
    client.send("PUT", token, {"name": 5, "secret": generated})
    client.send("GET", f"{ROOT}tokens/", headers={"Authorization": f"Bearer {generated}"})
    for password in (PASSWORD, WRONG):
        basic = base64.b64encode(f"officer:{password}".encode()).decode()
        client.send("GET", token, headers={"Authorization": f"Basic {basic}"})
    client.send("POST", f"{token}disable/")
    for path in READ:
        client.send("GET", ROOT + path)


def _trigger(client, api):
    """Trigger with right and wrong secrets, over HTTP and with messages."""
    client.secrets.append(api.secret)
    message = {"requestMethod": "Post", "route": api.definition.route, "rawBody": "{}"}
    for secret in client.secrets:
        client.send("POST", api.path, {}, {"Authorization": f"Bearer {secret}"})
        client.send("POST", f"{ROOT}trigger/", message | {"secret": secret})


def _in_base64(text):
    """As in a Basic header, without the ends, which depend on the neighbours."""
    return base64.b64encode(f"officer:{text}".encode()).decode()[12:-4]


def _tables():
    """Every row of every table, as the database keeps it."""
    with connection.cursor() as cursor:
        rows = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608  quoted
            rows += cursor.fetchall()
    assert any("officer" in row for row in rows)
    return "\n".join(map(str, rows))


def _dump(capsys):
    call_command("dumpdata", verbosity=0)
    return capsys.readouterr().out


def _redis(stack):
    """Every key with its value."""
    with stack.redis_client() as client:
        return str([(key, client.dump(key)) for key in client.scan_iter()])


def _logs(stack):
    """All logs, once the last trigger is in them."""
    wait_until(lambda: "TokenNotFound" in stack.log_text("endpoint.log"), what="the refused triggers in the log")
    time.sleep(0.2)
    files = [*stack.data.log_dir.rglob("*"), stack.log]
    return "\n".join(file.read_text(errors="replace") for file in files if file.is_file())
