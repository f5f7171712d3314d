"""Previews: real videos and pictures, made in a real child; crafted ones that lie, bomb, point elsewhere or hang."""

import io
import struct
import zlib

import av
import numpy as np
import pytest
from PIL import Image

from bell.evidence import kinds, preview
from bell.evidence.models import Exhibit, Preview
from bell.lib import pictures, previewer
from tests.evidence.conftest import exhibit


def video(form="mp4", codec="mpeg4", size=(320, 240), frames=10):
    """A small real video."""
    made = io.BytesIO()
    with av.open(made, "w", format=form) as container:
        stream = container.add_stream(codec, rate=10)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for number in range(frames):
            pixels = np.full((size[1], size[0], 3), 40 + number, dtype=np.uint8)
            pixels[:, : size[0] // 2] = (200, 30, 30)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return made.getvalue()


def picture(form, size=(2000, 1000), **more):
    made = io.BytesIO()
    Image.new("RGB", size, "teal").save(made, form, **more)
    return made.getvalue()


def made_of(data, tmp_path):
    """(content type, what the child made)."""
    path = tmp_path / "file"
    path.write_bytes(data)
    kind = kinds.of(data[: kinds.HEAD])
    with path.open("rb") as file:
        return kind, preview.make(file, kind)


@pytest.mark.parametrize(
    ("form", "kind"),
    [("mp4", "video/mp4"), ("avi", "video/x-msvideo"), ("matroska", "video/x-matroska"), ("mpegts", "video/mp2t")],
)
def test_a_poster_frame_of_a_video(tmp_path, form, kind):
    codec = "mpeg2video" if form == "mpegts" else "mpeg4"
    found, made = made_of(video(form, codec), tmp_path)
    assert found == kind and made.data, made.words
    with Image.open(io.BytesIO(made.data)) as seen:
        assert seen.format == "JPEG" and seen.size == (320, 240)
        left, right = seen.getpixel((20, 120)), seen.getpixel((300, 120))
    assert left[0] > 150 and right[0] < 100, "it is the frame, not any picture"


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP", "BMP"])
def test_a_picture_is_made_anew_and_smaller(tmp_path, form):
    _, made = made_of(picture(form), tmp_path)
    with Image.open(io.BytesIO(made.data)) as seen:
        assert seen.format == "JPEG" and seen.size == (1280, 640)


def test_metadata_stays_in_the_original(tmp_path):
    exif = Image.Exif()
    exif[0x010E] = "taken at 12 Mill Lane"
    exif[0x0112] = 6  # turned by a quarter
    data = picture("JPEG", exif=exif)
    assert b"Mill Lane" in data
    _, made = made_of(data, tmp_path)
    assert b"Mill Lane" not in made.data
    with Image.open(io.BytesIO(made.data)) as seen:
        assert seen.size == (640, 1280) and not seen.getexif()


def png_header(width, height):
    """A picture that says it is enormous."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1_000_000))) + chunk(b"IEND", b"")


HLS = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
CRAFTED = {
    "a playlist that names other files": HLS,
    "a playlist dressed as MP4": b"\0\0\0\x18ftypmp42" + HLS,
    "a concat script": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "MP4 by its first bytes only": b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + b"\xff" * 5000,
    "a cut video": video()[:3000],
    "a picture of ten thousand million pixels": png_header(100_000, 100_000),
    "a cut JPEG": picture("JPEG")[:40],
    "an empty Matroska": b"\x1aE\xdf\xa3" + bytes(100),
    "a WebP that is none": b"RIFF\xff\xff\xff\xffWEBPVP8 " + b"\xff" * 500,
    "SVG with a script": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "HTML": b"<!doctype html><script>alert(1)</script>",
    "PDF": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj",
    "PostScript dressed as JPEG": b"\xff\xd8\xff%!PS-Adobe-3.0\n(/etc/passwd) (r) file",
}


@pytest.mark.parametrize("what", CRAFTED)
def test_what_is_crafted_gives_no_preview_and_no_harm(tmp_path, what):
    _, made = made_of(CRAFTED[what], tmp_path)
    assert not made.data and made.words


def test_a_child_that_hangs_is_ended(tmp_path, monkeypatch):
    hanging = tmp_path / "hangs.py"
    hanging.write_text("import time; time.sleep(60)")
    monkeypatch.setattr(pictures, "_SCRIPT", hanging)
    monkeypatch.setattr(pictures, "SECONDS", 1)
    _, made = made_of(picture("PNG"), tmp_path)
    assert made.words == "it took too long"


def test_the_child_may_do_almost_nothing(tmp_path, monkeypatch):
    """The limits hold in the child, before it has seen a byte."""
    script = tmp_path / "tries.py"
    folder = str(previewer.__file__)
    script.write_text(
        f"import importlib.util as u, os, socket, sys\n"
        f"spec = u.spec_from_file_location('p', {folder!r}); p = u.module_from_spec(spec); spec.loader.exec_module(p)\n"
        "p.lock_up()\n"
        "said = []\n"
        "def attempt(name, do):\n"
        "    try:\n        do(); said.append(name + ' worked')\n"
        "    except BaseException as error:\n        said.append(name + ' refused')\n"
        "def write():\n    with open('/tmp/bell-child-wrote', 'wb') as f: f.write(b'x' * 3_000_000)\n"
        "attempt('memory', lambda: bytearray(900_000_000))\n"
        "attempt('files', lambda: [open('/dev/null') for _ in range(20)])\n"
        "attempt('network', lambda: socket.create_connection(('127.0.0.1', int(os.environ.get('PORT', '9'))), 1))\n"
        "attempt('environment', lambda: os.environ['HOME'])\n"
        "attempt('a large file', write)\n"
        "sys.stdout.write('\\xff'.join(said))\n"
    )
    monkeypatch.setattr(pictures, "_SCRIPT", script)
    monkeypatch.setattr(pictures, "_JPEG", b"")
    _, made = made_of(picture("PNG"), tmp_path)
    said = made.data.decode()
    assert "worked" not in said and said.count("refused") == 5, said


def test_an_exhibit_gets_its_preview_and_its_line(appeal):
    one = exhibit(appeal, video())
    dav = exhibit(appeal, b"DHAV" + bytes(100), name="nvr.dav")
    assert preview.preview_due() == 1 and preview.preview_due() == 0
    one.refresh_from_db()
    dav.refresh_from_db()
    assert one.preview == Preview.MADE and dav.preview == Preview.NONE
    line = one.custody.last()
    assert line.what == "preview" and len(line.facts["sha256"]) == 64
    assert dav.content_type == "video/x-dhav"
    broken = exhibit(appeal, CRAFTED["a cut video"])
    assert preview.preview_due() == 1
    assert Exhibit.objects.get(pk=broken.pk).preview == Preview.NONE


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\0\0\0\x20ftypqt  ", "video/quicktime"),
        (b"\0\0\0\x20ftyp3gp4", "video/3gpp"),
        (b"\0\0\0\x20ftypheic", "image/heic"),
        (b"MZ\x90\0", "application/vnd.microsoft.portable-executable"),
        (b"", kinds.UNKNOWN),
        (b"\0", kinds.UNKNOWN),
        (b"RIFF", kinds.UNKNOWN),
        (b"hello", kinds.UNKNOWN),
    ],
)
def test_types_by_content(head, kind):
    assert kinds.of(head) == kind
    assert kinds.known(kind).words
