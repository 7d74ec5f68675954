"""The probe of the public URL: whether it reaches this installation, and if not, what is wrong.

Only `UDAPI_PUBLIC_URL` is ever asked, no proxy of the environment is used, and no redirect is followed.
"""

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse
from threading import Timer
from typing import Final
from urllib.parse import SplitResult, urlsplit

from django.utils.crypto import constant_time_compare

from health.addresses import ALIVE
from health.proof import PROOF_HEADER, QUESTION_HEADER, new_question, proof

PROBE_SECONDS: Final = 5.0
"""The limit of a probe, but for the look-up of the name, which has that of the system's resolver."""
_CONNECT_SECONDS: Final = 2.0
_PORTS: Final = {"http": 80, "https": 443}
_LONGEST_SHOWN: Final = 100


def fault_of(public_url: str) -> str:
    """What keeps `public_url` from reaching this installation, as a sentence; empty if it does."""
    url, question = urlsplit(public_url), new_question()
    ends_at = time.monotonic() + PROBE_SECONDS
    try:
        with _connected(url, ends_at) as connected, _ended_at(connected, ends_at):
            response = _asked(url, connected, question)
    except (OSError, HTTPException) as error:
        return _in_words(url, error, is_late=time.monotonic() >= ends_at)
    if constant_time_compare(response.headers.get(PROOF_HEADER, ""), proof(question)):
        return ""
    return _wrong_answer(url, response)


@contextmanager
def _connected(url: SplitResult, ends_at: float) -> Iterator[socket.socket]:
    """A connection to the first address of the host that accepts one, with TLS for `https`.

    Raises:
        OSError: of the last address.
    """
    host, refusal = url.hostname or "", OSError("the name has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, _port(url), type=socket.SOCK_STREAM):
        with socket.socket(family, kind, protocol) as plain:
            plain.settimeout(_seconds(ends_at))
            try:
                plain.connect(address)
            except OSError as error:
                refusal = error
                continue
            if url.scheme != "https":
                yield plain
                return
            plain.settimeout(max(_CONNECT_SECONDS, _seconds(ends_at)))
            with ssl.create_default_context().wrap_socket(plain, server_hostname=host) as encrypted:
                yield encrypted
                return
    raise refusal


def _seconds(ends_at: float) -> float:
    left = ends_at - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return min(_CONNECT_SECONDS, left)


@contextmanager
def _ended_at(connected: socket.socket, ends_at: float) -> Iterator[None]:
    """End the connection at `ends_at`: a server that sends a byte now and then would never meet a time-out."""
    timer = Timer(max(0.0, ends_at - time.monotonic()), _shut, (connected,))
    timer.daemon = True
    connected.settimeout(PROBE_SECONDS)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _shut(connected: socket.socket) -> None:
    with suppress(OSError):
        # The method of the plain socket: that of an encrypted one would pull TLS from under the thread that reads.
        socket.socket.shutdown(connected, socket.SHUT_RDWR)


def _asked(url: SplitResult, connected: socket.socket, question: str) -> HTTPResponse:
    """The head of the answer; its body stays unread."""
    connection = HTTPConnection(url.hostname or "", _port(url))
    connection.sock = connected
    headers = {"Host": url.netloc, QUESTION_HEADER: question, "Cache-Control": "no-cache", "Connection": "close"}
    connection.request("GET", ALIVE, headers=headers)
    return connection.getresponse()


def _port(url: SplitResult) -> int:
    return url.port or _PORTS[url.scheme]


def _in_words(url: SplitResult, error: Exception, *, is_late: bool) -> str:
    match error:
        case socket.gaierror():
            return f"The name {url.hostname} cannot be resolved."
        case ssl.SSLCertVerificationError():
            return f"The certificate is not accepted: {error.verify_message}."
        case _ if is_late or isinstance(error, TimeoutError):
            return f"There is no answer within {PROBE_SECONDS:g} s."
        case ssl.SSLError():
            return f"TLS fails: {error.reason or error}."
        case ConnectionRefusedError():
            return f"The connection is refused: nothing listens on port {_port(url)} of {url.hostname}."
        case HTTPException() | ConnectionResetError():
            return "The server closes the connection, or does not speak HTTP."
        case OSError():
            return f"The host cannot be reached: {error.strerror or error}."
    return str(error)


def _wrong_answer(url: SplitResult, response: HTTPResponse) -> str:
    status = response.status
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return f"{ALIVE} is redirected to {_place(response)}: no API answers under the public URL itself."
    if status == HTTPStatus.NOT_FOUND:
        return f"{ALIVE} is not found: another server answers, or a proxy does not pass this address on."
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return f"The answer is {status}: a proxy does not reach this installation."
    if status == HTTPStatus.OK:
        return f"Another server answers under {url.netloc}, or another installation."
    return f"The answer is {status}: a proxy refuses {ALIVE}, or another server answers."


def _place(response: HTTPResponse) -> str:
    """Where a redirect leads, without a path or a password."""
    try:
        target = urlsplit(response.headers.get("Location", ""))
        host = target.hostname
    except ValueError:
        host = None
    return f"{target.scheme}://{host}"[:_LONGEST_SHOWN] if host else "another path"
