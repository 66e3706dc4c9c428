"""The one font of a frank: the scalable one that Pillow brings with it.

It has the printable characters of ASCII and a middle dot, in one weight. Text is
measured at one large size, so that a drawing does not depend on the dots of a printer,
and set without the shaping library that only some systems have.
"""

from functools import cache, lru_cache
from typing import Final

from PIL import ImageFont

from protocol.errors import NeedsAttentionError

CAPITAL_SHARE: Final = 0.69
"""Height of a capital letter as a share of the font's size."""
BOLD_SHARE: Final = 0.03
"""By how much the line of a bold letter grows at each side, as a share of the size."""

_MEASURED_AT_DOTS: Final = 1000
_SLACK: Final = 1.03
"""Small text is up to 3 % wider than large text: each letter ends on a whole dot."""
_SIZES_KEPT: Final = 64
_SIZE_STEP_MM: Final = 0.05
"""Sizes are multiples of this, so that few fonts are made."""


@lru_cache(maxsize=_SIZES_KEPT)
def font_of(size_dots: float) -> ImageFont.FreeTypeFont:
    """Give the font at a size in dots; the last 64 sizes are kept."""
    return _font().font_variant(size=size_dots)


@cache
def _font() -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(_MEASURED_AT_DOTS)
    if not isinstance(font, ImageFont.FreeTypeFont):
        # Only a Pillow that was built without FreeType comes here.
        raise NeedsAttentionError(
            "this Pillow cannot scale its font: install the one of requirements.lock"
        )
    return font.font_variant(layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=_SIZES_KEPT * 8)
def width_of(words: str, size_mm: float, *, bold: bool = False) -> float:
    """Say how wide a line of text is, in mm."""
    share = font_of(_MEASURED_AT_DOTS).getlength(words) / _MEASURED_AT_DOTS
    return (share + (2 * BOLD_SHARE if bold else 0)) * size_mm


def size_within(
    words: str, width_mm: float, size_mm_max: float, *, bold: bool = False
) -> float:
    """Find the largest size, up to `size_mm_max`, at which text fits a width."""
    at_one = width_of(words, 1.0, bold=bold) * _SLACK
    fitting = min(size_mm_max, width_mm / at_one) if at_one else size_mm_max
    return int(fitting / _SIZE_STEP_MM + 1e-9) * _SIZE_STEP_MM
