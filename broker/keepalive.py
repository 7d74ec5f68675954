"""How a connection to Redis over TCP notices that the other end is gone."""

import socket
from collections.abc import Mapping
from typing import Final

KEEPALIVE: Final[Mapping[int, int]] = {
    socket.TCP_KEEPIDLE: 60,
    socket.TCP_KEEPINTVL: 10,
    socket.TCP_KEEPCNT: 3,
    socket.TCP_USER_TIMEOUT: 5_000,
}
"""Probes keep an idle connection known to NAT and find a dead peer; so does what is sent and never acknowledged."""
