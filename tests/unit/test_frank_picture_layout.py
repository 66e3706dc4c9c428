"""Everything on a frank has a place of its own, whatever it says."""

import re
from dataclasses import replace
from datetime import date
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fm_device.frank import (
    NOTICE,
    Drawing,
    FrankFace,
    FrankMark,
    SloganFace,
    draw_frank,
)
from fm_device.frank.drawing import Anchor, Box, Overprint, Symbol, Text, Tone
from fm_device.frank.layout import MODULE_MM, QUIET_MODULES
from protocol.values import Paise
from tests import faces
from tests.faces import LETTER, WITH_SLOGAN

Area = tuple[float, float, float, float]
"""Left, top, right, bottom."""

CAPITALS = 0.69
"""Height of a capital, in sizes of the font."""


def texts(drawing: Drawing) -> list[Text]:
    return [shape for shape in drawing.shapes if isinstance(shape, Text)]


def words(face: FrankFace) -> list[str]:
    return [text.words for text in texts(draw_frank(face))]


def area(text: Text) -> Area:
    left = {
        Anchor.START: text.x_mm,
        Anchor.MIDDLE: text.x_mm - text.width_mm / 2,
        Anchor.END: text.x_mm - text.width_mm,
    }[text.anchor]
    top = text.y_mm - CAPITALS * text.size_mm
    return left, top, left + text.width_mm, text.y_mm


def quiet(symbol: Symbol) -> Area:
    around = QUIET_MODULES * MODULE_MM
    side = 40 * symbol.module_mm
    return (
        symbol.x_mm - around,
        symbol.y_mm - around,
        symbol.x_mm + side + around,
        symbol.y_mm + side + around,
    )


def apart(one: Area, other: Area) -> bool:
    return (
        one[2] <= other[0]
        or other[2] <= one[0]
        or one[3] <= other[1]
        or other[3] <= one[1]
    )


def assert_that_all_have_a_place(face: FrankFace) -> None:
    drawing = draw_frank(face)
    taken = {text.words: area(text) for text in texts(drawing)}
    for name, (left, top, right, bottom) in taken.items():
        assert left >= 0, name
        assert top >= 0, name
        assert right <= drawing.width_mm, name
        assert bottom <= drawing.height_mm, name
    for one, other in combinations(taken, 2):
        assert apart(taken[one], taken[other]), (one, other)
    for symbol in (shape for shape in drawing.shapes if isinstance(shape, Symbol)):
        for one, place in taken.items():
            assert apart(quiet(symbol), place), one
        for box in (shape for shape in drawing.shapes if isinstance(shape, Box)):
            edges = (
                box.x_mm,
                box.y_mm,
                box.x_mm + box.width_mm,
                box.y_mm + box.height_mm,
            )
            assert apart(quiet(symbol), edges)


@pytest.mark.parametrize("name", faces.ALL)
def test_nothing_overlaps_and_nothing_is_cut_off(name: str) -> None:
    assert_that_all_have_a_place(faces.ALL[name])


printable = st.characters(min_codepoint=0x20, max_codepoint=0x7E)


@settings(max_examples=150, deadline=None)
@given(
    value=st.integers(0, 2**32 - 1),
    item=st.integers(0, 2**32 - 1),
    weight=st.none() | st.integers(0, 65_535),
    office=st.text(printable, max_size=32),
    letters=st.text(printable, max_size=4),
    name=st.text(printable, max_size=24),
    lines=st.lists(st.text(printable, max_size=24), min_size=1, max_size=3),
    day=st.dates(date(2010, 1, 1), date(2189, 12, 31)),
    advanced=st.booleans(),
    tape=st.booleans(),
)
def test_whatever_a_face_says_has_its_place(  # noqa: PLR0917  Hypothesis gives names
    value: int,
    item: int,
    weight: int | None,
    office: str,
    letters: str,
    name: str,
    lines: list[str],
    day: date,
    advanced: bool,
    tape: bool,
) -> None:
    face = replace(
        LETTER,
        value_paise=Paise(value),
        item=item,
        weight_g=weight,
        office_name=office,
        class_letters=letters,
        class_name=name,
        slogan=SloganFace(tuple(lines)),
        printed_on=day,
        date_advanced=advanced,
        on_tape=tape,
    )
    assert_that_all_have_a_place(face)


