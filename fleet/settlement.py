"""Settles builds: a version is ready when every node that takes triggers, or is about to, has its environment."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import redis
from django.conf import settings
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from automation import build_ends
from automation.builds import Build, BuildState, NodeEnvironment
from broker.client import client
from fleet import overview
from fleet.heartbeat import HEARTBEAT_ENDS_AFTER_SECONDS, NodeState

_SPARE_SECONDS: Final = 60
# However often nodes start anew meanwhile, such as because of what they build.
_LONGEST: Final = timedelta(days=1)


@dataclass(frozen=True)
class Living:
    """The nodes that are alive: those that take triggers, and those that do not, such as one that starts or leaves."""

    taking: Sequence[NodeState]
    out: Sequence[NodeState]

    @property
    def all(self) -> Sequence[NodeState]:
        return (*self.taking, *self.out)

    @property
    def builders(self) -> Sequence[NodeState]:
        """Those that build: not one that leaves."""
        return [node for node in self.all if node.builds]

    def has_others(self, node_id: int) -> bool:
        """Whether other nodes than this one could build."""
        return any(node.id != node_id for node in self.builders)


def living() -> Living | None:
    """The nodes that are alive; None while Redis cannot tell, or has just started and may not know all of them."""
    try:
        if client().info("server")["uptime_in_seconds"] < HEARTBEAT_ENDS_AFTER_SECONDS:
            return None
        everybody = {beat.instance: beat.node for beat in overview.look(with_leaving=True).nodes}
        # In this order: a node that has left meanwhile does not count as an earlier release.
        taking = {beat.instance for beat in overview.look().nodes}
    except redis.RedisError:
        return None
    return Living(
        [node for instance, node in everybody.items() if instance in taking],
        [node for instance, node in everybody.items() if instance not in taking],
    )


class Settlement:
    """What `nodes` have of the `builds` that go on, at one moment."""

    def __init__(self, builds: Sequence[Build], nodes: Living) -> None:
        self._builds, self._nodes = builds, nodes
        self._states: Mapping[int | None, dict[int, NodeEnvironment]] = defaultdict(dict)
        locks = {build.lock_id for build in builds if build.lock_id is not None}
        if locks:
            for row in NodeEnvironment.objects.filter(lock__in=locks).defer("log"):
                self._states[row.lock_id][row.node_id] = row

    def locks_left_behind(self, node_id: int) -> set[int]:
        """The locks that this node could not build and another one has built."""
        return {
            build.lock_id
            for build in self._builds
            if build.lock_id is not None
            and self._state(build, node_id) == BuildState.FAILED
            and any(self._is_ready(build, node) for node in self._nodes.builders)
        }

    def end(self) -> None:
        """End the builds that are ready everywhere, can be ready nowhere, or have had their time. Others go on."""
        for build in self._builds:
            self._settle(build)

    def _settle(self, build: Build) -> None:
        if earlier := [node.id for node in self._nodes.taking if not node.builds]:
            text = _(
                "Node {} runs an earlier release, which installs no packages. Finish the upgrade, then build again."
            )
            build_ends.failed(build.pk, text.format(earlier[0]))
        elif build.lock_id is None:
            if self._is_overdue(build):
                message = _("No node could resolve its packages in time. The log says more.")
                build_ends.failed(build.pk, message)
        elif (why := self._failed_everywhere(build)) is not None:
            build_ends.failed(build.pk, why)
        else:
            self._settle_installed(build)

    def _settle_installed(self, build: Build) -> None:
        """A node that starts is waited for, so that it takes no trigger before it has what has become current.

        One that could not build it stays out, and one that has started to leave builds no more.
        """
        late = [node.id for node in self._nodes.taking if not self._is_ready(build, node)]
        coming = [
            node.id
            for node in self._nodes.out
            if node.builds and self._state(build, node.id) not in (BuildState.READY, BuildState.FAILED)
        ]
        is_overdue = self._is_overdue(build)
        # Where none takes triggers, perhaps because it lacks other packages, a node that has these may soon.
        is_somewhere = any(self._is_ready(build, node) for node in self._nodes.builders)
        if is_somewhere and not late and (not coming or is_overdue):
            build_ends.ready(build.pk)
        elif is_overdue and (late or coming):
            build_ends.failed(build.pk, _("Node {} did not build it in time.").format((late or coming)[0]))

    def _state(self, build: Build, node_id: int) -> str | None:
        row = self._states[build.lock_id].get(node_id)
        return row.state if row else None

    def _is_ready(self, build: Build, node: NodeState) -> bool:
        return self._state(build, node.id) == BuildState.READY

    def _failed_everywhere(self, build: Build) -> str | None:
        """The message of a node, if every node that builds has failed."""
        rows = [self._states[build.lock_id].get(node.id) for node in self._nodes.builders]
        failed = [row for row in rows if row is not None and row.state == BuildState.FAILED]
        return failed[0].message if failed and len(failed) == len(rows) else None

    def _is_overdue(self, build: Build) -> bool:
        """Whether resolving, installing and a wait for another build have had their time, with a node to do it."""
        most = timedelta(seconds=3 * settings.UDAPI_BUILD_TIMEOUT_SECONDS + _SPARE_SECONDS)
        now = timezone.now()
        since = min((datetime.fromisoformat(node.since) for node in self._nodes.builders), default=now)
        has_had_time = now - max(build.started_at, since) > most and not _has_built_since(now - most)
        return has_had_time or now - build.started_at > _LONGEST


def _has_built_since(moment: datetime) -> bool:
    """Whether another build was done, so that those after it may only be waiting in line."""
    done = Build.objects.filter(state=BuildState.READY, ended_at__gt=moment)
    # Those that needed nothing but their row took no node's time.
    return done.filter(ended_at__gt=F("started_at")).exists()
