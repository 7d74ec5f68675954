"""Settings of a gunicorn that schemathesis may knock at as often as it likes: log-ins cost nothing and never lock."""

from typing import Any

from tests.management import cheap_passwords as settings

_ours: dict[str, Any] = {name: value for name, value in vars(settings).items() if name.isupper()}
globals().update(_ours)

AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
