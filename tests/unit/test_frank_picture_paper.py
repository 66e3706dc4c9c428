"""Paper and scanners wear a picture as told, the same seed in the same way."""

import io
from dataclasses import replace

import pytest
from PIL import Image, ImageChops, ImageStat

from fm_device.frank import draw_frank, make_symbol, render_png
from fm_device.frank.symbol import Modules
from hw.entropy import SeededEntropy
from hw.scanner import find_symbols
from protocol.errors import LocalProtocolError
from rmfs_tools.paper import WORST_IN_THE_POST, Wear, degrade, draw_wear
from tests.faces import LETTER, SPECIMEN

PNG = render_png(draw_frank(LETTER))


def worn(wear: Wear, seed: bytes = b"seed", png: bytes = PNG) -> Image.Image:
    return Image.open(io.BytesIO(degrade(png, wear, SeededEntropy(seed))))


def modules_in(image: Image.Image) -> Modules:
    """Sample the symbol of an upright picture at 300 dots an inch."""
    (left, top), *_ = find_symbols(PNG)[0].corners
    grey = image.convert("L")
    return tuple(
        tuple(
            grey.getpixel((left + 6 * x + 3, top + 6 * y + 3)) < 128  # type: ignore[operator]
            for x in range(40)
        )
        for y in range(40)
    )


def test_without_wear_a_picture_stays_what_it_is() -> None:
    before = Image.open(io.BytesIO(PNG)).convert("RGB")
    assert ImageChops.difference(before, worn(Wear())).getbbox() is None


@pytest.mark.parametrize("regions", [0, 1, 4])
def test_one_module_is_inverted_in_each_marred_region(regions: int) -> None:
    assert LETTER.indicium is not None
    whole = make_symbol(LETTER.indicium)
    for seed in range(20):
        marred = modules_in(worn(Wear(marred_regions=regions), bytes([seed])))
        places = [
            (x, y) for y in range(40) for x in range(40) if marred[y][x] != whole[y][x]
        ]
        assert len(places) == regions
        assert len({(x // 20, y // 20) for x, y in places}) == regions
        assert all(1 <= at % 20 <= 18 for place in places for at in place)


def test_a_picture_without_symbol_has_nothing_to_mar() -> None:
    png = render_png(draw_frank(SPECIMEN))
    before = Image.open(io.BytesIO(png)).convert("RGB")
    after = worn(Wear(marred_regions=4), png=png)
    assert ImageChops.difference(before, after).getbbox() is None


def test_a_scanner_with_half_the_dots_says_so() -> None:
    before = Image.open(io.BytesIO(PNG))
    after = worn(Wear(scale=0.5))
    assert after.size == (round(before.width / 2), round(before.height / 2))
    assert after.info["dpi"] == pytest.approx((150, 150), abs=0.02)


def test_paper_that_is_turned_needs_more_room() -> None:
    before = Image.open(io.BytesIO(PNG))
    after = worn(Wear(rotation_degrees=10))
    assert after.width > before.width
    assert after.height > before.height + 150


def test_each_other_kind_of_wear_changes_what_it_says() -> None:
    white = worn(Wear()).getpixel((5, 5))
    assert white == (255, 255, 255)
    assert worn(Wear(tint=1.0)).getpixel((5, 5)) == (214, 186, 138)
    shaded = worn(Wear(shade=0.5)).convert("L")
    top, bottom = shaded.getpixel((5, 0)), shaded.getpixel((5, shaded.height - 1))
    assert isinstance(top, int)
    assert isinstance(bottom, int)
    assert top > 250
    assert bottom < 135
    corner = worn(Wear(tint=1.0, noise=10)).convert("L").crop((0, 0, 200, 20))
    assert ImageStat.Stat(corner).stddev[0] == pytest.approx(10, abs=1)


def test_the_same_seed_wears_in_the_same_way_and_another_in_another() -> None:
    first, again = (
        degrade(PNG, WORST_IN_THE_POST, SeededEntropy(b"a")) for _ in range(2)
    )
    assert first == again
    assert first != degrade(PNG, WORST_IN_THE_POST, SeededEntropy(b"b"))


def test_drawn_wear_stays_within_the_worst() -> None:
    entropy = SeededEntropy(b"wear")
    worst = WORST_IN_THE_POST
    drawn = [draw_wear(entropy) for _ in range(200)]
    turns = [wear.rotation_degrees for wear in drawn]
    assert -10 <= min(turns) < -8
    assert 8 < max(turns) <= 10
    for wear in drawn:
        assert (wear.scale, wear.marred_regions) == (0.5, 4)
        assert wear.noise <= worst.noise
        assert wear.blur <= worst.blur
        assert wear.shade <= worst.shade


@pytest.mark.parametrize(
    "wear",
    [
        {"marred_regions": 5},
        {"tint": 1.1},
        {"rotation_degrees": 181},
        {"scale": 0},
        {"blur": -1},
        {"shade": -0.1},
        {"noise": 256},
    ],
    ids=lambda wear: next(iter(wear)),
)
def test_wear_that_cannot_be_is_refused(wear: dict[str, float]) -> None:
    with pytest.raises(LocalProtocolError, match="choose from"):
        replace(Wear(), **wear)  # type: ignore[arg-type]
