"""GitHub, Slack and Twilio reach the scripts of their templates through the shipped nginx location, and nobody else."""

import itertools
import subprocess
from collections.abc import Callable
from contextlib import ExitStack

import httpx
import pytest

from definitions.changes import save_definition
from testbed.nginx import Nginx, program
from testbed.stack import ROOT
from tests.automation.stored_credentials import stored_credential
from tests.edge import webhook_senders as senders
from tests.edge.upstream import upstream
from tests.edge.webhook_senders import FORM, TOKENS, Delivery
from tests.endpoint.catalogue import OF_NGINX, ROWS, TITLE, assert_error, assert_trigger_id
from tests.endpoint.wire import Connection, RawResponse, exchange, head

SECRET = "what-only-the-sender-and-the-script-know"
TEMPLATES = {
    "github": ("demo/github_webhook.py", "github-webhook"),
    "slack": ("demo/templates/slack_command.py", "slack-signing-secret"),
    "twilio": ("demo/templates/twilio_message.py", "twilio-auth-token"),
}
DELIVERIES: dict[str, Callable[[str], Delivery]] = {
    "github": senders.github,
    "slack": senders.slack,
    "twilio": senders.twilio,
}
WHO_CALLED = """
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    return ApiTriggerOutput.json([request.context.token_id, request.headers.keys()])
"""

# nginx counts the requests of an address, so each test has one of its own.
_addresses = (f"127.0.0.{number}" for number in itertools.count(10))


@pytest.fixture
def send(nginx):
    """Sends a delivery, or bytes, to nginx."""
    source = next(_addresses)

    def exchanged(sent: Delivery | bytes, method: str = "POST") -> RawResponse:
        request = sent if isinstance(sent, bytes) else sent.on_wire()
        return exchange(nginx.url, request, method=method, source=source)

    return exchanged


@pytest.fixture
def receive(publish):
    """Publishes the template for a sender as the guide says; `changes` are made in its source."""

    def published(sender: str, secret: str = SECRET, **changes: str):
        file, credential = TEMPLATES[sender]
        source = (ROOT / file).read_text()
        for name, value in changes.items():
            (line,) = (line for line in source.splitlines() if line.startswith(f"{name} = "))
            source = source.replace(line, f"{name} = {value}")
        route = f"hooks/{sender}"
        api = publish(source, route=route, token=publish.token(TOKENS[route]))
        stored_credential(credential, secret, [api.definition.script])
        api.definition.content_types = ["application/json", FORM]
        save_definition(api.definition, by="system")
        return api

    return published


def test_the_shipped_files_are_valid(nginx):
    directory = nginx.directory
    command = [program(), "-t", "-e", f"{directory}/test.log", "-p", str(directory), "-c", f"{directory}/nginx.conf"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert (said.returncode, "warn" in said.stderr) == (0, False), said.stderr


@pytest.mark.parametrize("content_type", ["application/json", FORM])
def test_events_of_github_arrive(send, receive, content_type):
    receive("github")
    texts = {
        "ping": "GitHub says: Mind your words, they are important.",
        "push": "Codertocat pushed 1 commits to refs/heads/main",
        "pull_request": "Pull request 2 was opened",
    }
    for event, text in texts.items():
        answer = send(senders.github(SECRET, event, content_type=content_type))
        assert (answer.status_code, answer.json()) == (200, {"event": event, "text": text})


def test_a_slash_command_of_slack_is_answered(send, receive):
    receive("slack")
    answer = send(senders.slack(SECRET))
    assert answer.status_code == 200
    assert answer.json() == {"response_type": "ephemeral", "text": f"You typed: {senders.COMMAND['text']}"}


def test_a_message_of_twilio_is_answered(send, receive):
    receive("twilio")
    answer = send(senders.twilio(SECRET))
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/xml; charset=utf-8")
    message = "You wrote: Alarm &lt;7&gt; &amp; Störung"
    assert answer.content.decode() == f"<Response><Message>{message}</Message></Response>"


def test_the_documented_examples_of_the_senders_are_accepted(send, receive):
    """Their signatures are copied from the documentation of each sender."""
    receive("github", "It's a Secret to Everybody")
    hello = senders.github("", body=b"Hello, World!").signed(
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    )
    # Its signature is right, so the script reads it, and it is no JSON.
    assert send(hello).status_code == 400
    receive("slack", "8f742231b10e8888abcd99yyyzzz85a5", OLDEST_SECONDS="10**10")
    command = senders.slack("", 1531420618, SLACKS_EXAMPLE)
    assert (
        send(command.signed("v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503")).status_code == 200
    )
    receive("twilio", "12345", URL="'https://mycompany.com/myapp.php?foo=1&bar=2'")
    message = senders.twilio("", TWILIOS_EXAMPLE).signed("0/KCTR6DLpKmkAf8muzZqo1nDgQ=")
    assert send(message).status_code == 200


SLACKS_EXAMPLE = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
TWILIOS_EXAMPLE = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+12349013030",
    "Digits": "1234",
    "From": "+12349013030",
    "To": "+18005551212",
}


@pytest.mark.parametrize("sender", TEMPLATES)
def test_what_the_sender_has_not_signed_is_refused(send, receive, sender):
    """The script refuses it: its error has no errorCode."""
    receive(sender)
    sent = DELIVERIES[sender](SECRET)
    first, last = sent.body.find(b"a"), sent.body.rfind(b"e")
    forged = [
        sent.with_body(sent.body[:first] + b"b" + sent.body[first + 1 :]),
        sent.with_body(sent.body[:last] + b"f" + sent.body[last + 1 :]),
        sent.signed(None),
        sent.signed("sha256="),
        DELIVERIES[sender](f"{SECRET}."),
    ]
    for delivery in forged:
        answer = send(delivery)
        assert answer.status_code == 401
        assert [set(error) for error in answer.json()["errors"]] == [{"title", "detail"}]
        assert SECRET.encode() not in answer.content
    assert send(sent).status_code == 200


