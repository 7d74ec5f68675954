"""Seams: every surface of a dependency that the product uses although it is not public.

Each has a row in `SEAMS`, which names the module that uses it, and a test that fails when the dependency changes it.
The last two tests find private names without a row.
"""

import ast
import inspect
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from celery import current_app
from celery.app import trace
from celery.beat import EmbeddedService, Scheduler
from celery.concurrency import base as pools
from celery.concurrency.thread import TaskPool
from celery.worker import control, strategy
from celery.worker import state as worker_state
from celery.worker.consumer import Consumer
from django.contrib.auth.models import User
from django.db.models import QuerySet
from drf_spectacular.openapi import AutoSchema
from gunicorn import util
from gunicorn.glogging import Logger
from gunicorn.workers.base import Worker
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker
from kombu import Connection, Message
from kombu.transport import redis as kombu_redis
from kombu.transport import virtual
from redis.connection import AbstractConnection, ConnectionPool, SSLConnection
from supervisor.options import ProcessConfig, ServerOptions
from supervisor.process import Subprocess
from supervisor.supervisord import Supervisor

from broker.installation import prefix
from testbed.stack import ROOT

# What is used → the first module that uses it.
SEAMS = {
    "celery: a thread pool submits a request in on_apply": "fleet/pool.py",
    "celery: apply_target accepts, runs and then calls back": "fleet/pool.py",
    "celery: the strategy takes message, body, ack, reject, callbacks": "fleet/node.py",
    "celery: the consumer connects in ensure_connected": "fleet/consumer.py",
    "celery: a control command can be replaced, and called": "fleet/tasks.py",
    "celery: beat sends in apply_entry, and orders its entries when it has none before": "fleet/schedule.py",
    "celery: a message without content type is decoded already": "fleet/celery_message.py",
    "kombu: a message in memory can be got and serialised": "fleet/celery_message.py",
    "kombu: a queue in Redis is a list of its name, taken from the right": "fleet/lua.py",
    "kombu: a channel names the class of its connections over TLS": "broker/transport.py",
    "redis-py: commands are packed, sent and read over a connection": "broker/client.py",
    "redis-py: a connection over TLS wraps its socket in a method": "broker/tls.py",
    "gunicorn: a threaded worker accepts connections and handles each in a thread": "web/worker.py",
    "gunicorn: a complaint about a request begins with these words": "web/gunicorn_conf.py",
    "supervisor: programs, their states and the shutdown can be overridden": "launcher/supervise.py",
    "django: rows are deleted without signals": "definitions/changes.py",
    "django: a user knows their new password until it is saved": "keys/password_changes.py",
    "drf-spectacular: the responses of an operation": "management/openapi.py",
}

# Names that Django, Python and Elasticsearch's client document in spite of the underscore.
DOCUMENTED = {
    "_index",
    "_meta",
    "_state",
    "_base_manager",
    "_default_manager",
    "_exit",
    "_srcfile",
    "_replace",
    "_asdict",
}
PRIVATE = {
    "_raw_delete": "django: rows are deleted without signals",
    "_password": "django: a user knows their new password until it is saved",
    "_get_response_for_code": "drf-spectacular: the responses of an operation",
    "_sock": "redis-py: commands are packed, sent and read over a connection",
    "_work_queue": "gunicorn: a threaded worker accepts connections and handles each in a thread",
}
BESIDE = {"tests", "benchmarks", "chaos"}


def parameters(function: Callable[..., Any]) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]


# --- Celery and kombu: a trigger is a task ---


def test_a_thread_pool_submits_a_request_in_on_apply():
    assert parameters(TaskPool.on_apply)[:5] == ["target", "args", "kwargs", "callback", "accept_callback"]
    applied: list[tuple[Any, ...]] = []

    class RecordingPool(TaskPool):
        def on_apply(self, *args: Any, **kwargs: Any) -> None:
            applied.append((args, kwargs["callback"], kwargs["accept_callback"]))

    pool: Any = RecordingPool(1)
    assert isinstance(pool.executor, ThreadPoolExecutor)
    pool.apply_async(print, ("x",), {}, callback=len, accept_callback=max, correlation_id="id")
    assert applied == [((print, ("x",), {}), len, max)]
    pool.stop()


