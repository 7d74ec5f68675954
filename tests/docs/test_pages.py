"""What the pages tell a reader to type works against a running stack."""

from functools import cache

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User

from definitions.changes import save_definition
from definitions.models import ApiDefinition, InputType
from keys.changes import create_key
from testbed.data_dir import INSTALLATION
from testbed.people import remove_users
from testbed.publisher import ECHO
from tests.docs import pages
from tests.docs.page_run import Clone, run, same_form
from tokens.models import ApiToken

PASSWORD = "correct horse battery staple"
ROUTES = {
    "demo/echo": InputType.RAW_BODY,
    "encoders/{id}": InputType.RAW_BODY,
    "parameters": InputType.PARAMETERS,
}
"""The routes that the pages call; all of them run the script `echo`."""


hashed = cache(make_password)


@pytest.fixture
def clone(stack, publish, database_url, tmp_path):
    """What the reader of any page has: a running product, an administrator, and a token for the APIs."""
    user = User.objects.create(username="jane", password=hashed(PASSWORD), is_superuser=True, is_staff=True)
    token, secret = publish.token()
    script = publish.script(ECHO, name="echo")
    for route, input_type in ROUTES.items():
        definition = ApiDefinition(route=route, script=script, input_type=input_type)
        save_definition(definition, by="system", allowed_tokens=[token])
    (tmp_path / "password").write_text(PASSWORD + "\n")
    yield Clone.make(
        tmp_path,
        {
            "URL": stack.url,
            "KEY": create_key(user, "docs", 1)[1],
            "TOKEN": secret,
            "TOKEN_ID": str(token.pk),
            "PASSWORD_FILE": str(tmp_path / "password"),
            "UDAPI_DATA_DIR": str(stack.data.root),
            "UDAPI_INSTALLATION": INSTALLATION,
            "DATABASE_URL": database_url,
        },
    )
    remove_users(pk=user.pk)


@pytest.mark.parametrize("page", [page for page in pages.PAGES if pages.blocks(page)])
def test_the_commands_and_programs_of_a_page_work(clone, page):
    run(pages.blocks(page), clone)


def test_a_page_that_is_wrong_fails(clone):
    def fails(language, text, **orders):
        block = pages.CodeBlock(
            "page.md", 1, language, text, {name.replace("_", " "): [orders[name]] for name in orders}
        )
        with pytest.raises(AssertionError):
            run([block], clone)

    fails("sh", "curl http://localhost:8000/api/custom/nowhere")
    fails("sh", "echo one", after='grep two "$OUT"')
    fails("console", "$ false\n$ true")
    fails("python", "raise SystemExit(1)")
    fails("json", '{"count": "1"}', form_of='curl -H "Authorization: Token $KEY" $URL/api/management/tokens/count/')
    assert same_form({"a": [{"b": 1.5}]}, {"a": [{"b": 2}, 5]})
    assert not same_form({"a": True}, {"a": 1})
    assert ApiToken.objects.count() == 1
