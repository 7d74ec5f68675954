"""A secret cannot be read again anywhere."""

import copy
import logging

from django.core import serializers
from django.db import connection
from django.test.utils import CaptureQueriesContext

from endpoint import errors
from endpoint.authentication import token_of
from objects.changes import save_checked
from testbed.publisher import Publisher
from tests.refusals import refused
from tests.tokens.conftest import OWN_SECRET
from tokens.models import ApiToken


def _dump() -> str:
    """Every row of every table."""
    with connection.cursor() as cursor:
        text = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608  quoted
            text += [str(row) for row in cursor.fetchall()]
    return "\n".join(text)


def _everything_set(caplog) -> tuple[list[str], ApiToken]:
    caplog.set_level(logging.DEBUG)
    token, first = Publisher().token(OWN_SECRET)
    second = token.set_secret(None)
    save_checked(token, by="system")
    Publisher()(token=(token, second))
    return [first, second], token


def test_no_secret_is_in_the_database_or_a_log(db, caplog):
    secrets, token = _everything_set(caplog)
    dump = _dump()
    assert str(token.secret_digest) in dump
    for secret in secrets:
        assert secret not in dump
        assert secret not in caplog.text


def test_no_secret_is_in_the_object_or_a_backup(db, caplog):
    secrets, token = _everything_set(caplog)
    places = [
        repr(vars(token)),
        repr(vars(copy.copy(token))),
        str(token) + repr(token),
        serializers.serialize("json", ApiToken.objects.all()),
    ]
    for secret in secrets:
        assert not [place for place in places if secret in place]


def test_no_secret_is_in_a_query_or_an_error(db, caplog):
    with CaptureQueriesContext(connection) as queries:
        secrets, token = _everything_set(caplog)
        another = ApiToken(name="another")
        another.set_secret(secrets[1])
        refused(save_checked, another, "system")
        assert token_of(secrets[1]).id == token.pk
        token.is_disabled = True
        save_checked(token, by="system")
        told = []
        for secret in (*secrets, "wrong-" + "0" * 40, "udapi_" + "1" * 46):
            try:
                token_of(secret)
            except errors.TriggerError as error:
                told.append(f"{error} {error!r} {vars(error)}")
                secrets.append(secret)
    assert len(told) == 4
    for secret in secrets:
        assert not [query["sql"] for query in queries.captured_queries if secret in query["sql"]]
        assert not [text for text in told if secret in text]
