"""Hindi in a PDF is shaped: another shaper and another renderer draw the same."""

import io
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFont, features

from dop_gateway.exports.page import Sheets
from dop_gateway.exports.showing import india
from dop_gateway.exports.table import HINDI, Column, Kind, Row, Table
from dop_gateway.exports.writing import Format
from protocol.values import EpochSeconds
from tests.witness.programs import missing, needs

FONT = "dop_gateway/exports/fonts/NotoSansDevanagari-Regular.ttf"
MORNING = EpochSeconds(1_794_799_800)
SIZE_PT = 72
DOTS_PER_INCH = 216
DIFFERENT_MAX = 0.06
"""Of the inked dots: two renderers smooth the same outline by a dot's breadth."""


@pytest.mark.parametrize(
    "word", ["हिन्दी", "क्षेत्रीय", "श्री", "ज्ञान", "कार्यालय", "कृष्ण", "उन्नति"]
)
def test_a_word_looks_as_another_shaper_draws_it(word: str, tmp_path: Path) -> None:
    if not features.check("raqm"):
        missing("Pillow was built without raqm")
    drawn = _drawn(word, tmp_path)
    assert _differs(drawn, _pictured(word, ImageFont.Layout.RAQM)) < DIFFERENT_MAX
    if word != "उन्नति":
        return
    # The measure finds what it is to find: letters that are merely put in a row.
    assert _differs(drawn, _pictured(word, ImageFont.Layout.BASIC)) > 3 * DIFFERENT_MAX


def test_the_words_of_a_page_can_be_taken_from_it(tmp_path: Path) -> None:
    columns = (
        Column("office", "कार्यालय"),
        Column("amount", "Amount", Kind.MONEY, summed=True),
    )
    rows: list[Row] = [(f"Office {number}", 1_234_567_890) for number in range(150)]
    table = Table("Deposits", (), MORNING, "asha", columns, rows, HINDI)
    text = _text(table, tmp_path)
    pages = text.split("\f")[:-1]
    assert len(pages) == 3
    for number, page in enumerate(pages, start=1):
        assert f"{number}/3" in page.replace(" ", "")
        assert "Amount" in page
        assert "1,23,45,678.90" in page
    assert "1,85,18,51,835.00" in pages[-1]
    assert text.count("Office") == 150


def test_a_letter_that_no_font_has_is_seen_to_be_missing(tmp_path: Path) -> None:
    columns = (Column("name", "Name"),)
    table = Table("Names", (), MORNING, "asha", columns, [("Wei 伟",)])
    assert "Wei \ufffd" in _text(table, tmp_path)


def test_a_text_that_is_too_long_ends_with_a_sign(tmp_path: Path) -> None:
    columns = (Column("name", "Name"),)
    rows = [("word " * 2_000,), ("क्षेत्रीयकार्यालय" * 300,)]
    text = _text(Table("Names", (), MORNING, "asha", columns, rows), tmp_path)
    assert text.count("…") == 2


def _text(table: Table, folder: Path) -> str:
    file = io.BytesIO()
    Format.PDF.write(table, file)
    path = folder / "table.pdf"
    path.write_bytes(file.getvalue())
    done = subprocess.run(
        [needs("pdftotext"), "-layout", path, "-"],
        capture_output=True,
        check=True,
    )
    return done.stdout.decode()


def _drawn(word: str, folder: Path) -> Image.Image:
    """Draw by the product, and let poppler make a picture of it."""
    path = folder / "word.pdf"
    with closing(Sheets("A word", india(MORNING), landscape=True)) as sheets:
        sheets.add()
        sheets.draw(20, 80, word, SIZE_PT)
        path.write_bytes(sheets.octets())
    made = folder / "word"
    options = ["-r", str(DOTS_PER_INCH), "-gray", "-singlefile"]
    subprocess.run([needs("pdftoppm"), *options, path, made], check=True)
    with Image.open(made.with_suffix(".pgm")) as picture:
        return _cut(ImageChops.invert(picture.convert("L")))


def _pictured(word: str, layout: ImageFont.Layout) -> Image.Image:
    picture = Image.new("L", (3_000, 900))
    font = ImageFont.truetype(FONT, SIZE_PT * DOTS_PER_INCH / 72, layout_engine=layout)
    ImageDraw.Draw(picture).text((300, 240), word, fill=255, font=font)
    return _cut(picture)


def _cut(picture: Image.Image) -> Image.Image:
    return picture.crop(picture.point(lambda grey: 255 * (grey > 127)).getbbox())


def _differs(one: Image.Image, other: Image.Image) -> float:
    """Say which part of the ink is not where the other has it."""
    size = (max(one.width, other.width), max(one.height, other.height))
    first, second = (_padded(picture, size) for picture in (one, other))
    apart = ImageChops.difference(first, second)
    return _ink(apart) / (_ink(first) + _ink(second))


def _padded(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    padded = Image.new("L", size)
    padded.paste(picture)
    return padded


def _ink(picture: Image.Image) -> int:
    return sum(grey * count for grey, count in enumerate(picture.histogram()))
