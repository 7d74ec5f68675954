"""A logged-in user with a browser of their own, and what goes wrong there."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.backends.db import SessionStore
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, WebError

from testbed import people

PREFIX = "visitor"
PATIENCE = 20_000
"""Milliseconds that a page may take on a busy machine."""

_REPORT_VIOLATIONS = """
document.addEventListener('securitypolicyviolation', (event) =>
  console.error(`policy violation: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`))
"""

_numbers = itertools.count(1)


class Profiles:
    """Browser contexts that are reused, so that scripts and styles are loaded and compiled once."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._free: dict[str, list[BrowserContext]] = {}

    def take(self, options: Mapping[str, Any]) -> BrowserContext:
        """A context that is empty but for the browser's cache."""
        if free := self._free.get(repr(options)):
            return free.pop()
        context = self._browser.new_context(**options)
        context.set_default_timeout(PATIENCE)
        context.add_init_script(_REPORT_VIOLATIONS)
        return context

    def give_back(self, context: BrowserContext, options: Mapping[str, Any], origin: str) -> None:
        """Clear storage and cookies and close the pages. A test may have closed the context itself."""
        if not context.pages:
            return
        session = context.new_cdp_session(context.pages[0])
        session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
        context.clear_cookies()
        for page in context.pages:
            page.close()
        self._free.setdefault(repr(options), []).append(context)


class Visitor:
    """A logged-in user with a browser context; `wrong` collects what must not happen."""

    def __init__(self, profiles: Profiles, console: str, flags: Sequence[str], options: Mapping[str, Any]) -> None:
        self.wrong: list[str] = []
        self._origin = "{0.scheme}://{0.netloc}".format(urlsplit(console))
        self._profiles, self._options = profiles, {"base_url": console, **options}
        self._context = profiles.take(self._options)
        self._context.add_cookies([{"name": "sessionid", "value": log_in(flags), "url": self._origin}])
        self._watches = {"console": self._look_at, "weberror": self._look_how, "request": self._look_where}
        for event, watch in self._watches.items():
            self._context.on(event, watch)  # type: ignore[call-overload]
        self.page: Page = self._context.new_page()

    def leave(self) -> None:
        """Close everything."""
        self._profiles.give_back(self._context, self._options, self._origin)
        for event, watch in self._watches.items():
            self._context.remove_listener(event, watch)

    def _look_at(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "the server responded with a status of" not in message.text:
            self.wrong.append(f"console: {message.text} ({message.location})")
        elif message.type == "error" and "/static/" in message.location["url"]:
            self.wrong.append(f"missing: {message.location['url']}")

    def _look_how(self, error: WebError) -> None:
        self.wrong.append(f"uncaught: {error.error}")

    def _look_where(self, request: Request) -> None:
        if not request.url.startswith((f"{self._origin}/", "data:", "blob:", "about:")):
            self.wrong.append(f"another host: {request.url}")


def log_in(flags: Sequence[str]) -> str:
    """The key of a session of a new user with these flags; without any, of a superuser."""
    user = User.objects.create_user(f"{PREFIX} {next(_numbers)}", is_superuser=not flags)
    for flag in flags:
        app_label, codename = flag.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app_label, codename=codename))
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return str(session.session_key)


def remove_users() -> None:
    """Remove the users of visitors. Their sessions end with them."""
    people.remove_users(username__startswith=PREFIX)


def log_in_by_form(page: Page, console: str, name: str, password: str) -> None:
    """Log in with the form."""
    page.goto(console)
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Overview").wait_for()
