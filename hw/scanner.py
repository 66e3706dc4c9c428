"""Reads 2D symbols from a picture, as a scanner or a photograph gives it.

A picture comes from outside and may be anything: it is opened as one of four kinds
only, never with more pixels than `PIXELS_MAX`, and whatever is wrong with it is one
error with words for a person. Nothing that the symbols say is trusted here: the octets
go to who verifies them.

The first look is at the picture as it is. Only when nothing is found are there others,
each for a fault of its own: halved for grain, doubled for small modules, smoothed for
speckles and one threshold for the whole picture for a faint print.

Source: zxing-cpp 3.1 reads; docs/decisions/frank-picture.md.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import zxingcpp
from PIL import Image, ImageFilter, ImageOps

from protocol.errors import RmfsError

KINDS: Final = ("PNG", "JPEG", "TIFF", "BMP")
PIXELS_MAX: Final = 40_000_000
"""An A4 page at 600 dots an inch has 35 million."""
PICTURE_OCTETS_MAX: Final = 64 * 2**20

_DATA_MATRIX: Final = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.DataMatrix)
_DOUBLED_PIXELS_MAX: Final = 4_000_000
"""A larger picture is not doubled: its modules are not small."""
_SIXTEEN_TO_EIGHT: Final = 1 / 257
_BROKEN: Final = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    MemoryError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Warning,
)
"""What Pillow raises, or warns of, on a file that is broken or made to harm."""


class PictureError(RmfsError):
    """What was given is no picture that a scanner could have made."""


@dataclass(frozen=True, slots=True)
class FoundSymbol:
    """One symbol in a picture.

    Attributes:
        octets: What it holds, exactly.
        corners: Its corners in pixels (x, y), clockwise from its own upper left one.
    """

    octets: bytes
    corners: tuple[tuple[int, int], ...]


def read_symbols(picture: bytes) -> list[bytes]:
    """Read the Data Matrix symbols in a picture.

    Args:
        picture: A PNG, JPEG, TIFF or BMP file; of several pages the first.

    Returns:
        The octets of each symbol, in the order in which they were found; the same
        octets once.

    Raises:
        PictureError: It is no such file, it is broken, or it is too large.
    """
    return list(dict.fromkeys(symbol.octets for symbol in find_symbols(picture)))


def find_symbols(picture: bytes) -> list[FoundSymbol]:
    """Read the Data Matrix symbols in a picture, and say where they stand.

    Raises:
        PictureError: It is no such file, it is broken, or it is too large.
    """
    grey = open_grey(picture)
    for scale, look, binarizer in _looks(grey):
        symbols = _read(look, scale, binarizer)
        if symbols:
            return symbols
    return []


def open_grey(picture: bytes) -> Image.Image:
    """Open a picture from outside as grey; what is transparent becomes white.

    Raises:
        PictureError: It is no picture of `KINDS`, it is broken, or it is too large.
    """
    if len(picture) > PICTURE_OCTETS_MAX:
        raise PictureError(
            f"the file has {len(picture):,} octets; up to {PICTURE_OCTETS_MAX:,} are "
            "read: cut out the part with the frank"
        )
    try:
        with Image.open(io.BytesIO(picture), formats=KINDS) as image:
            width, height = image.size
            if width * height <= PIXELS_MAX:
                return _grey(image)
    except _BROKEN as error:
        kinds = ", ".join(KINDS)
        raise PictureError(
            f"this is no picture, or it is broken ({error}): give a {kinds} file"
        ) from error
    raise PictureError(
        f"the picture has {width} by {height} pixels; up to {PIXELS_MAX:,} are read: "
        "cut out the part with the frank"
    )


def _grey(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        shown = image.convert("RGBA")
        paper = Image.new("RGBA", shown.size, "white")
        return Image.alpha_composite(paper, shown).convert("L")
    if image.mode.startswith("I;16"):
        # Pillow would cut sixteen bits off at 255, which makes all but black white.
        deep = image.convert("I")
        return deep.point(lambda level: level * _SIXTEEN_TO_EIGHT).convert("L")
    return image.convert("L")


def _looks(
    grey: Image.Image,
) -> Iterator[tuple[float, Image.Image, zxingcpp.Binarizer]]:
    """The ways to look at a picture: by how much it was scaled, and what to see."""
    local = zxingcpp.Binarizer.LocalAverage
    yield 1, grey, local
    smoothed = grey.filter(ImageFilter.GaussianBlur(1))
    yield 1, smoothed, local
    if grey.width * grey.height <= _DOUBLED_PIXELS_MAX:
        size = (2 * grey.width, 2 * grey.height)
        yield 2, grey.resize(size, Image.Resampling.BICUBIC), local
    if min(grey.size) > 1:
        yield 0.5, grey.reduce(2), local
    stretched = ImageOps.autocontrast(smoothed, cutoff=1)
    yield 1, stretched, zxingcpp.Binarizer.GlobalHistogram


def _read(
    image: Image.Image, scale: float, binarizer: zxingcpp.Binarizer
) -> list[FoundSymbol]:
    found = zxingcpp.read_barcodes(
        image,
        formats=_DATA_MATRIX,
        try_rotate=True,
        try_downscale=True,
        binarizer=binarizer,
    )
    return [FoundSymbol(one.bytes, _corners(one.position, scale)) for one in found]


def _corners(position: zxingcpp.Position, scale: float) -> tuple[tuple[int, int], ...]:
    corners = (
        position.top_left,
        position.top_right,
        position.bottom_right,
        position.bottom_left,
    )
    return tuple((round(one.x / scale), round(one.y / scale)) for one in corners)
