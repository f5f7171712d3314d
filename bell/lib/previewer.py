"""Runs alone in a locked-up child: one untrusted file on standard input, one small JPEG on standard output, or nothing.

Started by pictures.py as `python -I previewer.py video FORMAT`, `… picture FORMAT` or `… inline FORMAT`, without
environment and, where the machine allows it, without a network. It imports nothing of ours. Exit 0: a JPEG was written.
"""

import io
import os
import resource
import sys

import av
from PIL import Image, ImageOps

LONGEST_SIDE = 1280
MOST_PIXELS = 50_000_000
MEMORY = 768 * 1024 * 1024
CPU_SECONDS = 20
OUTPUT_BYTES = 2 * 1024 * 1024
_FRAMES_LOOKED_AT = 300
# A picture within a message: a million mails carry it, each a third larger in base64.
INLINE_SIDE = 1200
INLINE_BYTES = 120_000
_INLINE_TRIES = ((1200, 82), (1200, 70), (1000, 70), (800, 70), (640, 60), (480, 50), (320, 40))


def lock_up() -> None:
    """Take away what a decoder does not need: memory, time, writing files, opening files, starting processes."""
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, OUTPUT_BYTES),
        (resource.RLIMIT_NOFILE, 8),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def small(picture: Image.Image) -> bytes:
    """The picture made anew as JPEG, at most LONGEST_SIDE wide and high: pixels only, no metadata."""
    picture = picture.convert("RGB")
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    clean = Image.new("RGB", picture.size)
    clean.paste(picture)
    made = io.BytesIO()
    clean.save(made, "JPEG", quality=82)
    return made.getvalue()


def check(width: int, height: int) -> None:
    """Refuse absurd dimensions before a single pixel is decoded."""
    if not 1 <= width * height <= MOST_PIXELS:
        raise ValueError("too many pixels")


def of_picture(name: str) -> bytes:
    """A picture of exactly this format of Pillow, turned the right way up."""
    with Image.open(sys.stdin.buffer, formats=[name]) as found:
        check(*found.size)
        found.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
        return small(ImageOps.exif_transpose(found))


def of_inline(name: str) -> bytes:
    """A picture for a message: as good as fits into INLINE_BYTES; what was transparent is white."""
    with Image.open(sys.stdin.buffer, formats=[name]) as found:
        check(*found.size)
        found.draft("RGB", (INLINE_SIDE, INLINE_SIDE))
        turned = ImageOps.exif_transpose(found)
    clear = turned.mode in ("RGBA", "LA", "PA") or "transparency" in turned.info
    turned = turned.convert("RGBA") if clear else turned.convert("RGB").convert("RGBA")
    turned.thumbnail((INLINE_SIDE, INLINE_SIDE))
    clean = Image.new("RGB", turned.size, "white")
    clean.paste(turned, mask=turned)
    for side, quality in _INLINE_TRIES:
        smaller = clean.copy()
        smaller.thumbnail((side, side))
        made = io.BytesIO()
        smaller.save(made, "JPEG", quality=quality, optimize=True, progressive=True)
        if made.tell() <= INLINE_BYTES:
            return made.getvalue()
    raise ValueError("cannot be made small enough")


def of_video(name: str) -> bytes:
    """The first frame that can be decoded, opened by exactly this demuxer: no playlist, no other file, no network."""
    file = os.fdopen(0, "rb", closefd=False)
    options = {"protocol_whitelist": "file"}
    with av.open(file, mode="r", format=name, options=options, metadata_errors="ignore") as container:
        stream = container.streams.video[0]
        check(stream.codec_context.width, stream.codec_context.height)
        stream.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        for number, frame in enumerate(container.decode(stream)):
            if number >= _FRAMES_LOOKED_AT:
                break
            check(frame.width, frame.height)
            scale = min(1.0, LONGEST_SIDE / max(frame.width, frame.height))
            less = frame.reformat(max(1, int(frame.width * scale)), max(1, int(frame.height * scale)), "rgb24")
            picture: Image.Image = less.to_image()  # type: ignore[no-untyped-call]
            turned = picture.rotate(getattr(frame, "rotation", 0), expand=True)
            return small(turned)
    raise ValueError("no frame")


def main() -> int:
    """Make the copy, or say by the exit code that there is none."""
    lock_up()
    kind, name = sys.argv[1:3]
    try:
        made = {"video": of_video, "picture": of_picture, "inline": of_inline}[kind](name)
    except Exception as error:
        print(type(error).__name__, file=sys.stderr)
        return 2
    sys.stdout.buffer.write(made)
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
