"""What the first start puts into an empty database: the first administrator and the demo."""

import secrets

from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from as_code.entries import RefusedImportError
from as_code.importer import import_files
from as_code.permissions import Actor
from definitions.models import ApiDefinition
from foundation import env
from launcher import private
from launcher.paths import PROJECT, LauncherPaths
from launcher.steps import StartError

DEMO_ROUTE = "demo/echo"
DEMO_FILE = PROJECT / "demo" / "apis.yaml"
DEMO_TOKEN = "demo"  # noqa: S105  the name of a token
PASSWORD_BYTES = 15


def is_due() -> bool:
    """Whether the database has no user yet."""
    return not get_user_model()._default_manager.exists()


def admin_name() -> str:
    return env.text("UDAPI_ADMIN_USER", "admin")


def wants_demo() -> bool:
    """Whether the first start loads the demo.

    Raises:
        ImproperlyConfigured: `UDAPI_DEMO` is neither 0 nor 1.
    """
    return bool(env.number("UDAPI_DEMO", 1, 0, 1))


def has_demo() -> bool:
    return ApiDefinition.objects.filter(route=DEMO_ROUTE).exists()


def set_up(paths: LauncherPaths) -> list[str]:
    """Create the first administrator and, unless `UDAPI_DEMO` is 0, the demo: everything or nothing.

    Generated secrets are kept in files of mode 600. Returns what was created.

    Raises:
        StartError: the administrator's name cannot be used.
    """
    private.directory(paths.first_start_dir)
    with transaction.atomic():
        created = [_create_admin(paths)]
        if wants_demo():
            created.append(_create_demo(paths))
    return created


def _create_admin(paths: LauncherPaths) -> str:
    given = env.text("UDAPI_ADMIN_PASSWORD", "")
    password = given or secrets.token_urlsafe(PASSWORD_BYTES)
    admin = get_user_model()(username=admin_name(), is_staff=True, is_superuser=True)
    admin.set_password(password)
    try:
        admin.full_clean()
    except ValidationError as error:
        raise StartError(f"UDAPI_ADMIN_USER cannot be used: {' '.join(error.messages)}") from error
    admin.save()
    paths.admin_password.unlink(missing_ok=True)
    if not given:
        private.write(paths.admin_password, password + "\n")
    return f"administrator {admin_name()}"


def weakness_of_admin_password() -> str:
    """What the password rules object to in `UDAPI_ADMIN_PASSWORD`; empty if nothing."""
    given = env.text("UDAPI_ADMIN_PASSWORD", "")
    try:
        if given:
            validate_password(given, get_user_model()(username=admin_name()))
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


def _create_demo(paths: LauncherPaths) -> str:
    """Import the demo's file and keep the secret of its token for the announcement."""
    try:
        report = import_files([DEMO_FILE], Actor())
    except RefusedImportError as error:
        raise StartError(f"The demo cannot be loaded; repair it or set UDAPI_DEMO=0:\n{error}") from error
    private.write(paths.demo_secret, report.secrets[DEMO_TOKEN] + "\n")
    return "demo API"
