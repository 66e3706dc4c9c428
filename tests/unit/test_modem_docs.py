"""docs/modem.md tells every command, register and digit that the modem knows."""

from pathlib import Path

import pytest

from hw.modem.book import parse_phone_book
from hw.modem.profile import SETTINGS
from hw.modem.registers import REGISTERS
from hw.modem.results import CONNECT_DIGITS, MODEM_SPEEDS
from hw.modem.settings import INIT

TEXT = (Path(__file__).parents[2] / "docs" / "modem.md").read_text()


@pytest.mark.parametrize("number", REGISTERS)
def test_every_register_is_told_as_it_is(number: int) -> None:
    kind = REGISTERS[number]
    (row,) = [line for line in TEXT.splitlines() if line.startswith(f"| S{number} |")]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1:3] == [kind.meaning, str(kind.usual)]
    if kind.values is None and kind.settable:
        assert cells[3] == f"{kind.least} to {kind.most}"


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_is_told(name: str) -> None:
    assert f"`{name}0`" in TEXT
    assert f"`{name}{max(SETTINGS[name][1])}`" in TEXT


def test_every_digit_of_a_speed_is_told() -> None:
    told = [speed for speed in MODEM_SPEEDS if speed > 1200]
    assert not [
        speed for speed in told if f"`{CONNECT_DIGITS[speed]}` {speed}" not in TEXT
    ]


def test_the_usual_command_line_and_the_phone_book_are_what_they_are() -> None:
    assert f"`{INIT}`" in TEXT
    book = TEXT.partition("```toml\n")[2].partition("```")[0]
    assert len(parse_phone_book(book).entries) == 2
