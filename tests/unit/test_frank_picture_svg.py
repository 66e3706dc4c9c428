"""The SVG of a frank is whole in itself and says the same as the drawing."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from fm_device.frank import SloganFace, draw_frank, make_symbol, render_svg
from fm_device.frank.drawing import Text
from fm_device.frank.symbol import Modules
from tests import faces
from tests.faces import LETTER

SVG = "{http://www.w3.org/2000/svg}"


def document(svg: str) -> ET.Element:
    return ET.fromstring(svg.encode())  # noqa: S314  it is our own


def modules_of(path: str) -> Modules:
    """Draw the bars of a path, read by the words of the standard alone."""
    dark = set()
    for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1H\d+z", path):
        dark |= {(int(x) + step, int(y)) for step in range(int(width))}
    return tuple(tuple((x, y) in dark for x in range(40)) for y in range(40))


@pytest.mark.parametrize("name", faces.ALL)
def test_a_document_is_well_formed_and_has_its_size_in_millimetres(name: str) -> None:
    drawing = draw_frank(faces.ALL[name])
    root = document(render_svg(drawing))
    assert root.tag == f"{SVG}svg"
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    assert (width, height) == pytest.approx((drawing.width_mm, drawing.height_mm))
    assert root.attrib["width"] == f"{width:g}mm"
    assert root.attrib["height"] == f"{height:g}mm"


@pytest.mark.parametrize("name", faces.ALL)
def test_a_document_has_every_word_of_the_drawing(name: str) -> None:
    drawing = draw_frank(faces.ALL[name])
    written = [text.text for text in document(render_svg(drawing)).iter(f"{SVG}text")]
    drawn = [shape.words for shape in drawing.shapes if isinstance(shape, Text)]
    assert written[: len(drawn)] == drawn


def test_a_document_tells_who_cannot_see_it() -> None:
    drawing = draw_frank(LETTER)
    root = document(render_svg(drawing))
    assert root.findtext(f"{SVG}title") == drawing.title
    assert root.findtext(f"{SVG}desc") == drawing.description
    named = root.attrib["aria-labelledby"].split()
    assert [root[0].attrib["id"], root[1].attrib["id"]] == named
    assert root.attrib["role"] == "img"


def test_a_document_brings_nothing_from_outside() -> None:
    svg = render_svg(draw_frank(faces.WIDEST))
    assert re.findall(r"https?://[^\"]*", svg) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"href|url\(|@import|<script|<image|<style", svg)


def test_a_document_has_the_modules_of_the_symbol() -> None:
    assert LETTER.indicium is not None
    path = document(render_svg(draw_frank(LETTER))).find(f".//{SVG}path")
    assert path is not None
    assert modules_of(path.attrib["d"]) == make_symbol(LETTER.indicium)
    assert "scale(0.508)" in path.attrib["transform"]


def test_words_with_the_signs_of_xml_are_words() -> None:
    face = replace(
        LETTER, slogan=SloganFace(("<b>&amp; 'x' \"y\"",)), office_name="A&B"
    )
    written = {
        text.text for text in document(render_svg(draw_frank(face))).iter(f"{SVG}text")
    }
    assert {"<b>&amp; 'x' \"y\"", "A&B"} <= written


def test_the_same_face_gives_the_same_document() -> None:
    assert render_svg(draw_frank(LETTER)) == render_svg(draw_frank(LETTER))


def test_the_ink_is_blue() -> None:
    root = document(render_svg(draw_frank(LETTER)))
    colours = {
        element.attrib[name]
        for element in root.iter()
        for name in ("fill", "stroke")
        if name in element.attrib
    }
    assert colours == {"#00309c", "#ffffff", "none"}


def test_a_turned_word_is_drawn_on_bare_paper() -> None:
    root = document(render_svg(draw_frank(faces.VOID)))
    bare, inked = [text for text in root.iter(f"{SVG}text") if text.text == "VOID"]
    assert bare.attrib["transform"] == inked.attrib["transform"]
    assert bare.attrib["transform"].startswith("rotate(-12 ")
    assert (bare.attrib["stroke"], inked.attrib["fill"]) == ("#ffffff", "#00309c")
