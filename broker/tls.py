"""TLS to Redis: the server is verified before a password is sent, whatever a library does by default."""

import socket
from functools import cache
from ssl import SSLCertVerificationError, SSLContext, SSLSocket, create_default_context

import redis
from django.conf import settings


class VerifiedConnection(redis.SSLConnection):
    """A connection that always verifies certificate and host name. Kombu, for one, does not by default."""

    def _wrap_socket_with_ssl(self, sock: socket.socket) -> SSLSocket:
        try:
            context = _context(settings.REDIS_CA, self.certfile, self.keyfile)
            return context.wrap_socket(sock, server_hostname=self.host)
        except SSLCertVerificationError as error:
            raise redis.ConnectionError(f"Redis is not trusted, see REDIS_CA_FILE: {error.verify_message}") from error


@cache
def _context(authorities: str, certificate: str | None, key: str | None) -> SSLContext:
    """A context that trusts `authorities`, by default the system's. Cached: loading takes longer than a handshake."""
    context = create_default_context(cadata=authorities or None)
    if certificate:
        context.load_cert_chain(certificate, key)
    return context
