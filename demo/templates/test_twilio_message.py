"""The example in Twilio's documentation, and what differs from it."""

from urllib.parse import urlencode

import pytest
import twilio_message

from automation.sdk import ApiError, ApiTriggerInput, ApiTriggerOutput, Engine

URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FIELDS = {
    "Digits": "1234",
    "To": "+18005551212",
    "From": "+12349013030",
    "Caller": "+12349013030",
    "CallSid": "CA1234567890ABCDE",
}
SIGNATURE = "0/KCTR6DLpKmkAf8muzZqo1nDgQ="


@pytest.fixture(autouse=True)
def address(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address in Twilio's example."""
    monkeypatch.setattr(twilio_message, "URL", URL)


def answer(fields: dict[str, str], signature: str = SIGNATURE) -> ApiTriggerOutput:
    engine = Engine(credentials={"twilio-auth-token": "12345"}, log=lambda line: None)
    request = ApiTriggerInput(raw_body=urlencode(fields), headers={"X-Twilio-Signature": signature})
    return twilio_message.on_api_trigger(engine, request)


def test_a_signed_message_is_answered() -> None:
    output = answer(FIELDS)
    assert output.response_body == "<Response><Message>You wrote: </Message></Response>"
    assert output.response_headers.as_dict() == {"Content-Type": ["text/xml"]}


@pytest.mark.parametrize("signature", ["", SIGNATURE.lower(), SIGNATURE[:-1], "\xe4"])
def test_another_signature_is_refused(signature: str) -> None:
    with pytest.raises(ApiError) as refused:
        answer(FIELDS, signature)
    assert refused.value.status == 401


@pytest.mark.parametrize("change", [{"Digits": "1235"}, {"Body": "x"}])
def test_another_form_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(ApiError):
        answer(FIELDS | change)


def test_another_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twilio_message, "URL", f"{URL}&baz=3")
    with pytest.raises(ApiError):
        answer(FIELDS)
