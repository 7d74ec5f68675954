"""`manage.py credential_keys`: how many credentials each key still has; `--rotate` moves them to the current one."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from automation.credential_keys import fingerprints
from automation.credential_rotation import counts, rotate
from objects.commands import DatabaseCommand


class Command(DatabaseCommand):
    """An old key can be removed once no credential is left on it."""

    help = "Show how many credentials each key has. Fails when credentials are left on a key that is not active."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rotate", action="store_true", help="first encrypt every credential under the newest key")

    def handle(self, *args: Any, **options: Any) -> None:
        active = fingerprints()
        unopened = rotate() if options["rotate"] and active else []
        found = counts()
        for position, key in enumerate(active, start=1):
            advice = "old: move them with --rotate" if found.get(key) else "old: can be removed"
            state = "current" if position == 1 else advice
            self.stdout.write(f"key {position} ({key}): {found.get(key, 0)} credential(s), {state}")
        lost = sorted(found.keys() - set(active))
        for key in lost:
            self.stdout.write(f"key ({key}): {found[key]} credential(s), NOT ACTIVE: scripts cannot read them")
        if unopened:
            raise CommandError(f"No active key opens: {', '.join(unopened)}. Give them their values again.")
        if lost:
            raise CommandError("Restore the missing keys, or give these credentials their values again.")
        if not active:
            raise CommandError("UDAPI_CREDENTIAL_KEYS is not set, so no credential can be stored.")
