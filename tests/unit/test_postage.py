"""Postage: the tariff in force on a day, then class, weight and zone."""

from dataclasses import replace
from datetime import date
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fm_device.classes import parse_class, show_class
from fm_device.postage import (
    Postage,
    PostageRefusal,
    default_tariff,
    factory_tariff,
    postage,
    tariff_in_force,
)
from protocol.contents import Tariff, read_body, read_content, read_tariff_file
from protocol.errors import LocalProtocolError
from tests.spec.contents import ISSUED, MAKER

FACTORY = factory_tariff()
LATER = read_tariff_file(
    files("rmfs_tools").joinpath("samples", "tariffs", "tariff-2.toml").read_bytes()
)
IN_HAND = (LATER, FACTORY)
TODAY = date(2026, 11, 22)
LAST_DAY = date(2026, 12, 31)


def paise(letters: str, weight_g: int = 0, zone: str = "") -> int | PostageRefusal:
    found = postage(IN_HAND, TODAY, parse_class(letters), weight_g, zone)
    return found if isinstance(found, PostageRefusal) else found.value_paise


@pytest.mark.parametrize(
    ("letters", "weight_g", "paise_due"),
    [
        ("P", 0, 50),
        ("P", 5, 50),
        ("PC", 3, 600),
        ("ILC", 5, 250),
        ("L", 1, 500),
        ("L", 20, 500),
        ("L", 21, 1000),
        ("L", 500, 12_500),
        ("RL", 20, 1000),
        ("RL", 41, 2000),
        ("BP", 50, 400),
        ("BP", 51, 700),
        ("BP", 100, 700),
        ("BP", 101, 1000),
        ("BP", 5000, 400 + 99 * 300),
    ],
)
def test_classes_without_zones_cost_what_the_tariff_says(
    letters: str, weight_g: int, paise_due: int
) -> None:
    assert paise(letters, weight_g) == paise_due


# The table of S.O. 4375(E), in rupees: 50 g, 250 g, 500 g.
SPEED_POST = {
    "LOCAL": (19, 24, 28),
    "200": (47, 59, 70),
    "500": (47, 63, 75),
    "1000": (47, 68, 82),
    "2000": (47, 72, 86),
    "OVER": (47, 77, 93),
}


@pytest.mark.parametrize("zone", SPEED_POST)
def test_speed_post_costs_what_was_published(zone: str) -> None:
    first, second, third = (100 * rupees for rupees in SPEED_POST[zone])
    told = [paise("SP", weight_g, zone) for weight_g in (1, 50, 51, 250, 251, 500)]
    assert told == [first, first, second, second, third, third]
    assert paise("SPR", 1, zone) == first + 500


@pytest.mark.parametrize(
    ("letters", "weight_g", "zone", "refusal"),
    [
        ("L", 0, "", PostageRefusal.NO_WEIGHT),
        ("L", -1, "", PostageRefusal.NO_WEIGHT),
        ("L", 501, "", PostageRefusal.TOO_HEAVY),
        ("P", 6, "", PostageRefusal.TOO_HEAVY),
        ("SP", 20, "", PostageRefusal.ZONE_NEEDED),
        ("SP", 20, "MOON", PostageRefusal.ZONE_UNKNOWN),
        ("SP", 0, "LOCAL", PostageRefusal.NO_WEIGHT),
        ("SP", 501, "LOCAL", PostageRefusal.TOO_HEAVY),
        ("99", 20, "", PostageRefusal.CLASS_UNKNOWN),
    ],
)
def test_what_is_missing_or_wrong_is_refused(
    letters: str, weight_g: int, zone: str, refusal: PostageRefusal
) -> None:
    assert paise(letters, weight_g, zone) is refusal


