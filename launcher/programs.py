"""The programs of the stack, and the supervisor's configuration that runs them."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from foundation.logs import LogSettings
from launcher import redis_server
from launcher.paths import LauncherPaths, python
from launcher.supervise import LONGEST_BACK_OFF_SECONDS

# A program that ends sooner than this after its start counts as failed.
STEADY_SECONDS = 5

MARGIN_SECONDS = 5
REDIS_GRACE_SECONDS = 10
# How long an ordinary task may go on when its program has to end.
BACKGROUND_GRACE_SECONDS = 30
DESCRIPTORS = 256

# The names of all logs; earlier releases wrote `mirror.log`.
LOGGING = ("supervisor", "redis", "worker", "background", "mirror", "web", "manager", "endpoint")


@dataclass(frozen=True)
class SupervisedProgram:
    """One program of the stack. Programs start by rising priority and stop by falling priority."""

    name: str
    command: list[str]
    priority: int
    grace_seconds: int


def web_grace_seconds() -> int:
    """How long gunicorn may take to answer its waiting triggers when it has to end."""
    return settings.UDAPI_TRIGGER_TIMEOUT_SECONDS + MARGIN_SECONDS


def node(name_suffix: str = "") -> list[SupervisedProgram]:
    """The two programs of a worker node: one runs triggers, the other ordinary tasks and the scheduler.

    `name_suffix` distinguishes the node's Celery workers from others on this machine.
    """
    grace = web_grace_seconds() + MARGIN_SECONDS
    return [
        _celery("background", "udapi.background", name_suffix, priority=150, grace_seconds=BACKGROUND_GRACE_SECONDS),
        _celery("worker", "udapi.triggers", name_suffix, priority=200, grace_seconds=grace),
    ]


def _celery(name: str, queue: str, name_suffix: str, priority: int, grace_seconds: int) -> SupervisedProgram:
    command = python("-m", "udapi_site.celery_program", queue, f"{name}{name_suffix}")
    return SupervisedProgram(name, command, priority, grace_seconds)


def stack(redis: list[str] | None) -> list[SupervisedProgram]:
    """The programs; `redis` is the command of an embedded Redis."""
    # A little longer than gunicorn itself waits.
    grace = web_grace_seconds() + MARGIN_SECONDS
    web = python("-m", "gunicorn", "-c", "python:web.gunicorn_conf", "udapi_site.wsgi")
    programs = [*node(), SupervisedProgram("web", web, priority=300, grace_seconds=grace)]
    if redis is not None:
        # `env -i`: the supervisor's own variables hold secrets.
        variables = [f"{name}={value}" for name, value in redis_server.ENVIRONMENT.items()]
        command = ["/usr/bin/env", "-i", *variables, *redis]
        programs.insert(0, SupervisedProgram("redis", command, priority=100, grace_seconds=REDIS_GRACE_SECONDS))
    return programs


def log_file(name: str) -> Path:
    """The log of the program `name`, or of the supervisor."""
    logs: LogSettings = settings.UDAPI_LOGS
    return logs.directory / f"{name}.log"


def output_format() -> list[str]:
    """In which format all programs write to the supervisor's standard output; empty if they write to files."""
    logs: LogSettings = settings.UDAPI_LOGS
    return [] if logs.to_files else ["json" if logs.as_json else "text"]


def supervisor_config(paths: LauncherPaths, programs: list[SupervisedProgram], supervisor_pid: int) -> str:
    """The supervisor's configuration. It holds no secret, as the programs inherit the environment."""
    sections = [_supervisor_section(paths), *(_program_section(paths, each, supervisor_pid) for each in programs)]
    return "\n\n".join("\n".join(lines) for lines in sections) + "\n"


def _supervisor_section(paths: LauncherPaths) -> Iterator[str]:
    yield "[supervisord]"
    yield "nodaemon = true"
    yield "silent = true"
    yield f"pidfile = {_escaped(str(paths.supervisor_pid))}"
    yield f"minfds = {DESCRIPTORS}"
    yield "minprocs = 1"
    yield from _log_lines("", f"supervisor{paths.suffix}")


def _program_section(paths: LauncherPaths, program: SupervisedProgram, supervisor_pid: int) -> Iterator[str]:
    wrapper = python("-m", "launcher.supervised", str(supervisor_pid), str(paths.children_lock))
    yield f"[program:{program.name}]"
    yield f"command = {_escaped(shlex.join([*wrapper, *program.command]))}"
    yield f"priority = {program.priority}"
    yield f"stopwaitsecs = {program.grace_seconds}"
    yield f"startsecs = {STEADY_SECONDS}"
    yield f"startretries = {LONGEST_BACK_OFF_SECONDS}"
    yield "autorestart = true"
    yield "redirect_stderr = true"
    yield from _log_lines("stdout_", f"{program.name}{paths.suffix}")


def _log_lines(prefix: str, name: str) -> Iterator[str]:
    logs: LogSettings = settings.UDAPI_LOGS
    if not logs.to_files:
        # The supervisor's own is replaced at its start; that of a program is not needed.
        yield f"{prefix}logfile = {'NONE' if prefix else '/dev/null'}"
        return
    path = _escaped(str(log_file(name)))
    # supervisord expands the log file of a program twice, its own once.
    yield f"{prefix}logfile = {_escaped(path) if prefix else path}"
    yield f"{prefix}logfile_maxbytes = {logs.max_bytes}"
    yield f"{prefix}logfile_backups = {logs.keep}"


def _escaped(value: str) -> str:
    return value.replace("%", "%%")