def test_a_frank_says_all_that_it_must() -> None:
    assert words(WITH_SLOGAN) == [
        "LETTERS LAST",
        "write one today",
        "BENGALURU GPO",
        "PIN 560001",
        "18 g",
        "12.07.2010",
        "1A2B 3C4D",
        "No 0000042",
        "LICENCE N123456",
        "FRANKED",
        "Rs 5.00",
        "L",
        "LETTER",
        NOTICE,
    ]


@pytest.mark.parametrize("name", faces.ALL)
def test_every_frank_says_that_it_is_simulated(name: str) -> None:
    notice = next(
        text for text in texts(draw_frank(faces.ALL[name])) if text.words == NOTICE
    )
    assert "NOT VALID FOR POSTAGE" in NOTICE
    assert notice.size_mm >= 2.5
    assert notice.tone is Tone.INK


@pytest.mark.parametrize(
    ("face", "word"), [(faces.SPECIMEN, "SPECIMEN"), (faces.VOID, "VOID")]
)
def test_what_franks_nothing_says_so_across_its_dies(
    face: FrankFace, word: str
) -> None:
    drawing = draw_frank(face)
    last = drawing.shapes[-1]
    assert isinstance(last, Overprint)
    assert last.words == word
    assert last.angle_degrees > 0
    assert last.width_mm > 35
    assert not [shape for shape in drawing.shapes if isinstance(shape, Symbol)]
    assert not any(re.match("No |FRANKED", text.words) for text in texts(drawing))


@pytest.mark.parametrize("face", [LETTER, faces.ZERO], ids=["valid", "zero"])
def test_what_counts_has_a_symbol_and_nothing_across_it(face: FrankFace) -> None:
    kinds = [type(shape) for shape in draw_frank(face).shapes]
    assert kinds.count(Symbol) == 1
    assert Overprint not in kinds


def test_a_zero_frank_is_told_from_one_with_a_value() -> None:
    assert {"ZERO FRANK", "Rs 0.00"} <= set(words(faces.ZERO))


def test_a_machine_without_licence_says_so() -> None:
    assert "NO LICENCE" in words(faces.NEW)


def test_an_advanced_date_is_bare_paper_in_a_field_of_ink() -> None:
    drawing = draw_frank(faces.ALL["advanced"])
    day = next(text for text in texts(drawing) if text.words == "12.07.2010")
    assert day.tone is Tone.PAPER
    left, top, right, bottom = area(day)
    assert [
        box
        for box in drawing.shapes
        if isinstance(box, Box)
        and box.tone is Tone.INK
        and box.x_mm < left
        and box.y_mm < top
        and right < box.x_mm + box.width_mm
        and bottom < box.y_mm + box.height_mm
    ]


def test_a_slogan_stands_left_of_the_dies_and_makes_the_frank_wider() -> None:
    plain, with_slogan = draw_frank(LETTER), draw_frank(WITH_SLOGAN)
    assert 85 < plain.width_mm < 95
    assert 115 < with_slogan.width_mm < 125
    assert plain.height_mm == with_slogan.height_mm == 30
    boundary = with_slogan.width_mm - plain.width_mm
    for text in texts(with_slogan):
        is_slogan = text.words in {"LETTERS LAST", "write one today"}
        assert (area(text)[2] < boundary + 2) is is_slogan


def test_words_fit_into_the_dots_of_the_printer() -> None:
    # Small letters are wider than large ones by rounding: what fits in the drawing must
    # fit on paper, where nothing may come nearer to an edge than a dot.
    for face in faces.ALL.values():
        drawing = draw_frank(face)
        for text in texts(drawing):
            left, _, right, _ = area(text)
            spare = 0.04 * text.width_mm
            assert left - spare / 2 > 0
            assert right + spare / 2 < drawing.width_mm


def test_a_drawing_tells_who_cannot_see_it_all_that_is_on_it() -> None:
    drawing = draw_frank(replace(WITH_SLOGAN, date_advanced=True))
    assert drawing.title == "Valid frank, Rs 5.00, 12.07.2010"
    assert drawing.description == (
        f"{NOTICE}; class L (letter); Bengaluru GPO, PIN code 560001; licence N123456; "
        "date advanced; item 42; authentication code 1A2B 3C4D; weight 18 g; "
        "slogan: LETTERS LAST / write one today; with a signed indicium"
    )
    assert draw_frank(faces.NEW).title == "Specimen frank, Rs 5.00, 12.07.2010"
    assert draw_frank(faces.NEW).description.endswith("without an indicium")


def test_every_mark_has_a_face_in_these_tests() -> None:
    assert {face.mark for face in faces.ALL.values()} == set(FrankMark)
