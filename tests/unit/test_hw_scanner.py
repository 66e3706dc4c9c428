"""A scanner reads what there is to read, and is harmed by nothing."""

import io
import struct
import zlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fm_device.frank import FrankFace, draw_frank, render_png
from hw.scanner import (
    PICTURE_OCTETS_MAX,
    PIXELS_MAX,
    PictureError,
    find_symbols,
    read_symbols,
)
from tests import faces
from tests.faces import LETTER, WITH_SLOGAN

PNG = render_png(draw_frank(LETTER))
assert LETTER.indicium is not None
INDICIUM = LETTER.indicium


def opened(octets: bytes = PNG) -> Image.Image:
    return Image.open(io.BytesIO(octets))


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG of few octets whose header promises many pixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + body))
        return struct.pack(">I", len(body)) + name + body + check

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("JPEG", {"quality": 75}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "group4"}),
        ("BMP", {}),
    ],
    ids=["png", "jpeg", "tiff", "tiff-lzw", "tiff-fax", "bmp"],
)
def test_a_symbol_is_read_from_every_kind_of_picture(
    kind: str, options: dict[str, object]
) -> None:
    mode = "1" if options.get("compression") == "group4" else "RGB"
    picture = saved(opened().convert(mode), kind, **options)
    assert read_symbols(picture) == [INDICIUM]


@pytest.mark.parametrize("turn", [0, 7, 90, 133, 180, 270])
def test_a_picture_may_lie_in_any_direction(turn: int) -> None:
    turned = opened().convert("L").rotate(turn, expand=True, fillcolor=255)
    assert read_symbols(saved(turned, "PNG")) == [INDICIUM]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_a_picture_may_have_any_kind_of_pixels(mode: str) -> None:
    assert read_symbols(saved(opened().convert(mode), "PNG")) == [INDICIUM]


def test_a_scan_may_have_sixteen_bits_a_pixel() -> None:
    grey = opened().convert("L")
    deep = b"".join(bytes([level, level]) for level in grey.tobytes())
    scan = Image.frombytes("I;16", grey.size, deep)
    for kind in ("PNG", "TIFF"):
        assert read_symbols(saved(scan, kind)) == [INDICIUM]


def test_what_is_transparent_is_paper() -> None:
    grey = opened().convert("L")
    ink = Image.new("RGBA", grey.size, (0, 0, 0, 0))
    ink.putalpha(grey.point([255 - level for level in range(256)]))
    assert read_symbols(saved(ink, "PNG")) == [INDICIUM]


def test_each_symbol_of_a_page_is_read_once() -> None:
    other = replace(LETTER, indicium=b"another")
    page = Image.new("L", (1600, 1500), 255)
    for number, face in enumerate((LETTER, other, LETTER)):
        franked = opened(render_png(draw_frank(face)))
        page.paste(franked.convert("L"), (100, 100 + number * 450))
    picture = saved(page, "PNG")
    assert sorted(read_symbols(picture)) == sorted([b"another", INDICIUM])
    assert len(find_symbols(picture)) == 3


def test_the_corners_of_a_symbol_are_where_it_stands() -> None:
    (symbol,) = find_symbols(PNG)
    expected = ((452, 39), (692, 39), (692, 279), (452, 279))
    for (x, y), (left, top) in zip(symbol.corners, expected, strict=True):
        assert abs(x - left) <= 1
        assert abs(y - top) <= 1


@pytest.mark.parametrize("face", [faces.SPECIMEN, faces.VOID, faces.NEW])
def test_a_frank_without_symbol_has_nothing_to_read(face: FrankFace) -> None:
    assert read_symbols(render_png(draw_frank(face))) == []


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (3, 3)])
def test_a_picture_may_be_tiny(size: tuple[int, int]) -> None:
    assert read_symbols(saved(Image.new("L", size, 255), "PNG")) == []


def test_small_modules_are_read_in_a_second_look() -> None:
    small = opened(render_png(draw_frank(WITH_SLOGAN), 100))
    assert read_symbols(saved(small, "PNG")) == [WITH_SLOGAN.indicium]


@pytest.mark.parametrize(
    "octets",
    [b"", b"no picture", PNG[:20], PNG[:2000], b"BM", b"II*\x00", b"\xff\xd8\xff\xe0"],
)
def test_what_is_no_picture_is_an_error_with_words(octets: bytes) -> None:
    with pytest.raises(PictureError, match="give a PNG, JPEG, TIFF, BMP file"):
        read_symbols(octets)


def test_other_kinds_of_picture_are_not_opened() -> None:
    with pytest.raises(PictureError, match="no picture"):
        read_symbols(saved(opened(), "GIF"))


@pytest.mark.parametrize(
    ("width", "height"), [(8000, 8000), (10_000, 10_000), (60_000, 60_000)]
)
def test_a_picture_that_would_fill_the_memory_is_not_decompressed(
    width: int, height: int
) -> None:
    assert width * height > PIXELS_MAX
    with pytest.raises(PictureError, match="pixels"):
        read_symbols(png_that_claims(width, height))


def test_a_file_that_is_too_large_is_not_opened() -> None:
    with pytest.raises(PictureError, match="cut out the part with the frank"):
        read_symbols(PNG + bytes(PICTURE_OCTETS_MAX))


SMALL = opened().convert("RGB").resize((260, 90))
FILES = [
    saved(SMALL, "PNG"),
    saved(SMALL.quantize(16), "PNG"),
    saved(SMALL, "JPEG"),
    saved(SMALL, "TIFF"),
    saved(SMALL, "BMP"),
]


@settings(max_examples=300, deadline=None)
@given(
    file=st.sampled_from(FILES),
    changes=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8
    ),
    kept=st.floats(0, 1),
)
def test_a_broken_file_gives_symbols_or_an_error_with_words(
    file: bytes, changes: list[tuple[float, int]], kept: float
) -> None:
    octets = bytearray(file)
    for place, value in changes:
        # Most of what matters stands in the first octets.
        octets[int(place**3 * len(octets))] = value
    try:
        found = read_symbols(bytes(octets[: int(kept * len(octets))]))
    except PictureError:
        return
    assert set(found) <= {INDICIUM}
