"""Builds: what makes a version with packages ready to run, what its packages resolve to, and which node has them."""

from typing import ClassVar, Final

from django.db import models
from django.utils.translation import gettext_lazy

from automation.versions import ScriptVersion
from objects.authorship import USER_NAME_LENGTH
from objects.columns import CompressedTextField

LONGEST_MESSAGE: Final = 4_000
LONGEST_LOG: Final = 64 * 1024
"""In characters; the first lines of a longer log are dropped."""


class BuildState(models.TextChoices):
    """How far a build has come, in one place or on all nodes."""

    BUILDING = "Building", gettext_lazy("Building")
    READY = "Ready", gettext_lazy("Ready")
    FAILED = "Failed", gettext_lazy("Failed")


class PackageLock(models.Model):
    """What some requirements were resolved to, once: every package with its version and hashes. It never changes."""

    digest = models.CharField(max_length=64, unique=True)
    """See `automation.locks.digest`."""
    requires_python = models.CharField(max_length=200, blank=True)
    packages = models.JSONField(default=list)
    """Name and version of each package."""
    modules = models.JSONField(null=True)
    """The modules that scripts can import from them; None until a node has installed them."""
    created_at = models.DateTimeField(auto_now_add=True)
    text = CompressedTextField()
    """The lines that uv reads: names, versions, markers and hashes."""

    class Meta:
        default_permissions = ()
        verbose_name = gettext_lazy("lock")

    def __str__(self) -> str:
        return self.digest


class Build(models.Model):
    """What a version with packages needs before it can run. A version without a build is ready.

    A build without a version is for source that is tried before it is saved.
    """

    # Without a constraint: the release before deletes scripts with their versions and knows no builds.
    version = models.OneToOneField(
        ScriptVersion, on_delete=models.CASCADE, null=True, related_name="build", db_constraint=False
    )
    requirements = models.JSONField()
    requirements_digest = models.CharField(max_length=64, db_index=True)
    lock = models.ForeignKey(PackageLock, on_delete=models.PROTECT, null=True, related_name="builds")
    """None until the requirements are resolved."""
    state = models.CharField(max_length=8, choices=BuildState.choices, default=BuildState.BUILDING)
    message = models.CharField(max_length=LONGEST_MESSAGE, blank=True, default="")
    """Why it has failed."""
    line = models.PositiveIntegerField(null=True)
    """The line of the source that the message is about."""
    log = models.TextField(blank=True, default="")
    """What resolving the requirements has printed."""
    becomes_current = models.BooleanField(default=False)
    """Whether its version becomes the current one as soon as it is ready."""
    started_by = models.CharField(max_length=USER_NAME_LENGTH)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        verbose_name = gettext_lazy("build")
        constraints: ClassVar = [
            models.CheckConstraint(name="build_state", condition=models.Q(state__in=BuildState.values)),
        ]
        indexes: ClassVar = [
            # Nodes ask every second.
            models.Index(fields=["id"], name="build_going_on", condition=models.Q(state=BuildState.BUILDING)),
        ]

    def __str__(self) -> str:
        return f"build of {self.version or 'a trial'}"

    @property
    def is_going_on(self) -> bool:
        return self.state == BuildState.BUILDING


class NodeEnvironment(models.Model):
    """The environment of a lock on one node. The node alone writes it."""

    node_id = models.PositiveIntegerField()
    lock = models.ForeignKey(PackageLock, on_delete=models.CASCADE, related_name="environments")
    state = models.CharField(max_length=8, choices=BuildState.choices, default=BuildState.BUILDING)
    message = models.CharField(max_length=LONGEST_MESSAGE, blank=True, default="")
    log = models.TextField(blank=True, default="")
    size_bytes = models.BigIntegerField(default=0)
    python = models.CharField(max_length=100, blank=True, default="")
    """Python and platform, such as `cp311-linux-x86_64`."""
    built_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        verbose_name = gettext_lazy("environment")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["node_id", "lock"], name="environment_once_a_node"),
        ]

    def __str__(self) -> str:
        return f"{self.lock_id} on node {self.node_id}"


def is_ready() -> models.Q:
    """The condition of versions that can run."""
    return models.Q(build=None) | models.Q(build__state=BuildState.READY)


def build_of(version: ScriptVersion) -> Build | None:
    """The build of a version, if it needs one; one query unless it was fetched with it."""
    build: Build | None = getattr(version, "build", None)
    return build


def state_of(version: ScriptVersion) -> BuildState:
    """Whether a version can run; one query unless its build was fetched with it."""
    build = build_of(version)
    return BuildState(build.state) if build is not None else BuildState.READY