def test_an_old_command_of_slack_is_refused(send, receive):
    receive("slack")
    assert send(senders.slack(SECRET, 1531420618)).status_code == 401


def test_the_location_takes_post_only(send, publish):
    publish(WHO_CALLED, route="hooks/github", token=publish.token(TOKENS["hooks/github"]))
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"):
        answer = send(head(method, "/api/custom/hooks/github"), method)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
        assert_trigger_id(answer.headers, OF_NGINX)
        if method != "HEAD":
            assert answer.json() == {"errors": [{"title": TITLE, "detail": ROWS[3].detail, "errorCode": 3}]}


def test_no_other_route_gets_the_token(send, publish):
    token = publish.token(TOKENS["hooks/github"])
    for route in ("hooks", "hooks/github/deeper", "hooks/other", "{one}/{two}/hooks/github"):
        publish(route=route, token=token)
    for path in ("hooks", "hooks/github/deeper", "hooks/other", "hooks/github/", "HOOKS/github", "a/b/hooks/github"):
        answer = send(head("POST", f"/api/custom/{path}", ("Content-Length", "0")))
        assert_error(answer, 1008)


def test_another_spelling_of_the_path_leads_to_no_other_api(send, publish):
    """nginx takes these for the path of the location, and the product would take the first for another route."""
    token = publish.token(TOKENS["hooks/github"])
    publish(route="{one}/{two}/hooks/github", token=token)
    publish(WHO_CALLED, route="hooks/github", token=token)
    for path in ("a/../hooks/github", "a/%2e%2e/hooks/github", "/hooks//gith%75b", "hooks%2Fgithub"):
        answer = send(head("POST", f"/api/custom/{path}", ("Content-Length", "0")))
        assert (answer.status_code, answer.json()[0]) == (200, str(token[0].pk))


def test_a_clients_own_authorization_is_replaced(send, publish):
    other, other_secret = publish.token()
    token = publish.token(TOKENS["hooks/github"])
    api = publish(WHO_CALLED, route="hooks/github", token=token)
    save_definition(api.definition, by="system", allowed_tokens=[token[0], other])
    own = (("Authorization", f"Bearer {other_secret}"), ("Cookie", "sessionid=x"), ("Content-Length", "0"))
    token_id, headers = send(head("POST", api.path, *own)).json()
    assert token_id == str(token[0].pk)
    assert not {"Authorization", "Cookie"} & set(headers)


def test_gunicorn_gets_the_token_and_the_address_from_nginx_alone(tmp_path):
    own = (("Authorization", "Basic x"), ("Cookie", "a=b"), ("X-Forwarded-For", "1.2.3.4"), ("Content-Length", "0"))
    request = head("POST", "/api/custom/hooks/github?a=b", *own)
    with upstream() as server:
        nginx = Nginx(tmp_path, server.port, webhooks={"hooks/github": "added"})
        try:
            exchange(nginx.url, request, source="127.0.0.9")
            (tmp_path / "webhooks" / "0.secret").write_text("")
            nginx.reload()
            exchange(nginx.url, request)
        finally:
            nginx.stop()
    assert server.asked == ["/api/custom/hooks/github?a=b"] * 2
    with_secret, without = server.fields
    taken = [field for field in with_secret if field[0] in ("Authorization", "Cookie", "X-Forwarded-For")]
    assert sorted(taken) == [("Authorization", "Bearer added"), ("X-Forwarded-For", "127.0.0.9")]
    assert "Authorization" not in dict(without), "an empty file opens nothing"


def test_a_large_body_is_refused_by_nginx(send, receive):
    receive("github")
    fits = senders.github(SECRET, body=b'{"ref": "x", "pusher": {"name": "x"}, "commits": [%s]}' % b"1".rjust(900_000))
    assert send(fits).status_code == 200
    assert_error(send(senders.github(SECRET, body=b"x" * (1024 * 1024 + 1))), 1009, id_version=OF_NGINX)


def test_a_flood_of_an_address_is_cut(nginx, publish):
    """The route is not published, so what nginx lets through is 401."""
    request, source = senders.github(SECRET, "ping").on_wire(), next(_addresses)
    with ExitStack() as stack:
        clients = [stack.enter_context(Connection(nginx.url, source=source)) for _ in range(60)]
        for client in clients:
            client.send(request)
        answers = [client.answer("POST") for client in clients]
    refused = [answer for answer in answers if answer.status_code != 401]
    assert 0 < len(refused) < 20
    for answer in refused:
        assert_error(answer, 1014, id_version=OF_NGINX)


def test_secrets_and_queries_are_in_no_log(nginx, send, receive):
    receive("github")
    sent = senders.github(SECRET)
    asked = Delivery(f"{sent.path}?key=in-the-query", sent.fields, sent.body, sent.signature)
    assert send(asked).status_code == 200
    assert send(head("GET", asked.path)).status_code == 405
    assert send(asked.with_body(b"x" * 2_000_000)).status_code == 413
    with httpx.Client(base_url=nginx.url) as client:
        assert client.post("/api/custom/hooks/github/x?key=in-the-query").status_code == 401
    logs = {name: (nginx.directory / name).read_text() for name in ("access.log", "error.log", "output")}
    assert '"POST /api/custom/hooks/github" 200' in logs["access.log"]
    assert "in-the-query" not in logs["access.log"]
    for text in logs.values():
        assert not [
            secret for secret in (SECRET, *TOKENS.values(), dict(sent.fields)[sent.signature]) if secret in text
        ]
