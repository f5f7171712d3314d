"""A text gateway for the benchmark, in a process of its own: answers after a while, and refuses what is too quick.

`python -m bell.proving.bench.gateway MILLISECONDS PER_SECOND` prints its port. POST: 202 {"id"}, or 429 when more came
than PER_SECOND allows (0: no limit; a second's worth may come at once, as vendors count). GET: how many were taken, and
how many refused.
"""

import asyncio
import json
import sys

_HEAD = "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{more}\r\n"


class Permit:
    """A bucket that fills at the permitted rate."""

    def __init__(self, per_second: float) -> None:
        self.per_second = per_second
        self.most = per_second
        self.left, self.at = self.most, 0.0
        self.taken = self.refused = 0

    def take(self, now: float) -> bool:
        """Whether one more may come now."""
        self.left = min(self.most, self.left + (now - self.at) * self.per_second)
        self.at = now
        if self.per_second and self.left < 1.0:
            self.refused += 1
            return False
        self.left -= 1.0
        self.taken += 1
        return True


class Line(asyncio.Protocol):
    """One connection."""

    def __init__(self, permit: Permit, seconds: float) -> None:
        self._permit, self._seconds = permit, seconds
        self._heard = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each whole request after a while."""
        self._heard += data
        while (end := self._heard.find(b"\r\n\r\n")) >= 0:
            head = self._heard[:end].lower()
            _, _, length = head.partition(b"content-length:")
            size = end + 4 + int(length.split(b"\r\n", 1)[0] or 0)
            if len(self._heard) < size:
                return
            self._heard = self._heard[size:]
            loop = asyncio.get_running_loop()
            loop.call_later(self._seconds, self._say, self._answer(head.startswith(b"get"), loop.time()))

    def _answer(self, counts: bool, now: float) -> bytes:
        if counts:
            return _reply("200 OK", {"taken": self._permit.taken, "refused": self._permit.refused})
        if self._permit.take(now):
            return _reply("202 Accepted", {"id": f"b{self._permit.taken}"})
        return _reply("429 Too Many Requests", {"error": "slow down"}, "Retry-After: 1\r\n")

    def _say(self, reply: bytes) -> None:
        if self._transport is not None:
            self._transport.write(reply)


def _reply(status: str, value: dict[str, object], more: str = "") -> bytes:
    body = json.dumps(value)
    return (_HEAD.format(status=status, length=len(body), more=more) + body).encode()


async def serve(seconds: float, per_second: float) -> None:
    """Listen on a free port of this machine until killed."""
    permit = Permit(per_second)
    server = await asyncio.get_running_loop().create_server(lambda: Line(permit, seconds), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]) / 1000, float(sys.argv[2])))
