"""The steps of a start that need Django's settings, until the supervisor takes over."""

import errno
import logging
import os
import resource
import socket
import subprocess
from contextlib import ExitStack, suppress
from typing import NoReturn

import redis as redis_py
from django.conf import settings
from django.core.checks import WARNING, CheckMessage, Tags, run_checks
from django.core.management import call_command
from django.db import OperationalError, connection, connections
from django.db.migrations.executor import MigrationExecutor

from broker.client import claim_installation, server_client
from broker.installation import UnknownInstallationError, installation_id
from broker.owner import ForeignInstallationError
from foundation import env, logs
from foundation.log_file import make_log_private
from launcher import database_lock, first_start, private, programs, redis_server
from launcher.paths import LauncherPaths, python
from launcher.steps import StartError, say, step

# Open files of a process: each waiting trigger takes two in gunicorn.
DESCRIPTORS = 65_536


def start(paths: LauncherPaths) -> NoReturn:
    """Go through all steps and become the supervisor.

    Raises:
        StartError: a step failed; the text says what to do.
    """
    _prepare_logs()
    _check_settings()
    _check_port(settings.UDAPI_HOST, settings.UDAPI_PORT)
    redis = _prepare_redis(paths)
    is_first = _prepare_database(paths)
    _say_all(_check_database())
    connections.close_all()
    # Nobody else reaches an embedded Redis, and a data directory may be moved.
    if redis is None:
        _claim()
    _write_supervisor_config(paths, programs.stack(redis))
    # This process keeps its id when it becomes the supervisor, and so remains the parent.
    flags = ["--first-start"] if is_first else []
    subprocess.Popen(python("-m", "launcher.announce", str(os.getpid()), *flags))  # noqa: S603
    _become_supervisor(paths)


def start_worker(paths: LauncherPaths) -> NoReturn:
    """Become the supervisor of one more worker node on the broker and the database of the settings.

    Raises:
        StartError: a setting cannot be used, or the broker does not answer.
    """
    _prepare_logs()
    _check_settings()
    with step("Redis") as done:
        try:
            done(f"{_broker_version()} answers")
        except redis_py.RedisError as error:
            raise StartError(
                f"The broker does not answer ({error}): start the stack with `make run` first, or set REDIS_URL."
            ) from error
    _claim()
    # A database that does not answer yet says nothing about its credentials.
    with suppress(OperationalError):
        _say_all(_check_database())
    connections.close_all()
    with step("Worker") as done:
        place = programs.log_file("manager") if settings.UDAPI_LOGS.to_files else "standard output"
        done(f"Ctrl-C lets it finish its runs, then ends it; its log: {place}")
    _write_supervisor_config(paths, programs.node(f"-{os.getpid()}"))
    _become_supervisor(paths)


def _prepare_logs() -> None:
    """Make the log directory, and close it and the logs of earlier starts to other users."""
    if settings.UDAPI_LOGS.to_files:
        private.directory(settings.UDAPI_LOGS.directory)
        logs.make_directory(settings.UDAPI_LOGS)
    for name in programs.LOGGING:
        make_log_private(programs.log_file(name))
    # The step "First start" names what it creates.
    logging.getLogger(logs.AUDIT_LOGGER).setLevel(logging.WARNING)


def _check_settings() -> None:
    with step("Settings") as done:
        first_start.wants_demo()
        messages = [message for message in run_checks() if not message.is_silenced()]
        errors = [_sentence(message) for message in messages if message.is_serious()]
        if errors:
            raise StartError(" ".join(errors))
        done("checked")
    # The programs of a worker node need not check again, for which they would load the whole console.
    os.environ["CELERY_SKIP_CHECKS"] = "1"
    _say_all(messages)


def _check_database() -> list[CheckMessage]:
    return run_checks(tags=[Tags.database], databases=[connection.alias])


def _say_all(messages: list[CheckMessage]) -> None:
    for message in messages:
        is_warning = message.level >= WARNING
        level = logging.WARNING if is_warning else logging.INFO
        say(f"{'Warning' if is_warning else 'Note'}: {_sentence(message)}", level)


def _sentence(message: CheckMessage) -> str:
    return f"{message.msg} {message.hint}" if message.hint else message.msg


def _check_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with step("Port") as done, socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen()
        except OSError as error:
            raise StartError(_port_sentence(host, port, error)) from error
        done(f"{port} on {host} is free")


def _port_sentence(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        other = port + 1 if port < 65_535 else 8_000
        return f"Port {port} on {host} is taken: end what listens there, or choose another, such as UDAPI_PORT={other}."
    if error.errno == errno.EACCES:
        return f"Port {port} is for root only: choose one above 1023 with UDAPI_PORT and put a proxy in front."
    return f"{host} is not an address of this machine ({error.strerror}): set UDAPI_HOST to one that is."


def _prepare_redis(paths: LauncherPaths) -> list[str] | None:
    """The command of the embedded Redis; None where REDIS_URL names another one, which may not be up yet."""
    with step("Redis") as done:
        if not env.text("REDIS_URL", ""):
            server = redis_server.find()
            redis_server.configure(paths)
            done(f"{server} ({server.program}), private to this user")
            return [str(server.program), str(paths.redis_config)]
        try:
            done(f"{_broker_version()} at REDIS_URL answers")
        except redis_py.RedisError as error:
            done(f"REDIS_URL does not answer yet ({error}); until it does, triggers are answered with error 1006")
    return None


def _broker_version() -> str:
    return str(server_client().info("server")["redis_version"])


def _claim() -> None:
    """Refuse a second database with the same id on the same Redis, provided that both answer."""
    with step("Installation") as done:
        try:
            claim_installation()
            done(installation_id())
        except ForeignInstallationError as error:
            raise StartError(str(error)) from error
        except UnknownInstallationError as error:
            done(f"not known yet: {error}")
        except redis_py.RedisError:
            done("claimed when Redis answers")


def _prepare_database(paths: LauncherPaths) -> bool:
    """Bring the database up to date while no other machine does. Returns whether this is the first start."""
    with ExitStack() as locked:
        is_first = _update_database(locked)
        if is_first:
            with step("First start") as done:
                done(f"created {', '.join(first_start.set_up(paths))}")
    if is_first and (why := first_start.weakness_of_admin_password()):
        say(f"Warning: UDAPI_ADMIN_PASSWORD is weak: {why} Change it in the console.", logging.WARNING)
    connections.close_all()
    return is_first


def _update_database(locked: ExitStack) -> bool:
    """Migrate, and return whether the first start is due. `locked` holds the database's lock from here on."""
    with step("Database") as done:
        try:
            locked.enter_context(database_lock.held())
            if errors := [each for each in _check_database() if each.is_serious()]:
                raise StartError(_sentence(errors[0]))
            done(_migrate())
            return first_start.is_due()
        except OperationalError as error:
            first_line = str(error).strip().partition("\n")[0]
            raise StartError(f"The database cannot be used ({first_line}): check DATABASE_URL.") from error


def _migrate() -> str:
    executor = MigrationExecutor(connection)
    pending = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if not pending:
        return "up to date"
    call_command("migrate", interactive=False, verbosity=0)
    return f"migrated, {pending} steps"


def _write_supervisor_config(paths: LauncherPaths, stack: list[programs.SupervisedProgram]) -> None:
    config = programs.supervisor_config(paths, stack, supervisor_pid=os.getpid())
    private.write(paths.supervisor_config, config)


def _become_supervisor(paths: LauncherPaths) -> NoReturn:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    command = python("-m", "launcher.supervise", str(paths.supervisor_config), *programs.output_format())
    os.execv(command[0], command)  # noqa: S606
