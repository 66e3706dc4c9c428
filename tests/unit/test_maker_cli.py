"""`rmfs maker`, as a person types it."""

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from protocol.contents import (
    FirmwareImage,
    Slogan,
    Tariff,
    content_id,
    make_content,
    read_body,
    read_content,
    write_content,
)
from protocol.errors import RmfsError
from protocol.keys import (
    MakerKey,
    Realm,
    write_private_key,
    write_public_key,
)
from rmfs_tools.maker import MakerError, read_tariff
from rmfs_tools.maker_cli import add_commands
from tests.house.sources import ROOT
from tests.spec.contents import CREDIT_KEY, ISSUED, MAKER

SAMPLE = ROOT / "rmfs_tools" / "samples" / "tariffs" / "tariff-2.toml"
SLOGAN = (
    *("slogan", "--number", "2", "--name", "Save water"),
    *("--line", "SAVE WATER", "--line", "SAVE LIFE", "--approved", "LA/KN/2026/17"),
)
FIRMWARE = ("firmware", "--version", "0.2.0", "--notes", "new fonts")


class Desk:
    """A maker at a terminal, with keys in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = folder / "maker.pem"
        self.public = folder / "maker-public.pem"
        self.out = folder / "new.fmpc"
        self.key.write_text(write_private_key(MAKER.signing.scalar))
        self.public.write_text(write_public_key(MAKER.signing.public.point))
        self.root = click.Group()
        add_commands(self.root)

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(
            self.root, ("maker", *arguments), standalone_mode=False
        )

    def sign(self, *arguments: str) -> Result:
        keys = ("--key", str(self.key), "--out", str(self.out))
        return self.run(*arguments, *keys)

    def signed(self, *arguments: str) -> object:
        result = self.sign(*arguments)
        if result.exception is not None:
            raise result.exception
        return read_body(read_content(self.out.read_bytes(), MAKER.public))

    def refused(self, *arguments: str) -> str:
        result = self.sign(*arguments)
        assert isinstance(result.exception, RmfsError), result.output
        assert not self.out.exists()
        return str(result.exception)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_tariff_in_toml_becomes_a_signed_content(desk: Desk) -> None:
    tariff = desk.signed("tariff", str(SAMPLE))
    assert isinstance(tariff, Tariff)
    assert (tariff.number, tariff.valid_from.isoformat()) == (2, "2027-01-01")


def test_a_slogan_becomes_a_signed_content(desk: Desk) -> None:
    assert desk.signed(*SLOGAN, "--department", "3") == Slogan(
        2, "Save water", ("SAVE WATER", "SAVE LIFE"), 3, "LA/KN/2026/17"
    )


def test_a_firmware_image_is_as_long_as_told_and_always_the_same(desk: Desk) -> None:
    image = desk.signed(*FIRMWARE, "--octets", "100")
    assert isinstance(image, FirmwareImage)
    assert (image.version, image.boots, len(image.payload)) == ((0, 2, 0), True, 100)
    desk.out.unlink()
    assert desk.signed(*FIRMWARE, "--octets", "100") == image
    desk.out.unlink()
    fails = desk.signed(*FIRMWARE, "--octets", "0", "--fails")
    assert fails == FirmwareImage((0, 2, 0), "new fonts", boots=False)


def test_a_content_can_be_for_one_model_and_one_realm(desk: Desk) -> None:
    result = desk.sign(*SLOGAN, "--model", "RMFS-S1", "--realm", "production")
    assert result.exception is None
    production = MakerKey("Maker", Realm.PRODUCTION, MAKER.signing)
    content = read_content(desk.out.read_bytes(), production.public)
    assert (content.model, content.realm) == ("RMFS-S1", Realm.PRODUCTION)


def test_a_content_is_never_written_over_another_file(desk: Desk) -> None:
    desk.out.write_bytes(b"an older one")
    result = desk.sign(*SLOGAN)
    assert isinstance(result.exception, RmfsError)
    assert "a content is written to a new file" in str(result.exception)
    assert desk.out.read_bytes() == b"an older one"


def test_a_file_that_cannot_be_read_or_written_is_named(desk: Desk) -> None:
    desk.out = desk.folder / "nowhere" / "new.fmpc"
    assert f"{desk.out} cannot be written: No such file" in desk.refused(*SLOGAN)
    with pytest.raises(MakerError, match="cannot be read: Is a directory"):
        read_tariff(desk.folder)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("number = 2\n", "number = two\n", "bad.toml: line 7: it is not TOML"),
        ('"SP"', '"sp"', "classes[5].letters: 'sp' is not 1 to 4 capitals"),
        ("[3100,", "[3100, 1,", "classes[5].steps[2].paise: there are 7, 6 are"),
    ],
)
def test_a_bad_tariff_is_refused_with_file_line_place_and_reason(
    desk: Desk, old: str, new: str, told: str
) -> None:
    text = SAMPLE.read_text()
    assert old in text
    bad = desk.folder / "bad.toml"
    bad.write_text(text.replace(old, new, 1))
    said = desk.refused("tariff", str(bad))
    assert told in said
    assert f"{bad}: line " in said


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((*SLOGAN, "--number", "11"), "number: 11 is not in 1 to 10"),
        ((*SLOGAN, "--line", "x" * 25), "lines[2]: 'xxx"),
        ((*SLOGAN, "--line", "a", "--line", "b"), "lines: there are 4"),
        ((*SLOGAN, "--model", "m" * 17), "is no model"),
    ],
)
def test_what_a_content_cannot_hold_is_refused(
    desk: Desk, arguments: tuple[str, ...], told: str
) -> None:
    assert told in desk.refused(*arguments)


@pytest.mark.parametrize("version", ["0.2", "a.b.c", "1.2.3.4", "0.2.0000", "0.256.0"])
def test_a_version_has_three_numbers_of_an_octet_each(desk: Desk, version: str) -> None:
    result = desk.sign("firmware", "--version", version, "--notes", "n")
    assert isinstance(result.exception, click.BadParameter)


def test_a_file_that_is_no_key_signs_nothing(desk: Desk) -> None:
    desk.key.write_text(write_public_key(MAKER.signing.public.point))
    assert f"{desk.key}: not an unencrypted private key" in desk.refused(*SLOGAN)


@pytest.mark.parametrize("option", ["--key", "--maker-file"])
def test_show_verifies_by_the_public_key_or_the_private_one(
    desk: Desk, option: str
) -> None:
    desk.sign("tariff", str(SAMPLE))
    by_public = desk.run("show", str(desk.out), option, str(desk.public))
    by_private = desk.run("show", str(desk.out), option, str(desk.key))
    assert by_public.exception is by_private.exception is None
    assert by_public.stdout == by_private.stdout
    assert "each further 20 g: Rs 5.50, to 500 g" in by_public.stdout
    assert "valid from 2027-01-01 00:00:00 IST" in by_public.stdout
    assert "and registration: Rs 5.50" in by_public.stdout


def test_show_refuses_what_this_maker_did_not_sign(desk: Desk) -> None:
    desk.sign(*SLOGAN)
    octets = bytearray(desk.out.read_bytes())
    octets[-1] ^= 1
    desk.out.write_bytes(octets)
    result = desk.run("show", str(desk.out), "--key", str(desk.public))
    assert isinstance(result.exception, RmfsError)
    assert "the maker's signature does not verify" in str(result.exception)


def test_a_program_reads_everything_that_is_in_a_content(desk: Desk) -> None:
    def shown(*arguments: str) -> dict[str, Any]:
        made = desk.sign(*arguments, "--json")
        assert made.exception is None
        found = json.loads(made.stdout)
        again = desk.run("show", str(desk.out), "--key", str(desk.key), "--json")
        assert json.loads(again.stdout) == found
        assert found["content_id"] == f"{content_id(desk.out.read_bytes()):016x}"
        assert found["octets"] == len(desk.out.read_bytes())
        desk.out.unlink()
        fields: dict[str, Any] = found
        return fields

    tariff = shown("tariff", str(SAMPLE))
    assert tariff["kind"] == "TARIFF"
    assert tariff["body"]["classes"][2]["further"] == {"every_g": 20, "paise": [550]}
    slogan = shown(*SLOGAN)
    assert slogan["body"]["lines"] == ["SAVE WATER", "SAVE LIFE"]
    assert slogan["model"] is None
    assert shown(*FIRMWARE)["body"]["payload"] == 4096


def test_people_are_shown_what_matters_of_each_kind(desk: Desk) -> None:
    for arguments, told in (
        (SLOGAN, "|       SAVE WATER       |"),
        ((*FIRMWARE, "--fails"), "self-test  FAILS"),
    ):
        assert told in desk.sign(*arguments).stdout
        desk.out.unlink()


def test_a_credit_key_is_shown_like_everything_else(desk: Desk) -> None:
    content = make_content(CREDIT_KEY, Realm.TEST, ISSUED)
    desk.out.write_bytes(write_content(content, MAKER))
    command = ("show", str(desk.out), "--key", str(desk.public))
    assert "CREDIT_KEY 2 of rmfs.example" in desk.run(*command).stdout
    body = json.loads(desk.run(*command, "--json").stdout)["body"]
    assert body["credit_key_id"] == 2
