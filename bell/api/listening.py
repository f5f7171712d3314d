"""A mail server in a thread of its own: asyncio inside, start and stop outside, any free port where 0 is asked for."""

import asyncio
import threading
import time
from collections.abc import Callable

from aiosmtpd.smtp import SMTP


def host_and_port(text: str) -> tuple[str, int]:
    """Read "127.0.0.1:2525" or "[::1]:2525" as host and port; ValueError in words otherwise."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{text!r} is not an address such as 127.0.0.1:2525")
    return host.strip("[]"), int(port)


class Listener:
    """Listens on one address and gives each connection a protocol of aiosmtpd's.

    `busy` says how many messages are being taken at this moment: `stop` lets them finish.
    """

    def __init__(
        self, protocol: Callable[[asyncio.AbstractEventLoop], SMTP], host: str, port: int, busy: Callable[[], int]
    ) -> None:
        self._protocol, self.host, self.port, self._busy = protocol, host, port, busy
        # Made when it starts: one that never starts has nothing to close.
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: asyncio.Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> int:
        """Listen; returns the real port once connections are accepted. OSError when the port is taken."""
        loop = asyncio.new_event_loop()
        try:
            self._server = loop.run_until_complete(
                loop.create_server(lambda: self._protocol(loop), self.host, self.port)
            )
        except OSError:
            loop.close()
            raise
        self._loop = loop
        self.port = int(self._server.sockets[0].getsockname()[1])
        self._thread = threading.Thread(target=loop.run_forever, name=f"mail-server-{self.port}", daemon=True)
        self._thread.start()
        return self.port

    def stop(self, seconds: float = 10.0) -> None:
        """Take no more connections, let messages that are being taken finish for so long, then close everything."""
        if self._loop is None or self._thread is None or not self._thread.is_alive():
            return
        try:
            asyncio.run_coroutine_threadsafe(self._end(seconds), self._loop).result(timeout=seconds + 5)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=5)
        if not self._thread.is_alive():
            self._loop.close()

    async def _end(self, seconds: float) -> None:
        if self._server is not None:
            self._server.close()
        until = time.monotonic() + seconds
        while self._busy() and time.monotonic() < until:
            await asyncio.sleep(0.02)
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
