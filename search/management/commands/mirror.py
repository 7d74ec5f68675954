"""`manage.py mirror …`: show, check, repair and rebuild the mirror, restore from it, and keep it up to date."""

import signal
import threading
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import close_old_connections, connection

from objects.commands import DatabaseCommand
from search import rebuild, repair, restore, state, tasks
from search.connection import MirrorError
from search.drift import Drift, check
from search.indices import MIRRORED, MirroredKind
from search.models import KINDS
from search.state import switch

LONGEST_BACKLOG_SECONDS = 60
FOLLOW_SECONDS = 1.0
SHOWN = 20


class Command(DatabaseCommand):
    help = "The Elasticsearch mirror: status, check, repair, rebuild, restore, follow, off."

    def add_arguments(self, parser: ArgumentParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        steps.add_parser("status", help="show the state of the mirror")
        for name, text in (
            ("check", "compare every document with the database; fails if there is a difference"),
            ("repair", "check, repair what differs, and try again what is set aside"),
            ("rebuild", "fill new indices and move the aliases to them; searches go on meanwhile"),
        ):
            steps.add_parser(name, help=text).add_argument("kinds", nargs="*", choices=[[], *KINDS], metavar="KIND")
        restore = steps.add_parser("restore", help="restore definitions and tokens from indices into an empty database")
        restore.add_argument("--definitions", metavar="INDEX", help="default: the mirror's own")
        restore.add_argument("--tokens", metavar="INDEX", help="default: the mirror's own")
        steps.add_parser("follow", help="keep the mirror up to date until ended, where no background program does")
        steps.add_parser("off", help="turn the mirror off: changes no longer leave intents")

    def handle(self, *args: Any, step: str, **options: Any) -> None:
        """Carry out `step`.

        Raises:
            CommandError: the step failed, or a check has found differences.
        """
        if step not in ("status", "off") and not settings.ELASTICSEARCH_URL:
            raise CommandError("There is no mirror: set ELASTICSEARCH_URL.")
        try:
            getattr(self, f"_{step}")(**options)
        except (MirrorError, rebuild.MirrorBusyError, restore.RestoreError) as error:
            raise CommandError(str(error)) from error

    def _status(self, **options: Any) -> None:
        now = state.current()
        self.stdout.write(f"mirror: {'on' if now.is_on else 'off'}")
        if not now.is_on:
            return
        answers = "answers" if now.is_reachable else f"does not answer {now.failure}".rstrip()
        self.stdout.write(f"Elasticsearch: {answers}, last answered {now.reached_at or 'never'}")
        self._write_backlog(now)
        for kind in now.kinds:
            filling = f", filling {kind.done} of {kind.total}" if kind.filling else ""
            found = f"{kind.missing} missing, {kind.stale} stale, {kind.orphaned} orphaned {kind.fault}".rstrip()
            checked = f"checked {kind.checked_at}: {found}" if kind.checked_at else "not checked yet"
            self.stdout.write(f"{kind.kind}: {checked}{filling}")
        for aside in state.aside_of(KINDS):
            self.stdout.write(f"set aside since {aside.since}: {aside}")

    def _write_backlog(self, now: state.MirrorState) -> None:
        self.stdout.write(f"waiting: {now.backlog} change(s), the oldest for {now.backlog_seconds} s")
        self.stdout.write(f"set aside: {now.set_aside} document(s)")

    def _off(self, **options: Any) -> None:
        switch.turn_off()
        self.stdout.write("The mirror is off. Its indices remain in Elasticsearch. Also unset ELASTICSEARCH_URL.")

    def _check(self, kinds: list[str], **options: Any) -> None:
        differences = 0
        for kind in _chosen(kinds):
            findings = check(kind)
            repair.record(kind, findings, repaired=False)
            differences += len(findings.ids) + bool(findings.fault)
            self._write_findings(kind.name, findings)
        now = state.current()
        self._write_backlog(now)
        if differences:
            raise CommandError(f"{differences} difference(s): `manage.py mirror repair` repairs them.")
        if now.backlog_seconds > LONGEST_BACKLOG_SECONDS:
            raise CommandError("Changes wait too long: does the background program run, and Elasticsearch answer?")

    def _write_findings(self, name: str, findings: Drift) -> None:
        if findings.fault:
            self.stdout.write(f"{name}: {findings.fault}")
        for found, ids in findings.differences.items():
            self.stdout.write(f"{name}: {len(ids)} {found}")
            for each in ids[:SHOWN]:
                self.stdout.write(f"  {each}")
            if len(ids) > SHOWN:
                self.stdout.write(f"  and {len(ids) - SHOWN} more")

    def _repair(self, kinds: list[str], **options: Any) -> None:
        for kind in _chosen(kinds):
            self._write_findings(kind.name, repair.repair(kind))
        self._write_backlog(state.current())

    def _rebuild(self, kinds: list[str], **options: Any) -> None:
        switch.turn_on()
        for kind in _chosen(kinds):
            count = rebuild.rebuild(kind)
            self.stdout.write(f"{kind.alias}: {count} documents in a new index")

    def _restore(self, definitions: str | None, tokens: str | None, **options: Any) -> None:
        for line in restore.restore(definitions, tokens):
            self.stdout.write(line)

    def _follow(self, **options: Any) -> None:
        ended = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ended.set())
        steps = (tasks.bring_changes, tasks.repair_when_due)
        threads = [threading.Thread(target=_repeat, args=(step, ended)) for step in steps]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _chosen(names: list[str]) -> list[MirroredKind]:
    """All kinds if no names are given."""
    return [MIRRORED[name] for name in names or MIRRORED]


def _repeat(step: Callable[[], None], ended: threading.Event) -> None:
    while not ended.wait(FOLLOW_SECONDS):
        step()
        close_old_connections()
    connection.close()
