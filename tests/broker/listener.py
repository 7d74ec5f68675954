"""A TLS server in front of Redis, or one that must not be trusted, which notes what it receives."""

import socket
import threading
from contextlib import suppress
from ssl import CERT_REQUIRED, PROTOCOL_TLS_SERVER, SSLContext

from trustme import CA, LeafCert

LONGEST = 65_536


class TlsListener:
    """A TLS server on a loopback port, in front of the Unix socket `target` or of nothing."""

    def __init__(self, certificate: LeafCert, target: str = "", clients_of: CA | None = None) -> None:
        self.heard = b""
        self.handshakes = self.refusals = 0
        self._target = target
        self._tls = SSLContext(PROTOCOL_TLS_SERVER)
        certificate.configure_cert(self._tls)
        if clients_of:
            clients_of.configure_trust(self._tls)
            self._tls.verify_mode = CERT_REQUIRED
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop listening; connections stay open."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(self._server.accept()[0],), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            client = self._tls.wrap_socket(connection, server_side=True)
        except OSError:
            self.refusals += 1
            connection.close()
            return
        self.handshakes += 1
        with client, suppress(OSError):
            if self._target:
                self._pass_on(client)
            else:
                self.heard += client.recv(LONGEST)

    def _pass_on(self, client: socket.socket) -> None:
        with socket.socket(socket.AF_UNIX) as server:
            server.connect(self._target)
            threading.Thread(target=_copy, args=(server, client), daemon=True).start()
            _copy(client, server)


def _copy(source: socket.socket, sink: socket.socket) -> None:
    """Pass bytes on until either end is closed, then close both."""
    with suppress(OSError):
        while data := source.recv(LONGEST):
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
