"""Executes a script in its process."""

import time
import types
from collections.abc import Callable, Collection, Coroutine
from functools import partial
from importlib import import_module

from automation.sdk import (
    ApiTriggerInput,
    Engine,
    RequestMethod,
    ScriptExit,
    TriggerContext,
)
from hosts import script_modules, script_results
from hosts.granted_values import GrantedValues
from hosts.jobs import Order, Outcome
from hosts.leftovers import Leftover
from hosts.run_environment import RunEnvironment
from hosts.script_results import ScriptAnswer
from hosts.worker_link import WorkerLink


class LoadedScript:
    """The script of this process: loaded once with its libraries, run for every job."""

    def __init__(self, environment: RunEnvironment) -> None:
        self._environment = environment
        self._module: types.ModuleType | None = None
        self._files: Collection[str] = ()
        self._has_raised = False

    @property
    def leftover(self) -> Leftover:
        """Why it cannot run again: a run has raised and may have left something half done, or it is not loaded."""
        if self._has_raised:
            return Leftover.EXCEPTION
        return Leftover.NOT_LOADED if self._module is None else Leftover.NONE

    def execute(self, order: Order, body: memoryview, link: WorkerLink) -> ScriptAnswer:
        """Run the script and return its answer, whatever it does, unless it ends or blocks the process."""
        if order.start_by is not None and time.monotonic() > order.start_by:
            return script_results.without_output(Outcome.EXPIRED, "The caller's time was over before the script began.")
        values = GrantedValues(order.credentials)
        try:
            arguments = _arguments(order, body, link, values)
        except (AttributeError, TypeError, ValueError) as error:
            return script_results.without_output(Outcome.UNREADABLE, f"The job cannot be read: {error!r}")
        header, content = self._answer(order, arguments, values)
        return (header | {"credentialsUsed": values.used}, content) if values.used else (header, content)

    def _answer(self, order: Order, arguments: tuple[object, ...], values: GrantedValues) -> ScriptAnswer:
        has_output = len(arguments) > 1
        try:
            returned = self._call(order, arguments)
            if has_output:
                return script_results.of_output(returned)
            return script_results.of_run(returned, is_wanted=order.wants_returned)
        except BaseException as error:  # noqa: BLE001  whatever a script raises is its answer
            self._environment.modules.restore()
            if (raised := script_results.api_error(error)) is not None:
                try:
                    return script_results.of_api_error(raised, values.masks)
                except BaseException as broken:  # noqa: BLE001  a subclass may compute its attributes
                    error = broken
            self._has_raised = self._has_raised or not isinstance(error, ScriptExit)
            message = ""
            if isinstance(error, MemoryError):
                self._environment.make_room()
                message = f" (the script's memory limit is {order.memory_limit_mb} MB)"
            return script_results.of_error(error, self._files, values.masks, has_output=has_output, remark=message)

    def _call(self, order: Order, arguments: tuple[object, ...]) -> object:
        """Call the entry point, and run it to its end if it is asynchronous."""
        returned = self._undone(partial(self._enter, order, arguments))
        return self._undone(partial(_awaited, returned)) if isinstance(returned, types.CoroutineType) else returned

    def _undone(self, step: Callable[[], object]) -> object:
        """The result of `step`, after which what the script has patched is undone: before any other line runs."""
        restore = self._environment.modules.restore
        try:
            return step()
        finally:
            restore()

    def _enter(self, order: Order, arguments: tuple[object, ...]) -> object:
        if self._module is None:
            self._files = frozenset(map(script_modules.file_of, (order.script_name, *order.libraries)))
            self._module = script_modules.load(order.script_name, order.source, order.libraries)
        return _entry_point(self._module, order.entry_point)(*arguments)


def _arguments(
    order: Order, body: memoryview, link: WorkerLink, values: GrantedValues
) -> tuple[Engine] | tuple[Engine, ApiTriggerInput]:
    engine = Engine(
        order.parameters,
        run_subscript=link.run_subscript,
        script_name=order.script_name,
        script_version=order.script_version,
        seconds=order.ends_at - time.monotonic(),
        credentials=values,
        information=link.say,
        traceparent=order.traceparent,
    )
    if order.entry_point == "run":
        return (engine,)
    call = order.call
    if call is None:
        raise ValueError("it has no request")
    request = ApiTriggerInput(
        request_method=RequestMethod(call.method),
        route=call.route,
        # Text is decoded once, and bytes are copied once: neither is made from the other unless a script asks for it.
        raw_body=str(body, "utf-8") if call.is_text else None,
        raw_body_bytes=None if call.is_text else bytes(body),
        parameters=order.parameters,
        query_parameters=call.query,
        route_parameters=call.route_parameters,
        headers=call.headers,
        context=TriggerContext(call.token_id or None, order.id, call.client_address),
    )
    return engine, request


def _entry_point(module: types.ModuleType, name: str) -> Callable[..., object]:
    entry_point: Callable[..., object] | None = getattr(module, name, None)
    if not callable(entry_point):
        raise AttributeError(f"the script has no entry point {name}")
    return entry_point


def _awaited(coroutine: Coroutine[object, object, object]) -> object:
    # Its import takes longer than many a script: only scripts that need it pay for it.
    return import_module("asyncio").run(coroutine)