def test_apply_target_accepts_runs_and_then_calls_back():
    steps: list[Any] = []

    def target(value: str) -> str:
        steps.append("runs")
        return value

    def accept(pid: int, monotonic: float) -> None:
        steps.append((pid, type(monotonic)))

    pools.apply_target(target, ("result",), {}, steps.append, accept)
    assert steps == [(os.getpid(), float), "runs", "result"]


def test_the_strategy_takes_message_body_ack_reject_and_callbacks():
    """Because the node calls it with messages, as the consumer does."""
    assert parameters(strategy.default)[:3] == ["task", "app", "consumer"]
    (handler,) = (
        code
        for code in strategy.default.__code__.co_consts
        if inspect.iscode(code) and code.co_name == "task_message_handler"
    )
    assert handler.co_varnames[:5] == ("message", "body", "ack", "reject", "callbacks")
    assert "strategies" in inspect.getsource(Consumer.update_strategies)


def test_the_consumer_connects_in_ensure_connected():
    assert parameters(Consumer.ensure_connected) == ["conn"]
    assert "ensure_connected" in Consumer.connection_for_read.__code__.co_names
    assert parameters(worker_state.maybe_shutdown) == []


def test_a_control_command_can_be_replaced_and_called():
    """Celery's own command stays callable; importing `fleet.tasks` replaces it by the node's."""
    from fleet import tasks

    assert parameters(control.revoke)[:2] == ["state", "task_id"]  # type: ignore[attr-defined]  # the stubs lack it
    assert control.Panel.data["revoke"] is tasks.revoke


def test_beat_sends_in_apply_entry_and_orders_its_entries_when_it_has_none_before():
    assert parameters(Scheduler.apply_entry) == ["entry", "producer"]
    assert "advance" in parameters(Scheduler.apply_async)
    assert {"apply_entry", "producer", "old_schedulers"} <= set(Scheduler.tick.__code__.co_names)
    assert "thread" in EmbeddedService.__code__.co_consts


def test_a_message_without_content_type_is_decoded_already():
    body: Any = ((), {}, {})
    assert Message(body=body, content_encoding="binary").payload is body
    assert "else:\n        args, kwargs, embed = body" in inspect.getsource(trace.fast_trace_task)


def test_a_message_in_memory_can_be_got_and_serialised():
    assert parameters(virtual.Channel.basic_get)[:2] == ["queue", "no_ack"]
    assert parameters(virtual.Message.serializable) == []


def test_a_queue_in_redis_is_a_list_of_its_name_taken_from_the_right(stack):
    """Because Lua scripts push and take entries, as Celery does."""
    queue, sent = "test.seams", ["first", "second"]
    for task_id in sent:
        current_app.send_task("nobody", task_id=task_id, queue=queue)
    with stack.redis_client() as redis:
        assert b'"id": "first"' in redis.lindex(prefix() + queue, -1)
        redis.delete(prefix() + queue, f"{prefix()}_kombu.binding.{queue}")


def test_a_channel_names_the_class_of_its_connections_over_tls():
    """Every connection to `rediss://` uses the transport that verifies the server."""
    from broker.tls import VerifiedConnection
    from broker.transport import ClaimingTransport

    connection = Connection("rediss://redis.example.com/0", ssl={"ssl_cert_reqs": "required"})
    assert connection.get_transport_cls() is ClaimingTransport
    assert "self.connection_class_ssl" in inspect.getsource(kombu_redis.Channel)
    assert ClaimingTransport.Channel.connection_class_ssl is VerifiedConnection


# --- The other dependencies ---


def test_commands_are_packed_sent_and_read_over_a_connection():
    assert parameters(AbstractConnection.send_packed_command)[0] == "command"
    assert parameters(AbstractConnection.pack_commands) == ["commands"]
    assert "timeout" in parameters(AbstractConnection.read_response)
    assert "timeout" in parameters(AbstractConnection.can_read)
    assert {"_sock"} <= set(AbstractConnection.can_read.__code__.co_names)
    pool = ConnectionPool.from_url("redis://localhost:1/0")
    assert isinstance(pool.connection_class(**pool.connection_kwargs), AbstractConnection)


