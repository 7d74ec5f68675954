"""The example in Slack's documentation, and what differs from it."""

import json

import pytest
import slack_command

from automation.sdk import ApiError, ApiTriggerInput, ApiTriggerOutput, Engine

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
SENT = 1531420618
SIGNATURE = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute after Slack has sent its example."""
    monkeypatch.setattr("time.time", lambda: SENT + 60)


def answer(body: bytes = BODY, sent: str = str(SENT), signature: str = SIGNATURE) -> ApiTriggerOutput:
    headers = {"X-Slack-Request-Timestamp": sent, "X-Slack-Signature": signature}
    engine = Engine(credentials={"slack-signing-secret": SECRET}, log=lambda line: None)
    return slack_command.on_api_trigger(engine, ApiTriggerInput(raw_body_bytes=body, headers=headers))


def test_a_signed_command_is_answered() -> None:
    assert json.loads(answer().response_body) == {"response_type": "ephemeral", "text": "You typed: "}


@pytest.mark.parametrize("sent", ["", "now", str(SENT + 1), str(SENT - 241), str(SENT + 361), "9" * 5_000])
def test_another_time_is_refused(sent: str) -> None:
    with pytest.raises(ApiError) as refused:
        answer(sent=sent)
    assert refused.value.status == 401


def test_another_signature_or_body_is_refused() -> None:
    for changed in ({"signature": ""}, {"signature": SIGNATURE[:-1]}, {"body": BODY.replace(b"foobar", b"foobaz")}):
        with pytest.raises(ApiError) as refused:
            answer(**changed)
        assert refused.value.status == 401
