"""Ports for servers that a test starts as processes of their own."""

import secrets
import socket

# Below the ports that systems hand out by themselves (Linux from 32768): a server may start seconds after its port was
# chosen, and meanwhile no other test's connection or listener is given it.
_RANGE = range(18_000, 32_000)


def free_ports(count: int) -> list[int]:
    """So many ports of this machine that nobody listens on now."""
    found: list[int] = []
    while len(found) < count:
        port = secrets.choice(_RANGE)
        with socket.socket() as held:
            try:
                held.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found
