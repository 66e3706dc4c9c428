"""The frank as a picture: what is on it, where it stands, and SVG and PNG of it.

    face = FrankFace(...)             what is printed, as data
    drawing = draw_frank(face)        where it stands: shapes in millimetres
    render_svg(drawing)               text, for pages and documents
    render_png(drawing)               300 dots an inch, for a printer and a scanner

The look is this product's own. The Department's samples of each state (Annexure L of
its procedure) are not public; no emblem and no art of anybody is copied, and every
frank says that it is simulated and not valid for postage.

Source: what a frank shows is in the announcements of 2010 on the Department's franking
system (class, PIN code, authentication code, date, item number, licence identifier,
value, barcode; blue). Sizes, arrangement and marks are ours; docs/decisions/
frank-picture.md.
"""

from fm_device.frank.drawing import Drawing
from fm_device.frank.face import FrankFace, FrankMark, SloganFace
from fm_device.frank.layout import NOTICE, draw_frank
from fm_device.frank.png import DPI, render_png
from fm_device.frank.svg import render_svg
from fm_device.frank.symbol import SYMBOL_OCTETS_MAX, Modules, make_symbol

__all__ = [
    "DPI",
    "NOTICE",
    "SYMBOL_OCTETS_MAX",
    "Drawing",
    "FrankFace",
    "FrankMark",
    "Modules",
    "SloganFace",
    "draw_frank",
    "make_symbol",
    "render_png",
    "render_svg",
]
