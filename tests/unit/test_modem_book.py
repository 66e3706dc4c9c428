"""The phone book: what is read, and what is said of what cannot be."""

from pathlib import Path

import pytest

from hw.modem.book import (
    FILE_OCTETS_MAX,
    Outcome,
    PhoneBookError,
    parse_phone_book,
    plain_number,
    read_phone_book,
)

BOOK = """
own = "080 2555 0100"
speed = 14400

[[number]]
dial = "080 2555-0199"
to = "tcp:127.0.0.1:7001"
delay = 0.02
ber = 1e-5
cut_up = 100

[[number]]
dial = "1930"
outcome = "no answer"
speed = 2400
"""


def test_a_book_says_where_numbers_lead() -> None:
    book = parse_phone_book(BOOK)
    assert book.own == "08025550100"
    assert book.dial_tone
    assert book.bit_s_max == 14_400
    entry = book.find("(080) 25550199")
    assert entry is not None
    assert entry.to == "tcp:127.0.0.1:7001"
    assert (entry.line.bit_s, entry.line.delay_s) == (14_400, 0.02)
    assert entry.line.cut_after_octets_up == 100
    other = book.find("1930")
    assert other is not None
    assert other.outcome is Outcome.NO_ANSWER
    assert other.line.bit_s == 2400
    assert book.find("1") is None


def test_an_empty_book_is_one() -> None:
    assert parse_phone_book("").entries == {}


def test_numbers_are_the_same_however_they_are_written() -> None:
    assert plain_number("+91 (80) 2555-01.99") == "+918025550199"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("own = 7", "own: 7 is no telephone number; write digits in quotes"),
        ("own = 'x'", "own: 'x' is no telephone number"),
        ("dial_tone = 1", "dial_tone: 1 is not true or false"),
        ("speed = 1000", "the book, speed: 1000 is not one of 300, 1200"),
        ("speed = true", "speed: True is not one of"),
        ("tone = 1", "the book has no 'tone', only dial_tone, number, own, speed"),
        ("number = 7", r"number: write \[\[number\]\] for each"),
        ("number = [7]", "number 1: write"),
        (
            "[[number]]",
            'number 1: it does not say which number it is; add dial = "..."',
        ),
        ("[[number]]\ndial = 1930", "number 1, dial: 1930 is no telephone number"),
        ("[[number]]\ndial = '1'\nto = 7", "number 1 .1., to: 7 is no line string"),
        (
            "[[number]]\ndial = '1'\noutcome = 'x'",
            'not one of "busy", "no answer", "no',
        ),
        ("[[number]]\ndial = '1'\noutcome = 'busy'\nto = 'a'", "not both"),
        (
            "[[number]]\ndial = '1'\n[[number]]\ndial='1'",
            "number 2: 1 is there already",
        ),
        ("[[number]]\ndial = '1'\nber = 'x'", "number 1 .1., ber: 'x' is not a number"),
        ("[[number]]\ndial = '1'\nseed = 1.5", "seed: 1.5 is not a whole number"),
        ("[[number]]\ndial = '1'\nber = 2", "number 1 .1.: bit_error_rate is 2"),
        ("[[number]]\ndial = '1'\nnoise = 2", "number 1 .1. has no 'noise', only ber"),
        ("own = ", "is not TOML"),
        (f"speed = {'1' * 5000}", "is not TOML"),
        ("#" * (FILE_OCTETS_MAX + 1), "more than 65536 octets"),
    ],
)
def test_what_is_wrong_in_a_book_is_told_with_its_place(text: str, words: str) -> None:
    with pytest.raises(PhoneBookError, match=words):
        parse_phone_book(text)


def test_a_file_is_named_in_what_is_said_of_it(tmp_path: Path) -> None:
    path = tmp_path / "book.toml"
    with pytest.raises(
        PhoneBookError, match=r"book\.toml cannot be read: No such file"
    ):
        read_phone_book(path)
    path.write_bytes(b"\xff")
    with pytest.raises(PhoneBookError, match=r"book\.toml is not text"):
        read_phone_book(path)
    path.write_text("speed = 1")
    with pytest.raises(PhoneBookError, match=r"book\.toml: the book, speed"):
        read_phone_book(path)
    path.write_text(BOOK)
    assert len(read_phone_book(path).entries) == 2
