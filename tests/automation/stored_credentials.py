"""Credentials made within the test's own process, under keys of the test's choice."""

import base64
from contextlib import contextmanager

from django.db import connection
from django.test import override_settings

from automation.credential_changes import save_credential
from automation.credentials import Credential

VALUE = "hunter2-pässword-of-the-mail-server"

_KEYS = {number: base64.urlsafe_b64encode(bytes([64 + number]) * 32).decode() for number in range(1, 5)}


@contextmanager
def credential_keys_in_use(*numbers: int):
    """Make these keys active, the first one current."""
    with override_settings(UDAPI_CREDENTIAL_KEYS=tuple(_KEYS[number] for number in numbers)):
        yield


def stored_credential(name: str = "smtp", value: str = VALUE, scripts=(), by: str = "jane") -> Credential:
    credential = Credential(name=name)
    credential.set_value(value)
    return save_credential(credential, by, scripts)


def raw_rows() -> list[dict[str, object]]:
    """The table of credentials as the database has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM automation_credential ORDER BY name")
        return [dict(zip([each[0] for each in cursor.description], row, strict=True)) for row in cursor.fetchall()]