def test_a_connection_over_tls_wraps_its_socket_in_a_method():
    assert parameters(SSLConnection._wrap_socket_with_ssl) == ["sock"]
    assert "_wrap_socket_with_ssl" in SSLConnection._connect.__code__.co_names


def test_a_threaded_worker_accepts_connections_and_handles_each_in_a_thread():
    assert parameters(ThreadWorker.accept) == ["listener"]
    assert parameters(TConn) == ["cfg", "sock", "client", "server"]
    assert {"nr_conns", "enqueue_req"} <= set(ThreadWorker.accept.__code__.co_names)
    assert {"poller", "pending_conns"} <= set(ThreadWorker.on_pending_socket_readable.__code__.co_names)
    assert {"timeout", "data_ready", "parser"} <= set(TConn.__init__.__code__.co_names)
    assert parameters(ThreadWorker.handle) == ["conn"]
    assert parameters(ThreadWorker.handle_request) == ["req", "conn"]
    assert parameters(ThreadWorker.set_accept_enabled) == ["enabled"]
    assert parameters(ThreadWorker.is_parent_alive) == []
    assert "tpool" in ThreadWorker.enqueue_req.__code__.co_names
    assert ThreadPoolExecutor(1)._work_queue.empty()
    assert "max_drain" in parameters(util.close_graceful)
    assert parameters(util.write_error) == ["sock", "status_int", "reason", "mesg"]
    assert STOP_KEEPALIVE_LINGER > 0


def test_a_complaint_about_a_request_begins_with_these_words():
    assert "Invalid request from" in inspect.getsource(Worker)
    assert parameters(Logger.setup) == ["cfg"]


def test_programs_their_states_and_the_shutdown_can_be_overridden():
    assert parameters(Subprocess.spawn) == []
    assert parameters(Subprocess.change_state) == ["new_state", "expected"]
    assert parameters(ProcessConfig.make_process) == ["group"]
    assert parameters(ServerOptions.processes_from_section)[:2] == ["parser", "section"]
    assert parameters(ServerOptions.setsignals) == []
    assert parameters(Supervisor.shutdown_report) == []


def test_rows_are_deleted_without_signals():
    assert parameters(QuerySet._raw_delete) == ["using"]


def test_a_user_knows_their_new_password_until_it_is_saved():
    user: Any = User()
    assert user._password is None
    user.set_password("new")
    assert user._password == "new"
    assert "_password" in User.save.__code__.co_names


def test_the_responses_of_an_operation():
    assert parameters(AutoSchema._get_response_bodies) == ["direction"]
    expected = ["serializer", "status_code", "media_types", "direction"]
    assert parameters(AutoSchema._get_response_for_code) == expected


# --- No others ---


def test_every_seam_names_a_module_that_exists():
    assert not [module for module in SEAMS.values() if not (ROOT / module).is_file()]
    assert set(PRIVATE.values()) <= set(SEAMS)


def test_no_private_name_is_used_without_a_seam():
    sources = {file: ast.parse(file.read_text()) for file in _sources()}
    own = {name for tree in sources.values() for name in _defined(tree)}
    foreign = {name for tree in sources.values() for name in _used_of_others(tree)}
    inherited = {name for tree in sources.values() for name in _used_of_self(tree)} - own
    assert (foreign | inherited) - DOCUMENTED == set(PRIVATE)


def _sources() -> Iterator[Path]:
    packages = [file.parent for file in ROOT.glob("*/__init__.py") if file.parent.name not in BESIDE]
    for package in packages:
        yield from (file for file in package.rglob("*.py") if "migrations" not in file.parts)


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def _attributes(tree: ast.Module) -> Iterator[ast.Attribute]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and _is_private(node.attr))


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in {"self", "cls"}


def _defined(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.Attribute(attr=name, ctx=ast.Store()):
                yield name


def _used_of_others(tree: ast.Module) -> Iterator[str]:
    """Private names that the module itself does not define."""
    mine = set(_defined(tree))
    return (node.attr for node in _attributes(tree) if not _is_self(node.value) and node.attr not in mine)


def _used_of_self(tree: ast.Module) -> Iterator[str]:
    return (node.attr for node in _attributes(tree) if _is_self(node.value))
