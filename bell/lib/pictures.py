"""Pictures and videos from strangers, made anew as one small JPEG in a child process that may do almost nothing.

Nothing that came from outside is decoded in a process of ours: the child (previewer.py) has no environment, little
memory and time, no files, and where the machine allows it no network.
"""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO

from bell.lib import previewer

SECONDS = 40
_JPEG = b"\xff\xd8\xff"
_SCRIPT = Path(previewer.__file__).resolve()
INLINE_BYTES = previewer.INLINE_BYTES

# The formats of pictures that we take from officers, by their first bytes: (offset, bytes, Pillow's name).
_FORMATS = ((0, b"\xff\xd8\xff", "JPEG"), (0, b"\x89PNG\r\n\x1a\n", "PNG"), (8, b"WEBP", "WEBP"))


@dataclass(frozen=True)
class Made:
    """A JPEG, or none and why; whether the child had no network."""

    data: bytes = b""
    words: str = ""
    cut_off: bool = False


@lru_cache(maxsize=1)
def _without_network() -> tuple[str, ...]:
    """The command that starts another without a network, where this machine allows one; else nothing."""
    tool = shutil.which("unshare")
    for command in ((tool, "-n"), (tool, "-rn")) if tool else ():
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
            return command
    return ()


def make(file: IO[bytes], what: list[str]) -> Made:
    """Make a copy of an open file: ["video", demuxer], ["picture", format] or ["inline", format] of previewer.py."""
    prefix = _without_network()
    with tempfile.TemporaryFile() as out:
        try:
            done = subprocess.run(
                [*prefix, sys.executable, "-I", str(_SCRIPT), *what],
                stdin=file.fileno(), stdout=out, stderr=subprocess.PIPE, env={}, cwd="/", timeout=SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return Made(words="it took too long", cut_off=bool(prefix))
        out.seek(0)
        data = out.read(previewer.OUTPUT_BYTES)
    if done.returncode != 0 or not data.startswith(_JPEG):
        said = done.stderr[-200:].decode("utf-8", "replace").strip().rpartition("\n")[2]
        return Made(words=f"it could not be read ({said or done.returncode})"[:200], cut_off=bool(prefix))
    return Made(data, cut_off=bool(prefix))


def for_mail(data: bytes) -> Made:
    """A picture for a message: JPEG without metadata, at most INLINE_BYTES and 1200 pixels a side, or none and why."""
    name = next((name for at, mark, name in _FORMATS if data[at : at + len(mark)] == mark), "")
    if not name or (name == "WEBP" and not data.startswith(b"RIFF")):
        return Made(words="it is no JPEG, PNG or WebP picture")
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        return make(file, ["inline", name])


def size_of(jpeg: bytes) -> tuple[int, int]:
    """Width and height of a JPEG that `for_mail` made, from its frame header (ITU-T T.81, B.2.2)."""
    at = 2
    while at + 9 <= len(jpeg):
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4])
        if 0xC0 <= marker <= 0xC3:
            return int.from_bytes(jpeg[at + 7 : at + 9]), int.from_bytes(jpeg[at + 5 : at + 7])
        at += 2 + length
    raise ValueError("This JPEG has no frame")
