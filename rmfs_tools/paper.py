"""What paper, ink and a scanner do to the picture of a frank.

Every kind of wear is a figure of its own, and they are put on in the order in which
they happen: modules of the symbol are spoiled on the paper, it lies askew, it has a
colour, the scanner has fewer dots than the printer, its lens is not sharp, its light is
not even, its sensor is grainy. Randomness comes in as an argument, so that the same
seed wears the same picture in the same way.
"""

import io
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist
from typing import Final

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from fm_device.frank import DPI
from fm_device.frank.symbol import SYMBOL_MODULES
from hw.scanner import FoundSymbol, find_symbols
from protocol.errors import LocalProtocolError
from protocol.ports import Entropy

REGIONS: Final = 4
"""Data regions of the symbol, each 18 by 18 modules inside a border of one."""

_REGION_MODULES: Final = 20
_DATA_MODULES: Final = 18
_WHITE: Final = (255, 255, 255)
_MANILA: Final = (214, 186, 138)
"""The colour of an envelope that is as far from white as they are."""
_MIDDLE: Final = 128
_DRAW_OCTETS: Final = 4


@dataclass(frozen=True, slots=True)
class Wear:
    """How a picture has suffered; the default is not at all.

    Attributes:
        marred_regions: In how many of the four data regions of a symbol one module is
            inverted, 0 to 4. All of them are one block of error correction.
        tint: How far the paper is from white to manila, 0 to 1.
        rotation_degrees: How far the paper is turned against the clock.
        scale: Dots of the scanner for one of the printer, above 0 and up to 4.
        blur: Radius of the blur in dots of the scanner.
        shade: How much darker the light is at one end, 0 to 1.
        noise: Standard deviation of the grain in steps of grey, 0 to 255.
    """

    marred_regions: int = 0
    tint: float = 0.0
    rotation_degrees: float = 0.0
    scale: float = 1.0
    blur: float = 0.0
    shade: float = 0.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        bounds = (
            ("marred regions", self.marred_regions, 0, REGIONS),
            ("tint", self.tint, 0, 1),
            ("rotation", self.rotation_degrees, -180, 180),
            ("scale", self.scale, 0.05, 4),
            ("blur", self.blur, 0, 50),
            ("shade", self.shade, 0, 1),
            ("noise", self.noise, 0, 255),
        )
        for what, value, least, most in bounds:
            if not least <= value <= most:
                raise LocalProtocolError(
                    f"wear with {what} {value}: choose from {least} to {most}"
                )


WORST_IN_THE_POST: Final = Wear(
    marred_regions=REGIONS,
    tint=1.0,
    rotation_degrees=10.0,
    scale=0.5,
    blur=0.6,
    shade=0.25,
    noise=14.0,
)
"""As bad as a frank is still to be read."""


def draw_wear(entropy: Entropy) -> Wear:
    """Draw the wear of one article: at random up to the worst, turned to either side.

    Every article has its spoiled modules and the scale of the worst.
    """
    worst = WORST_IN_THE_POST
    return Wear(
        marred_regions=worst.marred_regions,
        tint=worst.tint * _share(entropy),
        rotation_degrees=worst.rotation_degrees * (2 * _share(entropy) - 1),
        scale=worst.scale,
        blur=worst.blur * _share(entropy),
        shade=worst.shade * _share(entropy),
        noise=worst.noise * _share(entropy),
    )


