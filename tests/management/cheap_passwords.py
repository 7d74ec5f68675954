"""Settings of a gunicorn whose log-ins are limited as ever, but cost little."""

from typing import Any

from udapi_site import settings

_ours: dict[str, Any] = {name: value for name, value in vars(settings).items() if name.isupper()}
globals().update(_ours)

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
