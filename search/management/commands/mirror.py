"""`manage.py mirror …`: see how the mirror stands, compare it, set it right, keep it, and restore from it."""

import signal
import threading
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections, connection

from search import state, switch
from search.models import KINDS

LONGEST_BACKLOG_SECONDS = 60
FOLLOW_SECONDS = 1.0
SHOWN = 20


class Command(BaseCommand):
    """One command with a few words."""

    help = "The Elasticsearch mirror: status, check, repair, rebuild, restore, follow, off."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What is to be done."""
        does = parser.add_subparsers(dest="do", required=True)
        does.add_parser("status", help="how the mirror stands")
        for name, text in (
            ("check", "compare every document with the database; fails when there is a difference"),
            ("repair", "compare, set right what differs, and try again what is set aside"),
            ("rebuild", "fill new indices and swap them in; searches go on meanwhile"),
        ):
            does.add_parser(name, help=text).add_argument("kinds", nargs="*", choices=[[], *KINDS], metavar="KIND")
        restore = does.add_parser(
            "restore", help="bring definitions and tokens back from indices into an empty database"
        )
        restore.add_argument("--definitions", metavar="INDEX", help="default: the mirror's own")
        restore.add_argument("--tokens", metavar="INDEX", help="default: the mirror's own")
        does.add_parser("follow", help="keep the mirror until ended, where no background program does")
        does.add_parser("off", help="no mirror any more: changes are no longer noted")

    def handle(self, *args: Any, do: str, **options: Any) -> None:
        """Do it.

        Raises:
            CommandError: it cannot be done, or there is a difference.
        """
        if do in ("status", "off"):
            getattr(self, f"_{do}")()
            return
        if not settings.ELASTICSEARCH_URL:
            raise CommandError("There is no mirror: set ELASTICSEARCH_URL.")
        # Its client takes 20 MB: commands that need none do not load it.
        work = import_module("search.work")
        steps: Mapping[str, Callable[..., None]] = {
            "check": self._check,
            "repair": self._repair,
            "rebuild": self._rebuild,
            "restore": self._restore,
            "follow": self._follow,
        }
        try:
            steps[do](work, **options)
        except (work.MirrorError, work.BusyError, work.RestoreError) as error:
            raise CommandError(str(error)) from error

    def _status(self) -> None:
        now = state.current()
        self.stdout.write(f"mirror: {'on' if now.is_on else 'off'}")
        if not now.is_on:
            return
        answers = "answers" if now.is_reachable else f"does not answer {now.failure}".rstrip()
        self.stdout.write(f"Elasticsearch: {answers}, last heard of {now.reached_at or 'never'}")
        self._tell_backlog(now)
        for kind in now.kinds:
            filling = f", filling {kind.done} of {kind.total}" if kind.is_filling else ""
            found = f"{kind.missing} missing, {kind.stale} stale, {kind.orphaned} orphaned"
            check = (
                f"checked {kind.checked_at}: {found} {kind.fault}".rstrip() if kind.checked_at else "not checked yet"
            )
            self.stdout.write(f"{kind.kind}: {check}{filling}")
        for aside in state.aside_of(KINDS):
            self.stdout.write(f"set aside since {aside.since}: {aside}")

    def _tell_backlog(self, now: state.State) -> None:
        self.stdout.write(f"waiting: {now.backlog} change(s), the oldest for {now.backlog_seconds} s")
        self.stdout.write(f"set aside: {now.set_aside} document(s)")

    def _off(self) -> None:
        switch.turn_off()
        self.stdout.write("The mirror is off. What lies in Elasticsearch stays there; take ELASTICSEARCH_URL away too.")

    def _check(self, work: Any, kinds: list[str], **options: Any) -> None:
        differences = 0
        for kind in work.chosen(kinds):
            findings = work.check(kind)
            work.note(kind, findings, repaired=False)
            differences += len(findings.ids) + bool(findings.fault)
            self._tell(kind.name, findings)
        now = state.current()
        self._tell_backlog(now)
        if differences:
            raise CommandError(f"{differences} difference(s): `manage.py mirror repair` sets them right.")
        if now.backlog_seconds > LONGEST_BACKLOG_SECONDS:
            raise CommandError("Changes wait too long: does the background program run, and Elasticsearch answer?")

    def _tell(self, name: str, findings: Any) -> None:
        if findings.fault:
            self.stdout.write(f"{name}: {findings.fault}")
        for found in ("missing", "stale", "orphaned"):
            ids = getattr(findings, found)
            self.stdout.write(f"{name}: {len(ids)} {found}")
            for each in ids[:SHOWN]:
                self.stdout.write(f"  {each}")
            if len(ids) > SHOWN:
                self.stdout.write(f"  and {len(ids) - SHOWN} more")

    def _repair(self, work: Any, kinds: list[str], **options: Any) -> None:
        for kind in work.chosen(kinds):
            self._tell(kind.name, work.repair(kind))
        self._tell_backlog(state.current())

    def _rebuild(self, work: Any, kinds: list[str], **options: Any) -> None:
        switch.turn_on()
        for kind in work.chosen(kinds):
            count = work.rebuild(kind)
            self.stdout.write(f"{kind.alias}: {count} documents in a new index")

    def _restore(self, work: Any, definitions: str | None, tokens: str | None, **options: Any) -> None:
        for line in work.restore(definitions, tokens):
            self.stdout.write(line)

    def _follow(self, work: Any, **options: Any) -> None:
        ended = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ended.set())
        steps = (work.bring_changes, work.repair_when_due)
        threads = [threading.Thread(target=_repeat, args=(step, ended)) for step in steps]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _repeat(step: Callable[[], None], ended: threading.Event) -> None:
    """Do `step` once a second until `ended`."""
    while not ended.wait(FOLLOW_SECONDS):
        step()
        close_old_connections()
    connection.close()
