"""The token of "no more of this": recipient key and stream inside it, so that it works when the row is long gone."""

from bell.lib import tokens

_PURPOSE = "unsubscribe"
_STREAM_BYTES = 16


def token(recipient_key: int, stream: str) -> str:
    """The token that ends `stream` for the person: 64 lower-case characters. ValueError when the stream is too long."""
    name = stream.encode()
    if len(name) > _STREAM_BYTES:
        raise ValueError("A stream's name has at most 16 bytes")
    return tokens.sign(_PURPOSE, recipient_key.to_bytes(8, "big", signed=True) + name.ljust(_STREAM_BYTES, b"\0"))


def read(text: str) -> tuple[int, str] | None:
    """(recipient key, stream) of a genuine token, in any case of letters; else None."""
    payload = tokens.read(_PURPOSE, text)
    if payload is None or len(payload) != 8 + _STREAM_BYTES:
        return None
    return int.from_bytes(payload[:8], "big", signed=True), payload[8:].rstrip(b"\0").decode("utf-8", "replace")
