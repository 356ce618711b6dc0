"""Finds ports of the loopback that nobody has."""

from __future__ import annotations

import socket


def free_udp_ports(count: int) -> list[int]:
    """Return ports that nobody has now, four apart: a phone takes two more for its media."""
    found: list[int] = []
    while len(found) < count:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.bind(("127.0.0.1", 0))
            port: int = one.getsockname()[1]
        if port < 65500 and all(abs(port - other) >= 4 for other in found):
            found.append(port)
    return found


def free_tcp_port() -> int:
    """Return a port that nobody has now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
