"""Tariff files: what people write is read, or refused with its line and place."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fm_device.postage import factory_tariff_file
from protocol.contents import TariffFileError, read_tariff_file
from protocol.contents.tariff_file import FILE_OCTETS_MAX
from tests.house.sources import ROOT

GOOD = """\
number = 3
valid_from = 2027-04-01
name = "a tariff"
source = "own: for a test"

[[classes]]
number = 3
letters = "L"
name = "letter"
weight_max_g = 500
steps = [
    { up_to_g = 20, paise = [500] },
]
further = { every_g = 20, paise = [500] }
source = "own"

[[classes]]
number = 6
letters = "SP"
name = "speed post"
zones = ["LOCAL", "OVER"]
weight_max_g = 50
source = "own"
[[classes.steps]]
up_to_g = 20
paise = [1900, 4700]
[[classes.steps]]
up_to_g = 50  # the last one
paise = [2400, 7700]
"""


def refused(text: str | bytes) -> str:
    octets = text.encode() if isinstance(text, str) else text
    with pytest.raises(TariffFileError) as caught:
        read_tariff_file(octets)
    return str(caught.value)


def test_what_a_class_does_not_have_may_be_left_out() -> None:
    letter, speed_post = read_tariff_file(GOOD.encode()).classes
    assert (letter.zones, letter.additions) == ((), ())
    assert speed_post.further is None
    assert [step.up_to_g for step in speed_post.steps] == [20, 50]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("number = 3\nvalid", "number 3\nvalid", "line 1: it is not TOML: Expected"),
        ('letters = "SP"', 'letters = "SP', "line 19: it is not TOML: Illegal"),
        ('letters = "L"', 'letters = "l"', "line 8: classes[0].letters: 'l' is not 1"),
        ('letters = "SP"', 'letters = "L"', "line 19: classes[1].letters: L stands"),
        ("number = 6", "number = 2", "line 18: classes[1].number: 2 is not more"),
        ('letters = "SP"\n', "", "line 17: classes[1]: the field letters is missing"),
        ('name = "letter"', "vat = 5", "line 9: classes[0].vat: no such field"),
        ("= [500] },\n", "= [5.0] },\n", "line 12: classes[0].steps[0].paise[0]: 5.0"),
        ("every_g = 20", "every_g = 0", "line 14: classes[0].further.every_g: 0"),
        ("up_to_g = 50 ", "up_to_g = 19", "line 28: classes[1].steps[1].up_to_g: 19"),
        ("[2400, 7700]", "[2400]", "line 29: classes[1].steps[1].paise: there are 1"),
        ("2027-04-01", "2027-04-31", "line 2: it is not TOML"),
        ("2027-04-01", "2027-04-01T00:00:00", "line 2: valid_from: datetime.datetime("),
        ('name = "a tariff"\n', "", "the field name is missing"),
        ("number = 3\nvalid", "number = " + "9" * 5000 + "\nvalid", "it is not TOML"),
        ("number = 3\nv", f"number = 0x{'f' * 9000}\nv", "line 1: number: what cannot"),
        ('["LOCAL", "OVER"]', '["A", "A"]', "line 21: classes[1].zones[1]: A stands"),
        ("[[classes]]", "[[klasses]]", "klasses: no such field"),
    ],
)
def test_a_fault_is_told_with_its_line_and_place(old: str, new: str, told: str) -> None:
    assert GOOD.count(old) >= 1
    assert told in refused(GOOD.replace(old, new, 1))


def test_a_file_that_is_no_text_is_refused() -> None:
    assert refused(b"number = 1\nname = \xff") == "line 2: it is not UTF-8"
    assert "octets" in refused(b"#" * (FILE_OCTETS_MAX + 1))
    assert refused("a = " + "[" * 100_000)


def test_the_example_in_the_document_costs_what_the_document_says() -> None:
    text = (ROOT / "docs" / "tariffs.md").read_text("utf-8")
    example = text.split("```toml\n")[1].split("```")[0]
    letter, registered = read_tariff_file(example.encode()).classes
    assert letter.postage_paise(45, "") == 1500
    assert registered.postage_paise(60, "OVER") == 8200
    wrong = example.replace("[2400, 7700]", "[2400]")
    assert refused(wrong) in text


@given(st.data())
def test_a_damaged_file_is_read_or_refused(data: st.DataObject) -> None:
    octets = bytearray(factory_tariff_file())
    position = data.draw(st.integers(0, len(octets) - 1))
    octets[position] = data.draw(st.integers(0, 255))
    with suppress(TariffFileError):
        read_tariff_file(bytes(octets))
