"""The PNG of a frank is blue, to scale, and its modules are whole dots."""

import io
import subprocess
from itertools import product
from pathlib import Path

import pytest
from PIL import Image, ImageStat

from fm_device.frank import draw_frank, make_symbol, render_png
from fm_device.frank.drawing import Symbol
from protocol.errors import LocalProtocolError
from tests import faces
from tests.faces import LETTER
from tests.witness.programs import needs


def opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png))


def colours(png: bytes) -> set[tuple[int, ...]]:
    found = opened(png).convert("RGB").getcolors(2**24)
    assert found is not None
    return {colour for _, colour in found if isinstance(colour, tuple)}


def darkness(png: bytes) -> float:
    return 255 - ImageStat.Stat(opened(png).convert("L")).mean[0]


@pytest.mark.parametrize("dpi", [100, 300, 600])
def test_a_picture_has_the_size_of_the_drawing_in_dots(dpi: int) -> None:
    drawing = draw_frank(LETTER)
    picture = opened(render_png(drawing, dpi))
    assert picture.width == round(drawing.width_mm / 25.4 * dpi)
    assert picture.height == round(drawing.height_mm / 25.4 * dpi)
    assert picture.info["dpi"] == pytest.approx((dpi, dpi), abs=0.02)


@pytest.mark.parametrize("dpi", [50, 150, 300, 600, 1200])
def test_every_module_is_a_square_of_whole_dots(dpi: int) -> None:
    assert LETTER.indicium is not None
    drawing = draw_frank(LETTER)
    symbol = next(shape for shape in drawing.shapes if isinstance(shape, Symbol))
    picture = opened(render_png(drawing, dpi)).convert("L")
    side = dpi // 50
    left, top = (round(at / 25.4 * dpi) for at in (symbol.x_mm, symbol.y_mm))
    for y, x in product(range(40), range(40)):
        at = (left + x * side, top + y * side)
        module = picture.crop((*at, at[0] + side, at[1] + side))
        low, high = module.getextrema()
        assert low == high
        assert (low != 255) is make_symbol(LETTER.indicium)[y][x]


@pytest.mark.parametrize("dpi", [0, -50, 72, 299, 1250])
def test_dots_that_do_not_fit_the_modules_are_refused(dpi: int) -> None:
    with pytest.raises(LocalProtocolError, match="a multiple of 50"):
        render_png(draw_frank(LETTER), dpi)


def test_there_is_one_blue_ink_on_white_paper() -> None:
    found = colours(render_png(draw_frank(LETTER)))
    assert {(0x00, 0x30, 0x9C), (0xFF, 0xFF, 0xFF)} <= found
    assert all(red <= green <= blue for red, green, blue in found)


@pytest.mark.parametrize("name", faces.ALL)
def test_the_same_face_gives_the_same_octets(name: str) -> None:
    face = faces.ALL[name]
    assert render_png(draw_frank(face)) == render_png(draw_frank(face))


def test_different_faces_give_different_octets() -> None:
    pictures = {render_png(draw_frank(face)) for face in faces.ALL.values()}
    assert len(pictures) == len(faces.ALL)


def test_less_ink_is_paler() -> None:
    drawing = draw_frank(LETTER)
    levels = [darkness(render_png(drawing, low_ink=low)) for low in (0, 0.4, 0.8, 1)]
    assert levels == sorted(levels, reverse=True)
    assert levels[0] > 30
    assert levels[-1] == 0


@pytest.mark.parametrize("low_ink", [-0.1, 1.1])
def test_more_than_all_of_the_ink_cannot_be_missing(low_ink: float) -> None:
    with pytest.raises(LocalProtocolError, match="share of ink"):
        render_png(draw_frank(LETTER), low_ink=low_ink)


def test_an_outside_program_reads_a_picture_as_it_is(tmp_path: Path) -> None:
    dmtxread = needs("dmtxread")
    for name in ("slogan", "widest", "zero", "tape"):
        face = faces.ALL[name]
        picture = tmp_path / f"{name}.png"
        picture.write_bytes(render_png(draw_frank(face)))
        read = subprocess.run(
            [dmtxread, "-N1", "-m120000", picture], capture_output=True, check=True
        )
        assert read.stdout == face.indicium, name
