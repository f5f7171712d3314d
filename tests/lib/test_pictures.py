"""A stranger's picture, made anew in a locked-up child: small, upright, without what a camera writes into it."""

import io

import pytest
from PIL import Image

from bell.lib import pictures
from tests.lib.pictures import bomb, photo


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_made_anew_within_its_limits(format):
    made = pictures.for_mail(photo(3000, 1500, format))
    assert made.data.startswith(b"\xff\xd8\xff") and len(made.data) <= pictures.INLINE_BYTES
    with Image.open(io.BytesIO(made.data)) as picture:
        assert max(picture.size) == 1200 and not picture.getexif()
        assert pictures.size_of(made.data) == picture.size


def test_metadata_is_gone_and_the_picture_stands_upright():
    given = photo(900, 600)
    assert b"SecretCamera" in given
    made = pictures.for_mail(given)
    assert b"SecretCamera" not in made.data and b"Exif" not in made.data
    assert pictures.size_of(made.data) == (600, 900)


def test_a_picture_full_of_detail_is_made_small_enough():
    made = pictures.for_mail(photo(2400, 1600, noise=True, quality=95))
    assert 0 < len(made.data) <= pictures.INLINE_BYTES


def test_what_is_transparent_is_white():
    clear = io.BytesIO()
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(clear, "PNG")
    with Image.open(io.BytesIO(pictures.for_mail(clear.getvalue()).data)) as picture:
        assert min(picture.getpixel((25, 25))) > 250


@pytest.mark.parametrize("mode", ["L", "P", "1", "CMYK", "I;16"])
def test_every_way_to_keep_colours_is_read(mode):
    given = io.BytesIO()
    Image.new(mode, (40, 30)).save(given, "JPEG" if mode == "CMYK" else "PNG")
    assert pictures.size_of(pictures.for_mail(given.getvalue()).data) == (40, 30)


HOSTILE = {
    "nothing": b"",
    "a bomb": bomb(),
    "a cut picture": photo()[:200],
    "words": b"hello",
    "GIF": b"GIF89a" + bytes(100),
    "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "HEIC": b"\0\0\0\x18ftypheic" + bytes(200),
    "a WebP that is a sound": b"RIFF\0\0\0\0WEBP" + bytes(100),
    "PostScript dressed as JPEG": b"\xff\xd8\xff%!PS-Adobe-3.0\n(/etc/passwd) (r) file",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_hostile_gives_words_and_no_picture(what):
    made = pictures.for_mail(HOSTILE[what])
    assert not made.data and made.words
