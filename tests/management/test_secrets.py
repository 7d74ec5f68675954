"""A secret is in the answer that sets it, and nowhere else."""

import json
import time

from django.contrib.auth.models import User
from django.core.management import call_command

from keys.changes import create_key
from tests.management.conftest import ROOT

OWN = "own-secret-that-nobody-may-ever-see-again"


def test_no_secret_anywhere_but_in_the_answer_that_sets_it(stack, publish, capsys):
    user = User.objects.create_superuser("officer")
    try:
        _, key = create_key(user, "ci", 1)
        _, shown = create_key(user, "other", 1)
        seen, secrets = _use(stack.client, {"Authorization": f"Token {key}"}, publish)
        call_command("dumpdata", verbosity=0)
        kept = capsys.readouterr().out
        time.sleep(0.2)
        logged = stack.log_text("endpoint.log") + stack.log_text("manager.log") + stack.log.read_text()
        assert len(secrets) == 5
        for secret in (*secrets, key, shown):
            assert secret not in seen
            assert secret not in kept
            assert secret not in logged
    finally:
        user.delete()


def _use(client, headers, publish):
    """All answers but those that set a secret, as one text; and the secrets."""

    def send(method, path, body=None):
        answer = client.request(method, ROOT + path, json=body, headers=headers)
        assert answer.status_code < 500
        return answer

    secrets, seen = [OWN, OWN + "2"], []
    generated = send("POST", "tokens/", {"name": "a"}).json()
    own = send("POST", "tokens/", {"name": "b", "secret": OWN}).json()
    secrets.append(generated["secret"])
    secrets.append(send("POST", f"tokens/{own['id']}/rotate/").json()["secret"])
    secrets.append(send("POST", "keys/", {"name": "k"}).json()["key"])
    seen.append(send("PATCH", f"tokens/{own['id']}/", {"secret": OWN + "2"}))
    # Refused, with a secret in the request.
    seen.append(send("POST", "tokens/", {"name": "c", "secret": OWN + "2"}))
    seen.append(send("PATCH", f"tokens/{own['id']}/", {"secret": generated["secret"], "x": 1}))
    seen.append(send("POST", f"tokens/{own['id']}/rotate/", {"secret": generated["secret"]}))
    seen.append(send("PUT", f"tokens/{own['id']}/", {"name": 5, "secret": generated["secret"]}))
    seen.append(client.get(f"{ROOT}tokens/", headers={"Authorization": f"Bearer {generated['secret']}"}))
    publish()
    paths = ("tokens/", "definitions/", "scripts/", "keys/", "events/", "nodes/", "schema/", f"tokens/{own['id']}/")
    seen += [send("GET", path) for path in paths]
    seen.append(send("POST", f"tokens/{own['id']}/disable/"))
    return json.dumps([[answer.text, str(answer.headers)] for answer in seen]), secrets


def test_nodes_that_live_are_listed(stack):
    user = User.objects.create_superuser("officer")
    try:
        _, key = create_key(user, "ci", 1)
        page = stack.client.get(f"{ROOT}nodes/", headers={"Authorization": f"Token {key}"}).json()
        assert page["count"] == 1
        assert page["results"][0].keys() == {"id", "host", "limit", "running", "since"}
    finally:
        user.delete()


def test_a_body_in_chunks_is_refused_and_not_taken_for_none(stack, publish):
    user = User.objects.create_superuser("officer")
    try:
        _, key = create_key(user, "ci", 1)
        token, _ = publish.token()
        answer = stack.client.patch(
            f"{ROOT}tokens/{token.pk}/",
            content=iter([b'{"name": ', b'"x"}']),
            headers={"Authorization": f"Token {key}", "Content-Type": "application/json"},
        )
        assert answer.status_code == 411
        assert answer.json()["errors"][0]["reason"] == "LengthRequired"
    finally:
        user.delete()
