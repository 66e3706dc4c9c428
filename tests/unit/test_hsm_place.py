"""Where an HSM is, as it stands in settings; the PIN never does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hw.hsm import HsmError, HsmPlace, parse_place, show_place

PLACE = HsmPlace(
    Path("/usr/lib/softhsm/libsofthsm2.so"),
    "rmfs",
    "credential:hsm-pin",
    serial="7986386e788526b4",
    environment={"SOFTHSM2_CONF": "/etc/rmfs/softhsm2.conf"},
)


def test_what_is_shown_is_read_again() -> None:
    assert parse_place(show_place(PLACE), "hsm.toml") == PLACE
    least = HsmPlace(PLACE.module, "rmfs", "environment:PIN")
    assert parse_place(show_place(least), "hsm.toml") == least


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("module = ", "hsm.toml cannot be read"),
        ('module = "/m"\ntoken = "t"', "hsm.toml: pin is missing"),
        ('module = "/m"\ntoken = 5\npin = "file:p"', "token must be a text"),
        ('module = "/m"\ntoken = "t"\npin = "file:p"\nslot = "1"', "no setting slot"),
        ('module = "m.so"\ntoken = "t"\npin = "file:p"', "module must be a whole path"),
        ('module = "/m"\ntoken = ""\npin = "file:p"', "token must be the label"),
        ('module = "/m"\ntoken = "t"\npin = "1234"', "never the PIN itself"),
        ('module = "/m"\ntoken = "t"\npin = "file:"', "never the PIN itself"),
        (
            'module = "/m"\ntoken = "t"\npin = "file:p"\nenvironment = 5',
            "environment must be a table",
        ),
    ],
)
def test_what_cannot_be_an_hsm_is_refused_by_its_setting(text: str, words: str) -> None:
    with pytest.raises(HsmError, match=words):
        parse_place(text, "hsm.toml")


def test_a_pin_that_was_typed_into_the_settings_is_not_shown_again() -> None:
    with pytest.raises(HsmError) as refused:
        parse_place('module = "/m"\ntoken = "t"\npin = "135790"', "hsm.toml")
    assert "135790" not in str(refused.value)


def test_a_pin_is_a_line_of_its_file(tmp_path: Path) -> None:
    file = tmp_path / "pin"
    file.touch(0o600)
    place = HsmPlace(PLACE.module, "rmfs", f"file:{file}")
    for written, read in (("1234\n", "1234"), ("12 34\r\n", "12 34"), ("x", "x")):
        file.write_text(written, newline="")
        assert place.read_pin() == read
    for wrong in (b"", b"\n", b"\xff", b"1" * 256):
        file.write_bytes(wrong)
        with pytest.raises(HsmError, match=r"no PIN"):
            place.read_pin()


@pytest.mark.parametrize("source", ["credential:hsm-pin", "environment:OUR_PIN"])
def test_a_pin_is_found_where_a_service_is_given_it(
    tmp_path: Path, source: str
) -> None:
    (tmp_path / "hsm-pin").write_text("2468\n")
    program = (
        "from pathlib import Path; from hw.hsm import HsmPlace; "
        f"print(HsmPlace(Path('/m'), 'rmfs', {source!r}).read_pin())"
    )
    given = {"CREDENTIALS_DIRECTORY": str(tmp_path), "OUR_PIN": "2468"}
    said = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **given},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=True,
        text=True,
    )
    assert said.stdout == "2468\n"


def test_a_credential_is_a_name_and_no_path() -> None:
    place = HsmPlace(PLACE.module, "rmfs", "credential:../pin")
    with pytest.raises(HsmError, match="no credential"):
        place.read_pin()
