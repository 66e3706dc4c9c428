"""A drawing: simple shapes in millimetres, from which every kind of picture is made.

The origin is the upper left corner, x grows to the right and y downwards. Shapes are
drawn in their order, each over the ones before. There is one ink; a shape is drawn in
full ink, in pale ink, or is left as bare paper.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from fm_device.frank.symbol import Modules

INK_RGB: Final = (0x00, 0x30, 0x9C)
"""The blue of a frank. That it is blue is the Department's; which blue is ours."""
PAPER_RGB: Final = (0xFF, 0xFF, 0xFF)


class Tone(Enum):
    """How much ink: the value is the share of the paper that stays bare, 0 to 255."""

    INK = 0
    PALE = 170
    PAPER = 255

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Its colour, 0 to 255 each of red, green and blue."""
        return mixed(INK_RGB, PAPER_RGB, self.value)


class Anchor(Enum):
    """Which point of a line of text stands at its x; the value is SVG's word."""

    START = "start"
    MIDDLE = "middle"
    END = "end"


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle; a line is a thin one."""

    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float
    tone: Tone = Tone.INK


@dataclass(frozen=True, slots=True)
class Frame:
    """The outline of a rectangle; the line lies inside it."""

    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float
    line_mm: float
    corner_mm: float = 0.0
    tone: Tone = Tone.INK


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text on its baseline.

    Attributes:
        words: Characters of ASCII, or a middle dot.
        x_mm: Where its anchor stands.
        y_mm: Its baseline.
        size_mm: Size of the font (its em).
        width_mm: How much room it takes, so that every viewer gives it the same.
        anchor: Whether it starts, has its middle or ends at `x_mm`.
        bold: Drawn with a heavier line.
        tone: `PAPER` on a filled box.
    """

    words: str
    x_mm: float
    y_mm: float
    size_mm: float
    width_mm: float
    anchor: Anchor = Anchor.START
    bold: bool = False
    tone: Tone = Tone.INK


@dataclass(frozen=True, slots=True)
class Overprint:
    """A big word over everything, turned, with bare paper around each letter.

    Attributes:
        words: The word.
        x_mm: The middle of the word.
        y_mm: The middle of its capitals.
        size_mm: Size of the font.
        width_mm: Its length before it is turned.
        angle_degrees: How far it is turned against the clock.
        halo_mm: How far the bare paper goes beyond a letter.
    """

    words: str
    x_mm: float
    y_mm: float
    size_mm: float
    width_mm: float
    angle_degrees: float
    halo_mm: float


@dataclass(frozen=True, slots=True)
class Symbol:
    """A 2D symbol without its quiet zone; its upper left module stands at x and y."""

    x_mm: float
    y_mm: float
    module_mm: float
    modules: Modules


Shape = Box | Frame | Text | Overprint | Symbol


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture before it is SVG or PNG.

    Attributes:
        width_mm: Its width, margins included.
        height_mm: Its height, margins included.
        title: What it is, in a few words.
        description: All that can be read on it, for who cannot see it.
        shapes: What is drawn, in this order.
    """

    width_mm: float
    height_mm: float
    title: str
    description: str
    shapes: tuple[Shape, ...]


def mixed(
    ink: tuple[int, int, int], paper: tuple[int, int, int], bare: float
) -> tuple[int, int, int]:
    """Mix two colours; `bare` is the share of the paper, 0 to 255."""
    red, green, blue = (
        round(dark + (light - dark) * bare / 255)
        for dark, light in zip(ink, paper, strict=True)
    )
    return red, green, blue
