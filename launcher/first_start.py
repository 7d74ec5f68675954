"""What the first start puts into an empty database: the first administrator, and the demo."""

import secrets

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import transaction

from access.changes import save_checked
from automation.models import AutomationScript
from definitions.changes import save_definition
from definitions.models import ApiDefinition
from launcher import private
from launcher.places import PROJECT, Places
from launcher.steps import StartError
from tokens.models import ApiToken
from udapi_site import env

BY = "system"
DEMO_ROUTE = "demo/echo"
DEMO_SOURCE = PROJECT / "demo" / "echo.py"
PASSWORD_BYTES = 15


def is_due() -> bool:
    """Whether the database has no user yet."""
    return not get_user_model()._default_manager.exists()


def admin_name() -> str:
    """The user name of the first administrator."""
    return env.text("UDAPI_ADMIN_USER", "admin")


def wants_demo() -> bool:
    """Whether the first start loads the demo.

    Raises:
        ImproperlyConfigured: `UDAPI_DEMO` is neither 0 nor 1.
    """
    return bool(env.number("UDAPI_DEMO", 1, 0, 1))


def has_demo() -> bool:
    """Whether the demo's API is there."""
    return ApiDefinition.objects.filter(route=DEMO_ROUTE).exists()


def set_up(places: Places) -> list[str]:
    """Create the first administrator and, unless `UDAPI_DEMO` is 0, the demo: all of it or nothing.

    Generated secrets lie in files of mode 600 afterwards. Returns what was created.

    Raises:
        StartError: the name of the administrator cannot be used.
    """
    private.directory(places.first_start_dir)
    with transaction.atomic():
        created = [_create_admin(places)]
        if wants_demo():
            created.append(_create_demo(places))
    return created


def _create_admin(places: Places) -> str:
    given = env.text("UDAPI_ADMIN_PASSWORD", "")
    password = given or secrets.token_urlsafe(PASSWORD_BYTES)
    admin = get_user_model()(username=admin_name(), is_staff=True, is_superuser=True)
    admin.set_password(password)
    try:
        admin.full_clean()
    except ValidationError as error:
        raise StartError(f"UDAPI_ADMIN_USER cannot be used: {' '.join(error.messages)}") from error
    admin.save()
    places.admin_password.unlink(missing_ok=True)
    if not given:
        private.write(places.admin_password, password + "\n")
    return f"administrator {admin_name()}"


def _create_demo(places: Places) -> str:
    script = AutomationScript(
        name="echo", description="Answers with the body of the request.", source=DEMO_SOURCE.read_text()
    )
    save_checked(script, by=BY)
    token = ApiToken(name="demo")
    secret = token.set_secret(None)
    save_checked(token, by=BY)
    definition = ApiDefinition(
        name="Echo", description="Answers with the body of the request.", route=DEMO_ROUTE, script=script
    )
    save_definition(definition, by=BY, allowed_tokens=[token])
    private.write(places.demo_secret, secret + "\n")
    return "demo API"
