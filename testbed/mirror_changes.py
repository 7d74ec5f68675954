"""Changes of every kind, made in every way that the product has, and how long each takes."""

import itertools
import random
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client

from as_code.importer import import_files
from as_code.permissions import Actor
from definitions.changes import save_definition
from objects.changes import delete_checked, save_checked
from testbed.publisher import Api, Publisher

_IMPORTED = """\
tokens:
  - {{name: imported, isDisabled: {is_disabled}}}
definitions:
  - {{route: imported/one, script: imported, allowedTokens: [imported], description: "{text}"}}
  - {{route: "imported/{text}", script: imported, allowedTokens: [imported]}}
"""

KINDS = (
    *("create", "rename", "retoken", "disable", "delete", "roll_back", "describe", "rename_script"),
    *("bulk_switch", "bulk_delete", "import_again"),
)


class Changes:
    """Makes each kind of change in turn, so that two series of the same length contain the same kinds."""

    def __init__(self, publish: Publisher, directory: Path) -> None:
        self.took: dict[str, list[float]] = defaultdict(list)
        self._directory = directory
        self._publish = publish
        self._chance = random.Random(7)
        self._numbers = itertools.count(1)
        self._apis = [publish() for _ in range(8)]
        publish.script(name="imported")
        self._console = Client()
        self._user = User.objects.create_superuser("mixed changes")
        self._console.force_login(self._user)
        self._kinds = itertools.cycle(getattr(self, name) for name in KINDS)

    def make(self, count: int) -> list[float]:
        """Make `count` changes; returns the seconds that each took."""
        return [self.one() for _ in range(count)]

    def one(self) -> float:
        """Make the next change; returns the seconds that it took."""
        change, self._text = next(self._kinds), f"{next(self._numbers)} {self._chance.random()}"
        began = time.perf_counter()
        change()
        took = time.perf_counter() - began
        self.took[change.__name__].append(took)
        return took

    def close(self) -> None:
        self._user.delete()

    def _api(self) -> Api:
        return self._chance.choice(self._apis)

    def create(self) -> None:
        self._apis.append(self._publish())

    def rename(self) -> None:
        """Rename a token, which its definitions show."""
        token = self._api().token
        token.refresh_from_db()
        token.name = self._text
        save_checked(token, "ann")

    def retoken(self) -> None:
        """Allow another token."""
        save_definition(self._api().definition, "ann", [self._api().token])

    def disable(self) -> None:
        """Disable or enable a token."""
        token = self._api().token
        token.refresh_from_db()
        token.is_disabled = not token.is_disabled
        save_checked(token, "ann")

    def delete(self) -> None:
        """Delete a definition and publish another one for its token."""
        api = self._apis.pop(self._chance.randrange(len(self._apis)))
        delete_checked(api.definition, "ann")
        self._apis.append(self._publish(token=(api.token, api.secret)))

    def roll_back(self) -> None:
        definition = self._api().definition
        with transaction.atomic():
            save_definition(definition, "ann", [])
            self._publish()
            transaction.set_rollback(True)
        definition.refresh_from_db()

    def describe(self) -> None:
        definition = self._api().definition
        definition.description = self._text
        save_checked(definition, "ann")

    def rename_script(self) -> None:
        """Rename a script, which its definition shows."""
        script = self._api().definition.script
        assert script is not None
        script.name = self._text
        save_checked(script, "ann")

    def bulk_switch(self) -> None:
        """Disable or enable some tokens in the console."""
        action = self._chance.choice(["disable_selected", "enable_selected"])
        self._act("tokens/apitoken", action, [api.token.pk for api in self._apis[:5]])

    def bulk_delete(self) -> None:
        """Delete the two newest definitions in the console."""
        gone = [self._apis.pop(), self._apis.pop()]
        self._act("definitions/apidefinition", "delete_selected", [api.definition.pk for api in gone])
        self._apis += [self._publish(token=(api.token, api.secret)) for api in gone]

    def import_again(self) -> None:
        """Import a file with a token and two definitions, one of them new; those of earlier files stay."""
        path = self._directory / "apis.yaml"
        is_disabled = str(self._chance.random() < 0.5).lower()
        path.write_text(_IMPORTED.format(text=self._text.replace(" ", "-"), is_disabled=is_disabled))
        import_files([path], Actor())

    def _act(self, page: str, action: str, keys: list[Any]) -> None:
        sent = {"action": action, "ids": ",".join(map(str, keys)), "post": "yes"}
        answer = self._console.post(f"/console/{page}/", sent)
        assert answer.status_code == 302, answer.content[-2000:]