def degrade(png: bytes, wear: Wear, entropy: Entropy) -> bytes:
    """Let a picture suffer.

    Args:
        png: A picture as the machine has made it, not yet worn.
        wear: What happens to it; a picture without a symbol has none to be marred.
        entropy: Where the spoiled modules and the grain come from.

    Returns:
        The picture as a scanner gives it: PNG in colour, with its dots an inch.
    """
    with Image.open(io.BytesIO(png)) as opened:
        dpi = opened.info.get("dpi", (DPI, DPI))[0] * wear.scale
        image = opened.convert("RGB")
    if wear.marred_regions:
        for symbol in find_symbols(png):
            _mar(image, symbol, wear.marred_regions, entropy)
    if wear.rotation_degrees:
        image = image.rotate(
            wear.rotation_degrees,
            Image.Resampling.BICUBIC,
            expand=True,
            fillcolor=_WHITE,
        )
    if wear.tint:
        image = ImageChops.multiply(image, _paper(image.size, wear.tint))
    if wear.scale != 1:
        width, height = (max(1, round(side * wear.scale)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BOX)
    if wear.blur:
        image = image.filter(ImageFilter.GaussianBlur(wear.blur))
    if wear.shade:
        image = ImageChops.multiply(image, _light(image.size, wear.shade))
    if wear.noise:
        image = _grainy(image, wear.noise, entropy)
    file = io.BytesIO()
    image.save(file, "PNG", dpi=(dpi, dpi), compress_level=1)
    return file.getvalue()


def _mar(
    image: Image.Image, symbol: FoundSymbol, regions: int, entropy: Entropy
) -> None:
    """Invert a module in each of the first regions of a symbol that is not turned."""
    (left, top), _, (right, bottom), _ = symbol.corners
    across = (right - left) / SYMBOL_MODULES
    down = (bottom - top) / SYMBOL_MODULES
    # The lower left module belongs to the finder: it is dark in every symbol.
    ink = _colour(image, left + across / 2, bottom - down / 2)
    pen = ImageDraw.Draw(image)
    for region in range(regions):
        row, column = (
            _REGION_MODULES * part + 1 + int(_DATA_MODULES * _share(entropy))
            for part in divmod(region, 2)
        )
        x, y = left + column * across, top + row * down
        dark = sum(_colour(image, x + across / 2, y + down / 2)) < 3 * _MIDDLE
        corners = (round(x), round(y), round(x + across) - 1, round(y + down) - 1)
        pen.rectangle(corners, fill=_WHITE if dark else ink)


def _colour(image: Image.Image, x: float, y: float) -> tuple[int, int, int]:
    found = image.getpixel((int(x), int(y)))
    if not isinstance(found, tuple):
        raise LocalProtocolError("the picture is not in colour")
    red, green, blue = found
    return red, green, blue


def _paper(size: tuple[int, int], tint: float) -> Image.Image:
    red, green, blue = (
        round(white + (manila - white) * tint)
        for white, manila in zip(_WHITE, _MANILA, strict=True)
    )
    return Image.new("RGB", size, (red, green, blue))


def _light(size: tuple[int, int], shade: float) -> Image.Image:
    """Full light at the upper end, `shade` less at the lower one."""
    gradient = Image.linear_gradient("L").resize(size)
    light = gradient.point([round(255 - shade * step) for step in range(256)])
    return Image.merge("RGB", (light, light, light))


def _grainy(image: Image.Image, deviation: float, entropy: Entropy) -> Image.Image:
    """Add the same grain to every colour, one octet of entropy a dot."""
    drawn = Image.frombytes("L", image.size, entropy.octets(image.width * image.height))
    grain = drawn.point(
        [round(max(0, min(255, _MIDDLE + deviation * one))) for one in _bell()]
    )
    grains = Image.merge("RGB", (grain, grain, grain))
    return ImageChops.add(image, grains, scale=1, offset=-_MIDDLE)


@cache
def _bell() -> tuple[float, ...]:
    """The normal deviate that belongs to each octet."""
    normal = NormalDist()
    return tuple(normal.inv_cdf((octet + 0.5) / 256) for octet in range(256))


def _share(entropy: Entropy) -> float:
    """Draw a number from 0 up to, not including, 1."""
    drawn = int.from_bytes(entropy.octets(_DRAW_OCTETS), "big")
    return float(drawn) / 256**_DRAW_OCTETS
