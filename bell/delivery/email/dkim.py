"""Signing mails ourselves, when asked (RFC 6376, RFC 8463): relaxed/relaxed, over the pieces of a form drawn once.

What is put in a slot holds no space and no line end, so the canonical form of a mailing is worked out once and cut at
the same slots: a person's copy costs a hash and a signature. Usually the relay signs, and nothing here is called.
"""

import base64
import functools
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings

from bell.delivery import slots

_LEAST_RSA_BITS = 2048
_LINE = 72  # characters of the signature on one line of its header
# Signed once more than they are there: nobody on the way can add a second one (RFC 6376 8.15).
_ONLY_ONE = ("from", "to", "subject", "date", "reply-to", "message-id")
_SIGNED = (
    *_ONLY_ONE, "in-reply-to", "references", "list-id", "list-unsubscribe", "list-unsubscribe-post", "auto-submitted",
    "mime-version", "content-type", "content-transfer-encoding",
)  # fmt: skip


class BadKey(ValueError):
    """A key that cannot sign; the message says what is wrong with it, never what is in it."""


@dataclass(frozen=True)
class Key:
    """A private key and the name (selector) under which its public half stands in the domain's DNS."""

    selector: str
    domain: str
    private: RSAPrivateKey | Ed25519PrivateKey

    @property
    def algorithm(self) -> str:
        """The a= tag: "rsa-sha256" or "ed25519-sha256"."""
        return "rsa-sha256" if isinstance(self.private, RSAPrivateKey) else "ed25519-sha256"

    def sign(self, text: bytes) -> bytes:
        """The signature over a header hash's input; RFC 8463 signs its SHA-256 with pure Ed25519."""
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(text, padding.PKCS1v15(), hashes.SHA256())
        return self.private.sign(hashlib.sha256(text).digest())


def keys() -> tuple[Key, ...]:
    """The keys of the settings, read once; () when we do not sign. Raises BadKey."""
    return _read(tuple(settings.DKIM_KEY_FILES), tuple(settings.DKIM_SELECTORS), settings.DKIM_DOMAIN)


@functools.lru_cache(maxsize=8)
def _read(files: tuple[str, ...], selectors: tuple[str, ...], domain: str) -> tuple[Key, ...]:
    """One key a file, each with the selector at its place in the list."""
    if files and len(files) != len(selectors):
        raise BadKey(f"{len(files)} key files need as many selectors, in the same order; there are {len(selectors)}")
    return tuple(Key(selector, domain, _load(name)) for name, selector in zip(files, selectors, strict=False))


def _load(name: str) -> RSAPrivateKey | Ed25519PrivateKey:
    """A private key in PEM without a password: RSA of 2048 bits or more, or Ed25519."""
    try:
        private = load_pem_private_key(Path(name).read_bytes(), password=None)
    except OSError as error:
        raise BadKey(f"{name} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadKey(f"{name} holds no private key in PEM without a password") from error
    if isinstance(private, RSAPrivateKey):
        if private.key_size < _LEAST_RSA_BITS:
            raise BadKey(f"{name} is an RSA key of {private.key_size} bits; {_LEAST_RSA_BITS} are the least")
        return private
    if isinstance(private, Ed25519PrivateKey):
        return private
    raise BadKey(f"{name} is neither an RSA nor an Ed25519 key")


class Seal:
    """What signs the copies of one form."""

    def __init__(self, pieces: Sequence[bytes | str], signing: Sequence[Key]) -> None:
        """`pieces` as in render.Form: bytes as they stand on the wire, and the names of slots."""
        whole = b"".join(piece if isinstance(piece, bytes) else piece.encode("ascii") for piece in pieces)
        head, _, body = whole.partition(b"\r\n\r\n")
        fields = list(_fields(head + b"\r\n"))
        names = [name for name, _ in fields]
        signed = [name for name in _SIGNED if name in names]
        # Fields of one name are taken from the bottom up (RFC 6376 5.4.2); ours stand once each.
        self._head = tuple(_cut(b"".join(_last(fields, name) for name in signed)))
        self._names = _folded([*signed, *_ONLY_ONE])
        self._body = tuple(_cut(relaxed_body(body)))
        self._keys = tuple(signing)

    def headers(self, filled: Mapping[str, bytes]) -> bytes:
        """The DKIM-Signature headers of one copy, to stand before all others. `filled`: what each slot became."""
        body_hash = base64.b64encode(hashlib.sha256(_join(self._body, filled)).digest()).decode()
        head = _join(self._head, filled)
        return b"".join(self._one(key, head, body_hash) for key in self._keys)

    def _one(self, key: Key, head: bytes, body_hash: str) -> bytes:
        tags = (
            f"v=1; a={key.algorithm}; c=relaxed/relaxed; d={key.domain}; s={key.selector};\r\n"
            f" h={self._names};\r\n bh={body_hash};\r\n b="
        )
        unsigned = f"DKIM-Signature: {tags}".encode("ascii")
        # Our own header is signed last, with an empty b= and without a line's end (RFC 6376 3.7).
        signature = base64.b64encode(key.sign(head + relaxed_header(unsigned).removesuffix(b"\r\n"))).decode()
        lines = [signature[place : place + _LINE] for place in range(0, len(signature), _LINE)]
        return unsigned + "\r\n ".join(lines).encode("ascii") + b"\r\n"


def relaxed_header(field: bytes) -> bytes:
    """One header field as RFC 6376 3.4.2 has it: name in lower case, unfolded, single spaces, CRLF."""
    name, _, value = field.partition(b":")
    return name.strip().lower() + b":" + b" ".join(value.split()) + b"\r\n"


def relaxed_body(body: bytes) -> bytes:
    """A body as RFC 6376 3.4.4 has it: single spaces, none at line ends, no empty lines at the end; b"" when empty."""
    lines = [_single(line) for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def _single(line: bytes) -> bytes:
    """Runs of spaces and tabs become one space; those at the end go, one at the beginning stays."""
    words = line.replace(b"\t", b" ").split(b" ")
    kept = b" ".join(word for word in words if word)
    return b" " + kept if kept and not words[0] else kept


def _fields(head: bytes) -> Iterable[tuple[str, bytes]]:
    """(name in lower case, the field as it stands) of each header."""
    present = b""
    for line in head.split(b"\r\n"):
        if line[:1] in (b" ", b"\t"):
            present += b"\r\n" + line
            continue
        if present:
            yield present.partition(b":")[0].strip().lower().decode("ascii"), present
        present = line


def _folded(names: Sequence[str]) -> str:
    """The h= tag's value, broken before a colon where a line grows long."""
    lines = [names[0]]
    for name in names[1:]:
        if len(lines[-1]) + len(name) >= _LINE:
            lines.append(f":{name}")
        else:
            lines[-1] += f":{name}"
    return "\r\n  ".join(lines)


def _last(fields: Sequence[tuple[str, bytes]], name: str) -> bytes:
    return next(relaxed_header(field) for found, field in reversed(fields) if found == name)


def _cut(text: bytes) -> Iterable[bytes | str]:
    for piece in slots.split(text.decode("ascii"), slots.EVERY):
        yield piece if slots.is_one(piece) else piece.encode("ascii")


def _join(pieces: Iterable[bytes | str], filled: Mapping[str, bytes]) -> bytes:
    return b"".join(piece if isinstance(piece, bytes) else filled[piece] for piece in pieces)
