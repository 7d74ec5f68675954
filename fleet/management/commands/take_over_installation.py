"""`manage.py take_over_installation`: give the installation's id to this database."""

from typing import Any

import redis
from django.core.management.base import CommandError

from broker.client import server_client
from broker.installation import installation_id
from broker.owner import take_over
from fleet import overview
from objects.commands import DatabaseCommand


class Command(DatabaseCommand):
    """For a database that was moved or restored. A copy needs an id of its own instead."""

    help = "Give the installation's id on its Redis to this database, even if another database has it."

    def handle(self, *args: Any, **options: Any) -> None:
        """Take over the id, and name the worker nodes that still run for the other database."""
        try:
            had_another = take_over(server_client())
            nodes = overview.nodes() if had_another else []
        except redis.RedisError as error:
            raise CommandError(f"Run this again: {error}") from error
        belongs = f"The installation {installation_id()} belongs to this database now"
        if not had_another:
            self.stdout.write(f"{belongs}; no other database had it on this Redis.")
            return
        self.stdout.write(f"{belongs}, no longer to another.")
        for node in nodes:
            self.stdout.write(f"Worker node {node.id} on {node.host} still runs for the other database: end it.")
