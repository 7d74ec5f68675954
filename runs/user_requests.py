"""What users send to what they run as themselves, and what a run was sent, to be sent again.

What was sent to a run is sent again only if it was kept as a whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import msgspec
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from automation.sdk import is_text
from endpoint.sent_headers import InvalidHeaderError, as_received
from endpoint.trigger_request import METHODS, TriggerRequest, content_type, is_hidden, visible_headers
from fleet.kept_bodies import FilledRequest, KeptRequest, MaskedValue, NotFilledError, fill
from foundation.traceparent import NO_TRACE, TraceContext
from hosts.jobs import RunKind
from objects.changes import refusal
from runs.bodies import bodies_of
from runs.models import Run, RunBodies

# A request that is sent again has its own.
_OF_ONE_REQUEST = frozenset({"content-length", "expect"})


@dataclass(frozen=True)
class UserRequest:
    """What a user sends. `route` is written as in a URL, after `/api/custom/`; every text is valid UTF-8.

    Empty, it is that of the run that is repeated, or the definition's. Of a trial, it may hold values of placeholders:
    `encoders/{id=7}`. `script_version` is the definition's if it is None. `raw_body_bytes` takes the place of
    `raw_body`.
    """

    method: str
    query: Sequence[tuple[str, str]] = ()
    headers: Sequence[tuple[str, str]] = ()
    raw_body: str = field(default="", repr=False)
    route: str = ""
    script_version: int | None = None
    raw_body_bytes: bytes | None = field(default=None, repr=False)
    trace: TraceContext = NO_TRACE

    @property
    def body(self) -> bytes:
        return self.raw_body.encode() if self.raw_body_bytes is None else self.raw_body_bytes

    def called(self, segments: tuple[str, ...], client_address: str) -> TriggerRequest:
        """The request as a trigger has it. Without a content type, the body is text if it was sent as text.

        Raises:
            ValidationError: `InvalidField` (+ `field`): there is no such method, or no client could send a header.
        """
        headers = scripts_headers(_received(self.headers))
        sent_type = content_type(headers)
        has_text = is_text(sent_type) if sent_type else self.raw_body_bytes is None
        return TriggerRequest(self._method(), segments, list(self.query), headers, client_address, has_text)

    def _method(self) -> str:
        method = METHODS.get(self.method.upper())
        if method is None:
            rule = _("The method is one of: %(values)s.") % {"values": ", ".join(METHODS.values())}
            raise refusal("InvalidField", rule, field="method")
        return method


def _received(headers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    try:
        return as_received(headers)
    except InvalidHeaderError as error:
        raise refusal("InvalidField", str(error).replace("%", "%%"), field="headers") from error


def sent_with(run: Run) -> KeptRequest | None:
    """What was kept of its request; None if nothing was. Whoever shows it uses `bodies_of`, which leaves an event."""
    text = RunBodies.objects.filter(pk=run.pk).values_list("request", flat=True).first() if run.has_bodies else None
    return msgspec.json.decode(text, type=KeptRequest) if text else None


def values_needed(kept: KeptRequest) -> list[MaskedValue]:
    """What somebody must fill in before the request can be sent again. No script sees the remaining masked headers."""
    return [value for value in kept.masked if not _is_the_servers(value)]


def repeated(run: Run, reader: str, values: Sequence[str] = ()) -> UserRequest:
    """The request that the run was sent, with these `values` in the places of `values_needed`.

    As a script may answer with what it is sent, this is a look at bodies, too: an event names the `reader`.

    Raises:
        ValidationError: `InvalidField` (+ `field`; `masked` names the places). Nothing was kept, or not all of it, or
            values are missing or not valid.
    """
    bodies = bodies_of(run, reader)
    if bodies is None:
        if run.has_bodies:
            raise _cannot_repeat(_("The request of that run is not stored yet, or no longer kept."))
        raise _cannot_repeat(_("Nothing was kept of the request of that run: send query, headers and rawBody."))
    kept = bodies.request
    if kept.is_cut or kept.unlisted:
        raise _cannot_repeat(_("The request of that run was not kept as a whole: send query, headers and rawBody."))
    needed = values_needed(kept)
    if len(values) != len(needed):
        raise _not_filled(_("Values of that run's request are masked: send query, headers and rawBody."), needed)
    remaining = iter(values)
    try:
        filled = fill(kept, ["" if _is_the_servers(value) else next(remaining) for value in kept.masked])
    except NotFilledError as error:
        faulty = [] if error.number is None else [kept.masked[error.number]]
        raise _not_filled(_("A value is not valid in its place."), faulty) from error
    return _sent_again(run, kept, filled)


def _sent_again(run: Run, kept: KeptRequest, filled: FilledRequest) -> UserRequest:
    sent = UserRequest(run.method, filled.query, scripts_headers(filled.headers))
    if _was_bytes(run, kept):
        return replace(sent, raw_body_bytes=filled.body)
    return replace(sent, raw_body=filled.body.decode())


def _was_bytes(run: Run, kept: KeptRequest) -> bool:
    """Whether its body was sent as bytes: it is not UTF-8, or a client named no content type."""
    return kept.body is None or (run.kind == RunKind.TRIGGER and not kept.content_type)


def scripts_headers(headers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those that are sent again: not the ones of the connection and of the client's credentials."""
    return [(name, value) for name, value in visible_headers(headers) if name.lower() not in _OF_ONE_REQUEST]


def _is_the_servers(value: MaskedValue) -> bool:
    name = value.name.lower()
    return value.where == "header" and (name in _OF_ONE_REQUEST or is_hidden(name))


def _cannot_repeat(message: str, **details: object) -> ValidationError:
    return refusal("InvalidField", message, field="replayOf", **details)


def _not_filled(message: str, places: Sequence[MaskedValue]) -> ValidationError:
    return _cannot_repeat(message, masked=[{"where": place.where, "name": place.name} for place in places])