def test_without_a_tariff_in_force_there_is_no_postage() -> None:
    before = date(2025, 9, 30)
    assert postage(IN_HAND, before, 3, 20) is PostageRefusal.NO_TARIFF
    assert postage((), TODAY, 3, 20) is PostageRefusal.NO_TARIFF
    assert isinstance(postage(IN_HAND, date(2025, 10, 1), 3, 20), Postage)


def test_a_zone_is_passed_over_where_the_class_has_none() -> None:
    found = postage(IN_HAND, TODAY, 3, 20, "LOCAL")
    assert isinstance(found, Postage)
    assert (found.value_paise, found.zone) == (500, "")


def test_postage_names_its_class_and_tariff() -> None:
    found = postage(IN_HAND, TODAY, 6, 51, "OVER")
    assert isinstance(found, Postage)
    assert (found.product_class.letters, found.weight_g) == ("SP", 51)
    assert (found.zone, found.tariff_number) == ("OVER", 1)


def test_a_tariff_changes_at_midnight() -> None:
    old = postage(IN_HAND, LAST_DAY, 3, 20)
    new = postage(IN_HAND, LATER.valid_from, 3, 20)
    assert isinstance(old, Postage)
    assert isinstance(new, Postage)
    assert (old.value_paise, old.tariff_number) == (500, 1)
    assert (new.value_paise, new.tariff_number) == (550, 2)


def test_of_two_tariffs_of_one_day_the_one_that_came_later_holds() -> None:
    """CONT-8.1: the number says nothing, nor does what comes after the day."""
    mended = replace(FACTORY, number=3)
    assert tariff_in_force((mended, FACTORY, LATER), TODAY) is FACTORY
    assert tariff_in_force((LATER, FACTORY, mended), TODAY) is mended


def test_every_refusal_has_a_code_of_its_own_and_says_what_to_do() -> None:
    codes = [refusal.code for refusal in PostageRefusal]
    assert codes == [f"FMW-05-{number:03}" for number in range(1, len(codes) + 1)]
    assert all(":" in refusal.words for refusal in PostageRefusal)


@given(
    st.integers(0, 255),
    st.integers(-1, 70_000),
    st.sampled_from(["", "LOCAL", "OVER", "MOON"]),
    st.dates(date(2025, 1, 1), date(2028, 1, 1)),
)
def test_there_is_postage_or_a_refusal_for_whatever_is_asked(
    product_class: int, weight_g: int, zone: str, on: date
) -> None:
    found = postage(IN_HAND, on, product_class, weight_g, zone)
    if isinstance(found, Postage):
        assert found.value_paise > 0
        heavier = postage(IN_HAND, on, product_class, found.weight_g + 1, zone)
        assert isinstance(heavier, Postage | PostageRefusal)
        if isinstance(heavier, Postage):
            assert heavier.value_paise >= found.value_paise


def test_a_new_machine_is_given_a_signed_tariff() -> None:
    content = read_content(default_tariff(MAKER, ISSUED), MAKER.public)
    tariff = read_body(content)
    assert tariff == FACTORY
    assert isinstance(tariff, Tariff)
    assert (content.number, content.valid_from) == (1, tariff.begins)


def test_the_samples_say_what_in_them_is_ours() -> None:
    for tariff in (FACTORY, LATER):
        for one in tariff.classes:
            assert one.source.startswith(("official", "secondary", "own")), one.name
    assert "invented" in LATER.source
    assert LATER.valid_from > FACTORY.valid_from


def test_a_class_is_known_by_letters_or_number() -> None:
    assert [parse_class(text) for text in ("P", "ilc", "L", "BP", "RL", "SP")] == [
        *range(1, 7)
    ]
    assert parse_class("200") == 200
    assert (show_class(6), show_class(200)) == ("SP", "200")
    only_letters = replace(LATER, classes=LATER.classes[2:3])
    assert show_class(6, only_letters) == "6"
    for text in ("sp", "0", "256", "\u0967"):
        with pytest.raises(LocalProtocolError, match="choose one of L, or 1 to 255"):
            parse_class(text, only_letters)
